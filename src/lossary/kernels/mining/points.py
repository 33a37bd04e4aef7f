"""Distances of a batch, a tile of anchors at a time: from products where those are exact, else from differences.

|a - b|² = |a|² + |b|² - 2ab costs one matrix product and cancels for near pairs. So the batch is moved to its centre,
the product is taken in float64, and the pairs that are near for their distance from the centre, for which it is not
enough, are computed again from their differences, as the losses' own math computes all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.losses.metric.distance import length

#: Pairs with |a - b|² below this part of |a|² + |b|² are near: what is left has 24 good bits of float32's 24, or all
#: but four of float64's 53.
NEAR = {torch.float32: 2.0**-24, torch.float64: 2.0**-4}
#: So are pairs whose |a - b|² is nothing beside the size of the batch.
SMALL = 2.0**-60
#: Numbers in the differences that are made at once.
BLOCK = 2**20


@dataclass(frozen=True)
class Tile:
    """Distances from some anchors to all samples, and the pairs that came from differences.

    Attributes:
        apart: (c, N) in float64; an anchor's distance from itself is no distance, and 1.
        near: places in the tile, (anchor, sample), each (K,).
    """

    apart: Tensor
    near: tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Points:
    """A batch of vectors, ready for tiles.

    Attributes:
        raw: (N, D) as they are, in float64.
        moved: the same near the origin, times a power of two: (raw - centre) / unit.
        unit: that power, a 0-d tensor.
        kind: "euclidean", "squared" or "cosine", for which the vectors have length 1.
        threshold: what part of the squares is near.
    """

    raw: Tensor
    moved: Tensor
    squares: Tensor
    unit: Tensor
    kind: str
    threshold: float

    def tile(self, rows: Tensor) -> Tile:
        """Distances from the anchors at ``rows``; differentiable where the points are."""
        own = self.squares[rows].unsqueeze(1)
        square = torch.addmm(self.squares, self.moved[rows], self.moved.T, alpha=-2.0) + own
        with torch.no_grad():
            # So asked, what is no number is near too: of an infinite vector the difference knows more than the product.
            near = ~(square > self.threshold * (own + self.squares) + SMALL)
            near[torch.arange(len(rows), device=rows.device), rows] = True
            anchor, sample = near.nonzero(as_tuple=True)
            others = rows[anchor] != sample
            anchor, sample = anchor[others], sample[others]
        apart = torch.where(near, 1.0, square)
        if self.kind == "euclidean":
            apart = apart.sqrt() * self.unit
        else:
            apart = apart * (self.unit.square() * (0.5 if self.kind == "cosine" else 1.0))
        if len(anchor):
            apart = apart.index_put((anchor, sample), self._between(rows[anchor], sample))
        return Tile(apart, (anchor, sample))

    def _between(self, ones: Tensor, others: Tensor) -> Tensor:
        found = []
        for a, b in pairs(ones, others, self.raw.shape[1]):
            gap = self.raw[a] - self.raw[b]
            if self.kind == "euclidean":
                found.append(length(gap))
            else:
                found.append(gap.square().sum(-1) * (0.5 if self.kind == "cosine" else 1.0))
        return torch.cat(found)


def pairs(ones: Tensor, others: Tensor, width: int) -> list[tuple[Tensor, Tensor]]:
    """Places of pairs in blocks, each with few enough differences of ``width`` numbers."""
    step = max(1, BLOCK // max(width, 1))
    return list(zip(torch.split(ones, step), torch.split(others, step), strict=True))


def points(vectors: Tensor, kind: str) -> Points:
    """Make a batch ready for tiles; differentiable in the vectors."""
    raw = vectors.double()
    with torch.no_grad():
        middle = centre(raw)
        unit = scale(raw - middle)
    moved = (raw - middle) / unit
    return Points(raw, moved, moved.square().sum(1), unit, kind, NEAR[vectors.dtype])


def scale(moved: Tensor) -> Tensor:
    """The power of two that the largest finite coordinate is nearest to, by which no square overflows or vanishes."""
    size = torch.nan_to_num(moved.abs(), nan=0.0, posinf=0.0)
    # Vectors of no numbers have no largest one.
    largest = size.amax() if size.numel() else moved.new_ones(())
    return torch.ldexp(moved.new_ones(()), torch.frexp(largest).exponent.clamp(-900, 900))


def centre(raw: Tensor) -> Tensor:
    """The mean, rounded to a power of two near the spread, (D,).

    So rounded it takes vectors of small whole numbers to vectors of few bits, whose products are exact, and ties
    among their distances stay ties.
    """
    mean = raw.mean(0)
    spread = (raw - mean).abs().mean()
    step = torch.ldexp(raw.new_ones(()), torch.frexp(spread).exponent)
    found = (mean / step).round() * step
    return torch.where(found.isfinite(), found, 0.0)
