"""The rows of every step, for all streams at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from lossary.lab.training.engines.lesson import Lesson
from lossary.lab.training.networks import batch_order
from lossary.lab.training.trial import Setup


class Batch(NamedTuple):
    """x and y (streams, rows, ...), weight (streams, rows) or None, and share (streams, rows).

    `share` is how much of the batch's mean a row is: its weight over their sum; 0 where nothing counts.
    """

    x: Tensor
    y: Tensor
    weight: Tensor | None
    share: Tensor


class Batches:
    """Training rows in each stream's own order, which (split, seed) alone decides."""

    def __init__(self, streams: Sequence[tuple[int, int]], lessons: Sequence[Lesson], setup: Setup) -> None:
        self._lessons, self._size = lessons, setup.batch
        self._dtype: torch.dtype = getattr(torch, setup.dtype)
        self._order = [
            batch_order(len(each.x), setup.epochs, split, seed)
            for each, (split, seed) in zip(lessons, streams, strict=True)
        ]

    def of(self, epoch: int) -> Iterator[Batch]:
        """The batches of an epoch, counted from 1."""
        pairs = [(each, order[epoch - 1]) for each, order in zip(self._lessons, self._order, strict=True)]
        x = torch.stack([each.x[rows] for each, rows in pairs])
        y = torch.stack([each.target[rows] for each, rows in pairs])
        weighted = pairs[0][0].weight is not None
        w = torch.stack([_weights(each, self._dtype)[rows] for each, rows in pairs])
        for start in range(0, x.shape[1], self._size):
            rows = slice(start, start + self._size)
            weight = w[:, rows]
            total = weight.sum(1, keepdim=True)
            share = weight / total.where(total != 0, 1)
            yield Batch(x[:, rows], y[:, rows], weight if weighted else None, share)


def _weights(lesson: Lesson, dtype: torch.dtype) -> Tensor:
    return torch.ones(len(lesson.x), dtype=dtype) if lesson.weight is None else lesson.weight
