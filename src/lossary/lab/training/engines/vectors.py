"""Means of learned vectors over the words of a text, of many networks at once (see `layers`)."""

from __future__ import annotations

import torch
from torch import Tensor

from lossary.lab.training.engines.layers import Buffers, Pair


class Vectors:
    """Tables (members, vocabulary, wide) and ids (streams, length, rows), 0 for padding -> (members, wide, rows).

    The members of a stream read the same words, so the share of each distinct word in each text is laid out once,
    and a table's rows for those words are multiplied with it. The bottom of a network, always.
    """

    def __init__(self, table: Pair, streams: int) -> None:
        self._table, self._d_table = table
        self._streams, self._buffer = streams, Buffers()

    def forward(self, x: Tensor) -> Tensor:
        members, _, wide = self._table.shape
        self._words, self._shares = zip(*map(self._shared, x), strict=True)
        out = self._buffer("out", self._table, members, wide, x.shape[-1])
        for table, words, shares, into in zip(
            self._by_stream(self._table), self._words, self._shares, self._by_stream(out), strict=True
        ):
            # (width, words, wide) x (words, rows)
            torch.matmul(table[:, words].mT, shares, out=into)
        return out

    def backward(self, slope: Tensor) -> None:
        self._d_table.zero_()
        for d_table, words, shares, above in zip(
            self._by_stream(self._d_table), self._words, self._shares, self._by_stream(slope), strict=True
        ):
            d_table[:, words] = torch.matmul(shares, above.mT)

    def _shared(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """The distinct words (words,) of ids (length, rows), and the share of each in each text (words, rows)."""
        words, places = torch.unique(ids, return_inverse=True)
        counts = self._table.new_zeros(len(words), ids.shape[1])
        counts.scatter_add_(0, places, (ids != 0).to(counts.dtype))
        return words, counts / counts.sum(0).clamp(min=1)

    def _by_stream(self, x: Tensor) -> Tensor:
        return x.view(self._streams, -1, *x.shape[1:])
