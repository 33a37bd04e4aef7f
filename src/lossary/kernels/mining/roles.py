"""Who is what to whom: positives and negatives of a tile of anchors, from their labels alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

#: Distances in a tile: two megabytes of float64, which a cache holds.
TILE = 2**18


@dataclass(frozen=True)
class Classes:
    """Samples by label.

    Attributes:
        order: places of the samples, those of a label beside each other, (N,).
        start, size: of the sample at each place of that order, where its label begins and how many have it.
    """

    labels: Tensor
    order: Tensor
    start: Tensor
    size: Tensor

    def alike(self) -> Tensor:
        """How many samples have the label of each, itself included, in the batch's own order."""
        return torch.empty_like(self.size).scatter(0, self.order, self.size)


@dataclass(frozen=True)
class Roles:
    """A tile of anchors.

    Attributes:
        rows: places of the anchors, (c,).
        positives: places of the samples of each one's label, padded, (c, P).
        real: which of these are positives, and neither padding nor the anchor, (c, P).
        alike: which samples are of an anchor's label, (c, N); the others are its negatives.
    """

    rows: Tensor
    positives: Tensor
    real: Tensor
    alike: Tensor

    @property
    def near(self) -> Tensor:
        """How many positives an anchor has."""
        return self.real.sum(1)

    @property
    def far(self) -> Tensor:
        """How many negatives an anchor has."""
        return self.alike.shape[1] - self.alike.sum(1)


def classes(labels: Tensor) -> Classes:
    """Sort samples by label."""
    order = labels.argsort(stable=True)
    _, which, sizes = torch.unique_consecutive(labels[order], return_inverse=True, return_counts=True)
    return Classes(labels, order, (sizes.cumsum(0) - sizes)[which], sizes[which])


def tiles(found: Classes) -> Iterator[Roles]:
    """Every sample as an anchor once; those of classes of about one size together, since a tile pads to the largest."""
    count = len(found.order)
    by_size = found.size.argsort(stable=True)
    many = max(1, TILE // max(count, 1))
    for first in range(0, count, many):
        some = by_size[first : first + many]
        rows, start, size = found.order[some], found.start[some], found.size[some].unsqueeze(1)
        step = torch.arange(int(size.max()), device=rows.device)
        positives = found.order[(start.unsqueeze(1) + step).clamp(max=count - 1)]
        real = (step < size) & (positives != rows.unsqueeze(1))
        yield Roles(rows, positives, real, found.labels[rows].unsqueeze(1) == found.labels)
