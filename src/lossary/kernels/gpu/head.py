"""Cross-entropy behind a linear head on a GPU: products of matrices by cuBLAS, all between them by the rows kernel.

A chunk of the logits is made by one product, turned into values and slopes by one kernel, and two more products take
the slopes to the gradients. A kernel that fuses the products too never writes the logits, but has to make them again in
the backward pass, so it needs five products where this needs three, and tiles of Triton's instead of cuBLAS's; reading
and writing a chunk once costs less. That is a count of operations and not a measurement.

In half precision the products take half-precision numbers and give float32: logits and sums are never rounded to half,
the slopes are, once, on their way into the products.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..linear.chunks import Head
from ..linear.crossed import CrossEntropy
from ..linear.report import Watch
from ..linear.softmax import Target as Masses
from .rows import Target, rows


class Sums(NamedTuple):
    """Gradients of what was asked for, in hidden, weight and bias."""

    hidden: Tensor | None
    weight: Tensor | None
    bias: Tensor | None


class HeadRows(NamedTuple):
    """Cross-entropy of rows whose target is known, which walks the chunks of its head itself.

    Attributes:
        math: the same in torch, which knows the curvature too.
    """

    math: CrossEntropy

    def narrow(self, low: int, high: int) -> CrossEntropy:
        """These rows alone, in torch."""
        return self.math.narrow(low, high)

    def walk_values(self, head: Head, watch: Watch | None) -> Tensor:
        """One value per row."""
        return self._walk(head, None, (False, False, False), watch)[0]

    def walk_slopes(
        self, head: Head, factor: Tensor, wanted: tuple[bool, bool, bool], watch: Watch | None
    ) -> tuple[Tensor, Sums]:
        """Values, and the gradient of Σ factor · value."""
        return self._walk(head, factor.contiguous(), wanted, watch)

    def _walk(
        self, head: Head, factor: Tensor | None, wanted: tuple[bool, bool, bool], watch: Watch | None
    ) -> tuple[Tensor, Sums]:
        inside, wide, device = head.narrow or head.wide, head.wide, head.weight.device
        hidden, weight = head.hidden.detach().to(inside), head.weight.detach().to(inside)
        bias = None if head.bias is None else head.bias.detach().to(wide)
        (count, width), classes = hidden.shape, len(weight)
        most = min(head.rows, count)
        logits = torch.empty((most, classes), dtype=wide, device=device)
        # Slopes overwrite the logits where they are of one dtype.
        slopes = logits if inside is wide else torch.empty((most, classes), dtype=inside, device=device)
        found = torch.empty(count, dtype=wide, device=device)
        sums = Sums(
            torch.empty((count, width), dtype=inside, device=device) if wanted[0] else None,
            torch.zeros((classes, width), dtype=wide, device=device) if wanted[1] else None,
            torch.zeros(classes, dtype=wide, device=device) if wanted[2] else None,
        )
        for low, high in head.bounds():
            z, slope = logits[: high - low], slopes[: high - low]
            _product(hidden[low:high], weight.T, z)
            if bias is not None:
                z += bias
            if watch is not None:
                watch.look(low, high, z)
            scale = None if factor is None else factor[low:high]
            into = None if factor is None else slope.unsqueeze(-1)
            found[low:high] = rows(
                z.unsqueeze(-1), self._target(low, high, wide), None, scale, into, bare=True
            )
            if sums.weight is not None:
                _add_product(sums.weight, slope.T, hidden[low:high])
            if sums.bias is not None:
                sums.bias.add_(slope.sum(0, dtype=wide))
            if sums.hidden is not None:
                torch.mm(slope, weight, out=sums.hidden[low:high])
        return found, sums

    def _target(self, low: int, high: int, wide: torch.dtype) -> Target:
        masses: Masses = self.math.target
        soft = masses.soft is not None
        y = masses.soft if masses.soft is not None else masses.label
        assert y is not None
        y = y[low:high]
        hit, share = (_each(each, low, high, wide, y.device) for each in (masses.hit, masses.share))
        if isinstance(masses.hit, float) and masses.hit == 1.0:
            hit = None
        if not masses.smooth:
            share = None
        spread = masses.spread if soft or share is not None else None
        return Target(
            y.unsqueeze(-1) if soft else y, hit, share, spread, self.math.z_loss, self.math.soft_cap or 0.0
        )


def _each(
    value: Tensor | float, low: int, high: int, wide: torch.dtype, device: torch.device
) -> Tensor | None:
    """A number for each of these rows."""
    if isinstance(value, Tensor):
        return value[low:high].to(wide).contiguous()
    return torch.full((high - low,), value, dtype=wide, device=device)


def _product(a: Tensor, b: Tensor, out: Tensor) -> None:
    """out = a · b, in the dtype of ``out``."""
    if a.dtype is out.dtype:
        torch.mm(a, b, out=out)
    elif a.is_cuda:
        torch.mm(a, b, out_dtype=out.dtype, out=out)
    else:
        torch.mm(a.to(out.dtype), b.to(out.dtype), out=out)


def _add_product(total: Tensor, a: Tensor, b: Tensor) -> None:
    """total += a · b, in the dtype of ``total``."""
    if a.dtype is total.dtype:
        total.addmm_(a, b)
    elif a.is_cuda:
        # addmm with an output wider than its matrices is wrong up to torch 2.9.
        total += torch.mm(a, b, out_dtype=total.dtype)
    else:
        total.addmm_(a.to(total.dtype), b.to(total.dtype))
