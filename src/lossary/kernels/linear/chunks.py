"""Logits of a linear head a chunk of rows at a time: how many rows, in which precision, in which buffers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

#: The logits of a chunk stay near the last-level cache: larger, every pass over them goes to memory; smaller, the
#: gradient of the weight is read and written too often.
BYTES = 20 << 20
#: Below this many rows a matrix product is bound by the weight it reads.
LEAST = 64
#: Entries of the logits that a loss's math sees at once, so that what it makes on the way is small.
TILE = 1 << 21
#: Classes whose share of the weight's gradient is made at once where products are narrower than their sum.
_BLOCK = 1024


class Head(NamedTuple):
    """Rows in front of a linear layer.

    Attributes:
        hidden: (N, D).
        weight: (V, D).
        bias: (V,) or None.
        rows: how many rows a chunk has.
        wide: the dtype of logits, values and sums: float32, or float64 for float64.
        narrow: the dtype of the matrix products where they are made in less than ``wide``; None: in ``wide``.
    """

    hidden: Tensor
    weight: Tensor
    bias: Tensor | None
    rows: int
    wide: torch.dtype
    narrow: torch.dtype | None

    def bounds(self) -> Iterator[tuple[int, int]]:
        """First row and end of each chunk."""
        count = self.hidden.shape[0]
        for low in range(0, count, self.rows):
            yield low, min(low + self.rows, count)

    def tiles(self, low: int, high: int) -> Iterator[tuple[slice, slice]]:
        """The rows of a chunk a few at a time: where they are among all rows, and where in the chunk."""
        step = max(1, TILE // len(self.weight))
        for first in range(low, high, step):
            last = min(first + step, high)
            yield slice(first, last), slice(first - low, last - low)


def rows(count: int, classes: int, width: int, wide: torch.dtype) -> int:
    """Rows of a chunk: near the cache, at least ``LEAST``, no more memory than the gradients take."""
    entry = torch.finfo(wide).bits // 8
    near_cache = BYTES // (classes * entry)
    as_gradients = (classes * width + count * width) // classes
    return max(LEAST, min(near_cache, as_gradients))


def products(dtype: torch.dtype, device: torch.device) -> torch.dtype | None:
    """The dtype of matrix products of ``dtype`` if the device has them natively; None: they are made in float32."""
    if dtype not in (torch.bfloat16, torch.float16):
        return None
    if device.type != "cpu":
        return dtype
    native = dtype is torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return dtype if native else None


class Work:
    """The buffers of a pass over the chunks, each made once, and the matrix products that use them."""

    def __init__(self, head: Head) -> None:
        self.head = head
        inside = head.narrow or head.wide
        self.weight = head.weight.detach().to(inside)
        self.hidden = head.hidden.detach().to(inside)
        self.bias = None if head.bias is None else head.bias.detach().to(head.wide)
        self._made: dict[tuple[str, torch.dtype], Tensor] = {}

    def buffer(self, name: str, count: int, dtype: torch.dtype) -> Tensor:
        """An uninitialised (count, V) tensor, the same memory for every chunk."""
        if (name, dtype) not in self._made:
            shape = (min(self.head.rows, self.hidden.shape[0]), self.weight.shape[0])
            self._made[name, dtype] = torch.empty(shape, dtype=dtype, device=self.weight.device)
        return self._made[name, dtype][:count]

    def logits(self, low: int, high: int) -> Tensor:
        """Logits of these rows in the wide dtype, in a buffer that may be changed."""
        count, wide = high - low, self.head.wide
        made = self.buffer("logits", count, self.weight.dtype)
        torch.mm(self.hidden[low:high], self.weight.T, out=made)
        if made.dtype is not wide:
            made = self.buffer("logits", count, wide).copy_(made)
        return made if self.bias is None else made.add_(self.bias)

    def narrowed(self, tensor: Tensor) -> Tensor:
        """A (R, V) tensor in the dtype of the matrix products."""
        narrow = self.head.narrow
        return tensor if narrow is None else self.buffer("logits", len(tensor), narrow).copy_(tensor)


class Gradients:
    """Sums of gradients over the chunks, wide until the end."""

    def __init__(self, work: Work, wanted: tuple[bool, bool, bool]) -> None:
        head, self.work = work.head, work
        made, device = head.wide, head.weight.device
        # A row's gradient is complete in its chunk; only the sums over rows must stay wide until the last one.
        self.hidden = (
            torch.empty(head.hidden.shape, dtype=head.narrow or made, device=device) if wanted[0] else None
        )
        self.weight = torch.zeros(head.weight.shape, dtype=made, device=device) if wanted[1] else None
        self.bias = torch.zeros(len(head.weight), dtype=made, device=device) if wanted[2] else None

    def add(self, low: int, high: int, slope: Tensor) -> None:
        """A chunk's share, of the slope of its logits, (R, V) in the wide dtype."""
        work = self.work
        if self.bias is not None:
            self.bias += slope.sum(0)
        slope = work.narrowed(slope)
        if self.weight is not None:
            _add(self.weight, slope, work.hidden[low:high])
        if self.hidden is not None:
            torch.mm(slope, work.weight, out=self.hidden[low:high])

    def also(self, low: int, high: int, slope: Tensor, rows: Tensor | None, weight: Tensor | None) -> None:
        """More of the same chunk, with other rows (R, D) and another weight (V, D) in place of the head's."""
        slope = self.work.narrowed(slope)
        if self.weight is not None and rows is not None:
            _add(self.weight, slope, rows)
        if self.hidden is not None and weight is not None:
            self.hidden[low:high].addmm_(slope, weight)


def _add(sums: Tensor, slope: Tensor, rows: Tensor) -> None:
    """sums += slopeᵀ · rows, in the dtype of the sums."""
    if slope.dtype is sums.dtype:
        sums.addmm_(slope.T, rows)
        return
    # torch's products of half precision end in it; they are widened and added while they are in the cache.
    for low in range(0, len(sums), _BLOCK):
        sums[low : low + _BLOCK] += slope[:, low : low + _BLOCK].T @ rows
