"""Who belongs with whom in a batch: pairs of one label, pairs of two, and sums over them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .distance import distance_of

#: What a loss that multiplies matrices cannot keep.
EXEMPT = {"autocast_changes_nothing": "a backward pass run inside autocast multiplies matrices in its dtype"}


def partners(labels: Tensor, keep: Tensor | None) -> tuple[Tensor, Tensor]:
    """For every sample the others of its label, and those of another one, among those kept. (N,) to (N, N) twice."""
    count = len(labels)
    alike = labels.unsqueeze(1) == labels.unsqueeze(0)
    positive = alike & ~torch.eye(count, dtype=torch.bool, device=labels.device)
    negative = ~alike
    if keep is None:
        return positive, negative
    both = keep & keep.unsqueeze(1)
    return positive & both, negative & both


def log_sum(x: Tensor, there: Tensor) -> Tensor:
    """log Σ exp(x) over the last axis where ``there``; 0 where there is nothing, which has no logarithm."""
    if x.shape[-1] == 0:
        return x.sum(-1)
    some = there.any(-1, keepdim=True)
    x = torch.where(there | ~some, x, -torch.inf)
    # Beside a large exponent the sum's logarithm is rounded, and with it the shares that are its derivatives.
    top = x.detach().amax(-1, keepdim=True)
    top = torch.where(top.isfinite(), top, 0.0)  # infinity less itself is no number
    return torch.where(some, top + torch.logsumexp(x - top, -1, keepdim=True), 0.0).squeeze(-1)


def mean_over(x: Tensor, pairs: Tensor) -> Tensor:
    """The mean over the last axis where there are ``pairs``, 0 where there is none."""
    return torch.where(pairs, x, 0.0).sum(-1) / pairs.sum(-1).clamp(min=1)


def positives(labels: Sequence[int], i: int) -> int:
    """How many pairs of one label a sample is the anchor of, in a batch with another label beside: plain numbers."""
    alike = labels.count(labels[i])
    return alike - 1 if alike < len(labels) else 0


def sides(labels, i):
    """Places of a sample's partners of its label, and of the others: plain numbers."""
    near = [j for j in range(len(labels)) if j != i and labels[j] == labels[i]]
    return near, [j for j in range(len(labels)) if labels[j] != labels[i]]


def distances(e, labels, i, m, distance):
    """How far a sample's partners of its label are, and how far the others: plain numbers."""
    return tuple([distance_of(e[i], e[j], m, distance) for j in places] for places in sides(labels, i))
