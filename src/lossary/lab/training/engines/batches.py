"""The rows of every step, for all streams at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lossary.lab.training.networks import batch_order
from lossary.lab.training.trial import Setup, SplitData

Batch = tuple[Tensor, Tensor, Tensor]


class Batches:
    """Training rows in each stream's own order, which (split, seed) alone decides."""

    def __init__(self, streams: Sequence[tuple[int, int]], splits: Sequence[SplitData], setup: Setup) -> None:
        self._splits, self._size = splits, setup.batch
        self._order = [
            batch_order(len(data.x_train), setup.epochs, split, seed)
            for data, (split, seed) in zip(splits, streams, strict=True)
        ]

    def of(self, epoch: int) -> Iterator[Batch]:
        """For each step of an epoch: x (streams, rows, features), y and share, both (streams, rows).

        `share` is how much of the batch's mean a row is: its weight over their sum; 0 where nothing counts.
        """
        order = [order[epoch - 1] for order in self._order]
        pairs = list(zip(self._splits, order, strict=True))
        x = torch.stack([data.x_train[rows] for data, rows in pairs])
        y = torch.stack([data.y_train[rows] for data, rows in pairs])
        w = torch.stack([_weights(data, x.dtype)[rows] for data, rows in pairs])
        for start in range(0, x.shape[1], self._size):
            rows = slice(start, start + self._size)
            weight = w[:, rows]
            total = weight.sum(1, keepdim=True)
            yield x[:, rows], y[:, rows], weight / total.where(total != 0, 1)


def _weights(data: SplitData, dtype: torch.dtype) -> Tensor:
    return torch.ones(len(data.x_train), dtype=dtype) if data.w_train is None else data.w_train
