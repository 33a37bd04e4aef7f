"""Features of a batch about their mean: what losses that decorrelate them are made of."""

from typing import Any

import torch
from torch import Tensor

from ..metric.distance import size


def centred(z: Tensor, there: Tensor, scaled: bool = False) -> Tensor:
    """Each feature less its mean over the samples ``there``, 0 at the others. (N, D) to (D, N)

    A feature that does not vary gives exact zeros: its first value is taken away before the mean is.

    Args:
        scaled: whether each feature may be multiplied by a number, for what depends on its direction alone.
    """
    rows = z.mT
    first = there.to(torch.int64).argmax(-1, keepdim=True)
    gap = torch.where(there, rows - rows.detach().index_select(-1, first), 0.0)
    if scaled:
        gap = gap / size(gap)
    mean = gap.sum(-1, keepdim=True) / there.sum().clamp(min=1)
    return torch.where(there, gap - mean, 0.0)


def around(e: Any, m: Any) -> Any:
    """The same of plain numbers: a list of features, each a list over the samples."""
    found = []
    for column in zip(*e, strict=True):
        gaps = [v - m.still(column[0]) for v in column]
        mean = m.sum(gaps) / len(gaps)
        found.append([v - mean for v in gaps])
    return found


def covered(z: Tensor, keep: Tensor | None) -> Tensor:
    """Which samples take part."""
    return torch.ones(len(z), dtype=torch.bool, device=z.device) if keep is None else keep
