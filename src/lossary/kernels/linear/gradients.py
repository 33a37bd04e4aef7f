"""Gradients of a linear head, added up from the slopes of its chunks."""

from __future__ import annotations

import torch
from torch import Tensor

from .chunks import Work
from .slope import Slope

#: Classes whose share of the weight's gradient is made at once where products are narrower than their sum.
_BLOCK = 1024


class Gradients:
    """Sums of gradients over the chunks, wide until the end."""

    def __init__(self, work: Work, wanted: tuple[bool, bool, bool]) -> None:
        head, self.work = work.head, work
        made, device = head.wide, head.weight.device
        # A row's gradient is complete in its chunk; only the sums over rows must stay wide until the last one.
        self.hidden = (
            torch.empty(head.hidden.shape, dtype=head.narrow or made, device=device) if wanted[0] else None
        )
        # The first chunk overwrites it.
        start = torch.empty if len(head.hidden) else torch.zeros
        self.weight = start(head.weight.shape, dtype=made, device=device) if wanted[1] else None
        self.bias = torch.zeros(len(head.weight), dtype=made, device=device) if wanted[2] else None
        self._alike: _Alike | None = None

    def add(self, low: int, high: int, slope: Slope) -> None:
        """A chunk's share, of the slope of its logits."""
        if slope.rate is None or self.work.head.narrow is not None:
            self._add_whole(low, high, slope.whole_())
        else:
            self._add_parts(low, high, slope)

    def finish(self) -> Gradients:
        """The sums with what all chunks have alike."""
        if self._alike is not None:
            self._alike.take_from(self.weight, self.bias)
        return self

    def _add_whole(self, low: int, high: int, slope: Tensor) -> None:
        work = self.work
        if self.bias is not None:
            self.bias += slope.sum(0)
        slope = work.narrowed(slope)
        if self.weight is not None:
            _add(self.weight, slope, work.hidden[low:high], first=low == 0)
        if self.hidden is not None:
            torch.mm(slope, work.weight, out=self.hidden[low:high])

    def _add_parts(self, low: int, high: int, slope: Slope) -> None:
        rows, weight = self.work.hidden[low:high], self.work.weight
        body, rate, pivot, hit, share, spread = slope
        assert rate is not None and pivot is not None and hit is not None
        label, rate = pivot.squeeze(1), rate.unsqueeze(1)
        if self.bias is not None:
            self.bias.addmv_(body.T, rate.squeeze(1)).index_add_(0, label, hit.squeeze(1))
        if self.weight is not None:
            _add(self.weight, body, rows * rate, first=low == 0)
            self.weight.index_add_(0, label, rows * hit)
        if self.hidden is not None:
            here = torch.mm(body, weight, out=self.hidden[low:high])
            here.mul_(rate).addcmul_(weight[label], hit)
        if share is not None:
            self._alike = self._alike or _Alike(self.work.gathered(spread), spread)
            self._alike.add(rows, share, None if self.hidden is None else self.hidden[low:high])

    def also(self, low: int, high: int, slope: Tensor, rows: Tensor | None, weight: Tensor | None) -> None:
        """More of the same chunk, with other rows (R, D) and another weight (V, D) in place of the head's."""
        slope = self.work.narrowed(slope)
        if self.weight is not None and rows is not None:
            _add(self.weight, slope, rows)
        if self.hidden is not None and weight is not None:
            self.hidden[low:high].addmm_(slope, weight)


class _Alike:
    """The part ``share`` ⊗ ``spread`` of a slope: of all chunks together it is one product of two vectors."""

    def __init__(self, pulled: Tensor, spread: Tensor | None) -> None:
        self.spread, self.pulled = spread, pulled
        self.rows, self.share = torch.zeros_like(pulled), pulled.new_zeros(())

    def add(self, rows: Tensor, share: Tensor, hidden: Tensor | None) -> None:
        """A chunk's rows (R, D) and shares (R,); what they pull is taken from the gradient of the rows."""
        self.rows += share @ rows
        self.share += share.sum()
        if hidden is not None:
            hidden.addr_(share, self.pulled, alpha=-1.0)

    def take_from(self, weight: Tensor | None, bias: Tensor | None) -> None:
        """What all chunks pull, from the gradients of the head."""
        if weight is not None and self.spread is None:
            weight.sub_(self.rows)
        elif weight is not None and self.spread is not None:
            weight.addr_(self.spread, self.rows, alpha=-1.0)
        if bias is not None:
            bias.sub_(self.share if self.spread is None else self.spread * self.share)


def _add(sums: Tensor, slope: Tensor, rows: Tensor, first: bool = False) -> None:
    """sums += slopeᵀ · rows, in the dtype of the sums; ``first``: they hold nothing yet."""
    if slope.dtype is sums.dtype:
        sums.addmm_(slope.T, rows, beta=0.0 if first else 1.0)
        return
    # torch's products of half precision end in it; they are widened and added while they are in the cache.
    for low in range(0, len(sums), _BLOCK):
        made = slope[:, low : low + _BLOCK].T @ rows
        part = sums[low : low + _BLOCK]
        part.copy_(made) if first else part.add_(made)
