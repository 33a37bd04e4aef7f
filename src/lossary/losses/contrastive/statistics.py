"""Features of a batch about their mean: what losses that decorrelate them are made of."""

from typing import Any

import torch
from torch import Tensor

from ..metric.distance import direction, size


def centred(z: Tensor, there: Tensor) -> Tensor:
    """Each feature less its mean over the samples ``there``, 0 at the others. (N, D) to (D, N)

    A feature that does not vary gives exact zeros: its first value is taken away before the mean is.
    """
    return _about_mean(_risen(z, there), there)


def standardised(z: Tensor, there: Tensor) -> Tensor:
    """Each feature less its mean, at length 1; zeros where it does not vary. (N, D) to (D, N)"""
    gap = _risen(z, there)
    gap = gap / size(gap)
    # Twice, which changes no value: so the derivative is brought twice into the plane where mean and length stay, and
    # what rounding left outside of it the first time is not taken for a slope.
    for _ in range(2):
        gap = direction(_about_mean(gap, there))
    return gap


def _risen(z: Tensor, there: Tensor) -> Tensor:
    rows = z.mT
    first = there.to(torch.int64).argmax(-1, keepdim=True)
    return torch.where(there, rows - rows.detach().index_select(-1, first), 0.0)


def _about_mean(rows: Tensor, there: Tensor) -> Tensor:
    mean = rows.sum(-1, keepdim=True) / there.sum().clamp(min=1)
    return torch.where(there, rows - mean, 0.0)


def around(e: Any, m: Any) -> Any:
    """The features of plain vectors, each less its first value: exact zeros where a feature does not vary."""
    return [[v - m.still(column[0]) for v in column] for column in zip(*e, strict=True)]


def covariances(one: Any, other: Any, m: Any) -> Any:
    """n times the covariance of each feature of one with each of the other: n·cov = Σ p·q - Σ p·Σ q/n."""
    sums, means = [m.sum(p) for p in one], [m.sum(q) / len(q) for q in other]
    return [
        [m.dot(p, q) - total * mean for q, mean in zip(other, means, strict=True)]
        for p, total in zip(one, sums, strict=True)
    ]


def variances(columns: Any, m: Any) -> Any:
    """n times the variance of each feature."""
    return [m.dot(p, p) - m.sum(p) ** 2 / len(p) for p in columns]


def covered(z: Tensor, keep: Tensor | None) -> Tensor:
    """Which samples take part."""
    return torch.ones(len(z), dtype=torch.bool, device=z.device) if keep is None else keep
