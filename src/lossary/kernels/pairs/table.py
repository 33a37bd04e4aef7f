"""Distances of chunks of anchors from all samples, and what is pulled along them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from lossary.losses.metric.distance import direction, length

#: Entries of a chunk of the table: a handful of them in float32 stay in a last-level cache.
CHUNK = 2**19
#: Pairs whose difference is taken entry by entry at a time.
NEAR = 2**15


def chunks(count: int) -> Iterator[slice]:
    """Anchors that fit beside all samples."""
    step = max(CHUNK // max(count, 1), 8)
    for top in range(0, count, step):
        yield slice(top, min(top + step, count))


def roles(labels: Tensor, rows: slice) -> tuple[Tensor, Tensor]:
    """Who is of an anchor's label, but for itself, and who of another. (N,) to (A, N) twice"""
    near = labels[rows].unsqueeze(1) == labels
    far = ~near
    near.diagonal(rows.start).fill_(False)
    return near, far


class Table:
    """Distances of chunks of anchors from all samples; for cosine distances these are of length 1, or 0.

    |a - b|² = |a|² + |b|² - 2ab is exact enough for pairs that are far from each other beside their lengths. The
    others, and vectors whose squares leave the range of the dtype, are compared entry by entry.
    """

    def __init__(self, x: Tensor, distance: str) -> None:
        self.x, self.distance = x, distance
        sizes = x.square().sum(1)
        limits = torch.finfo(x.dtype)
        tame = (sizes > limits.tiny * 2.0**40) & (sizes < limits.max * 2.0**-10) | (sizes == 0)
        self.sizes = torch.where(tame, sizes, torch.nan)

    def apart(self, rows: slice) -> tuple[Tensor, Tensor, Tensor]:
        """Distances of the chunk (rows, N), and the places of the pairs that were compared entry by entry."""
        sums = self.sizes[rows].unsqueeze(1) + self.sizes
        squares = torch.addmm(sums, self.x[rows], self.x.t(), alpha=-2.0)
        near = ~(4.0 * squares > sums)
        near.diagonal(rows.start).fill_(False)
        row, column = near.nonzero(as_tuple=True)
        found = squares.mul_(0.5) if self.distance == "cosine" else squares.clamp_(min=0.0)
        found = found.sqrt_() if self.distance == "euclidean" else found
        for part in range(0, len(row), NEAR):
            here = slice(part, part + NEAR)
            found[row[here], column[here]] = self._between(self._gap(rows, row[here], column[here]))
        found.diagonal(rows.start).fill_(0.0)
        return found, row, column

    def pull(self, rows: slice, chunk: tuple[Tensor, Tensor, Tensor], weights: Tensor, into: Tensor) -> None:
        """Add Σ w_ij ∇d_ij, what the distances of a chunk weigh for the value, to the slope of every sample.

        ``weights`` is written over.
        """
        apart, row, column = chunk
        weights.diagonal(rows.start).fill_(0.0)
        for part in range(0, len(row), NEAR):
            one, other = row[part : part + NEAR], column[part : part + NEAR]
            step = weights[one, other].unsqueeze(1) * self._slope(self._gap(rows, one, other))
            into.index_add_(0, one + rows.start, step).index_add_(0, other, step, alpha=-1.0)
        weights[row, column] = 0.0
        if self.distance == "euclidean":
            weights = torch.where(apart == 0, 0.0, weights.div_(apart))
        elif self.distance == "squared":
            weights.mul_(2.0)
        into[rows] += weights.sum(1, keepdim=True) * self.x[rows] - weights @ self.x
        into += weights.sum(0).unsqueeze(1) * self.x - weights.t() @ self.x[rows]

    def _gap(self, rows: slice, row: Tensor, column: Tensor) -> Tensor:
        return self.x[rows.start + row] - self.x[column]

    def _between(self, gap: Tensor) -> Tensor:
        if self.distance == "euclidean":
            return length(gap)
        return gap.square().sum(1) * (0.5 if self.distance == "cosine" else 1.0)

    def _slope(self, gap: Tensor) -> Tensor:
        if self.distance == "euclidean":
            return direction(gap)
        return gap if self.distance == "cosine" else 2.0 * gap
