"""Logits of a linear head a chunk of rows at a time: how many rows, in which precision, in which buffers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from lossary.core import probes

#: The logits of a chunk stay near the last-level cache: larger, every pass over them goes to memory; smaller, the
#: gradient of the weight is read and written too often.
BYTES = 32 << 20
#: Below this many rows a matrix product is bound by the weight it reads; of multiples no lane of a core is idle.
LEAST = 64
#: Entries of the logits that a loss's math sees at once, so that what it makes on the way is small.
TILE = 1 << 21


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


def tiles(count: int, classes: int) -> Iterator[slice]:
    """A few rows of a chunk at a time."""
    step = max(1, TILE // max(classes, 1))
    for low in range(0, count, step):
        yield slice(low, min(low + step, count))


def rows(count: int, classes: int, width: int, wide: torch.dtype) -> int:
    """Rows of a chunk: near the cache, a multiple of ``LEAST``, no more memory than the gradients take."""
    entry = torch.finfo(wide).bits // 8
    near_cache = BYTES // (classes * entry)
    as_gradients = (classes * width + count * width) // classes
    return max(1, min(near_cache, as_gradients) // LEAST) * LEAST


def products(dtype: torch.dtype, device: torch.device) -> torch.dtype | None:
    """The dtype of matrix products of ``dtype`` if the device has them natively; None: they are made in float32."""
    if dtype not in (torch.bfloat16, torch.float16):
        return None
    if device.type != "cpu":
        return dtype
    return dtype if dtype is torch.bfloat16 and probes.multiplies_bfloat16() else None


class Work:
    """The buffers of a pass over the chunks, each made once, and the matrix products that use them."""

    def __init__(self, head: Head, by_class: bool = False) -> None:
        self.head = head
        # Products of a few rows with many classes are faster class by class, as the rows of the weight lie.
        self.by_class = by_class
        inside = head.narrow or head.wide
        self.weight = head.weight.detach().to(inside)
        self.hidden = head.hidden.detach().to(inside)
        self.bias = None if head.bias is None else head.bias.detach().to(head.wide)
        self._made: dict[tuple[str, torch.dtype], Tensor] = {}
        self._gathered: Tensor | None = None

    def buffer(self, name: str, count: int, dtype: torch.dtype) -> Tensor:
        """An uninitialised (count, V) tensor, the same memory for every chunk."""
        classes = len(self.weight)
        if (name, dtype) not in self._made:
            size = min(self.head.rows, len(self.hidden)) * classes
            self._made[name, dtype] = torch.empty(size, dtype=dtype, device=self.weight.device)
        made = self._made[name, dtype][: count * classes]
        return made.view(classes, count).T if self.by_class else made.view(count, classes)

    def logits(self, low: int, high: int) -> Tensor:
        """Logits of these rows in the wide dtype, in a buffer that may be changed."""
        count, wide = high - low, self.head.wide
        made = self.buffer("logits", count, self.weight.dtype)
        if self.by_class:
            torch.mm(self.weight, self.hidden[low:high].T, out=made.T)
        else:
            torch.mm(self.hidden[low:high], self.weight.T, out=made)
        if made.dtype is not wide:
            made = self.buffer("logits", count, wide).copy_(made)
        return made if self.bias is None else made.add_(self.bias)

    def gathered(self, spread: Tensor | None) -> Tensor:
        """Σ spread·weight over the classes, (D,), made once; ``spread`` (V,), None for 1, is the same in every call."""
        if self._gathered is None:
            self._gathered = self.weight.sum(0) if spread is None else spread @ self.weight
        return self._gathered

    def narrowed(self, tensor: Tensor) -> Tensor:
        """A (R, V) tensor in the dtype of the matrix products."""
        narrow = self.head.narrow
        return tensor if narrow is None else self.buffer("logits", len(tensor), narrow).copy_(tensor)
