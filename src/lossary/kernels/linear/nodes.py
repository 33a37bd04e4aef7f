"""What autograd sees of a loss behind a linear head: three functions over the same chunks.

``Total`` makes the gradients while it makes the value, from one pass. ``Values`` gives a value per unit, and its
gradient from a second pass. ``Gradient`` is that second pass, and its own derivative, the product with the Hessian,
is a third; what is differentiated again goes through the plain math, see ``followed``.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from lossary.core import probes

from . import followed
from .chunks import Head, Work
from .followed import Plain, Wanted
from .gradients import Gradients
from .report import Watch
from .slope import Slope

#: Rows of a chunk, dtype of values and sums, dtype of the matrix products where it is another.
Sizes = tuple[int, torch.dtype, torch.dtype | None]


class RowLoss(Protocol):
    """Values, slopes and curvature of a chunk of logits; see ``crossed.CrossEntropy``, which says what each does."""

    @property
    def by_class(self) -> bool: ...

    def behind(self, work: Work) -> RowLoss: ...

    def narrow(self, low: int, high: int) -> RowLoss: ...

    def values(self, logits: Tensor) -> Tensor: ...

    def slope_(self, logits: Tensor, factor: Tensor) -> tuple[Tensor, Slope]: ...

    def curve_(self, logits: Tensor, dot: Tensor, factor: Tensor) -> Tensor: ...


@runtime_checkable
class Walker(Protocol):
    """A loss of rows that walks the chunks of a head itself: what ``values`` and ``slopes`` return."""

    def walk_values(self, head: Head, watch: Watch | None) -> Tensor: ...

    def walk_slopes(
        self, head: Head, factor: Tensor, wanted: Wanted, watch: Watch | None
    ) -> tuple[Tensor, Made]: ...

    def narrow(self, low: int, high: int) -> RowLoss: ...


class Made(Protocol):
    """Gradients, each None where it was not asked for."""

    @property
    def hidden(self) -> Tensor | None: ...

    @property
    def weight(self) -> Tensor | None: ...

    @property
    def bias(self) -> Tensor | None: ...


def values(head: Head, math: RowLoss | Walker, unit: tuple[int, ...], watch: Watch | None = None) -> Tensor:
    """One value per unit, and no gradient work. ``unit`` is the shape of the values."""
    if isinstance(math, Walker):
        return math.walk_values(head, watch)
    work = Work(head, math.by_class)
    math = math.behind(work)
    found = torch.empty(unit, dtype=head.wide, device=head.weight.device)
    with torch.no_grad():
        for low, high in head.bounds():
            logits = work.logits(low, high)
            if watch is not None:
                watch.look(low, high, logits)
            found[low:high] = math.narrow(low, high).values(logits)
    return found


def slopes(
    head: Head, math: RowLoss | Walker, factor: Tensor, wanted: Wanted, watch: Watch | None = None
) -> tuple[Tensor, Made]:
    """Values, and the gradient of Σ factor · value."""
    if isinstance(math, Walker):
        return math.walk_slopes(head, factor, wanted, watch)
    work = Work(head, math.by_class)
    math = math.behind(work)
    found = torch.empty(factor.shape, dtype=head.wide, device=factor.device)
    sums = Gradients(work, wanted)
    for low, high in head.bounds():
        logits = work.logits(low, high)
        if watch is not None:
            watch.look(low, high, logits)
        found[low:high], slope = math.narrow(low, high).slope_(logits, factor[low:high])
        sums.add(low, high, slope)
    return found, sums.finish()


def _like(made: Tensor | None, tensor: Tensor | None) -> Tensor | None:
    return None if made is None or tensor is None else made.to(tensor.dtype)


def _held(math: RowLoss | Walker) -> list[Tensor]:
    """The tensors of a loss of rows. They are saved beside the head's, as torch notices a change of what is saved."""
    return [each for each in tree_leaves(math) if isinstance(each, Tensor)]


class Total(torch.autograd.Function):
    """Σ factor · value, with the gradients made on the way."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        head: Head,
        math: RowLoss | Walker,
        factor: Tensor,
        plain: Plain,
        wanted: Wanted,
        watch: Watch | None,
    ) -> Tensor:
        found, sums = slopes(head, math, factor, wanted, watch)
        ctx.save_for_backward(hidden, weight, bias, *_held(math))
        ctx.sums = (sums.hidden, sums.weight, sums.bias)
        ctx.kinds = [None if each is None else each.dtype for each in (hidden, weight, bias)]
        ctx.asked = (math, factor, plain, head[3:])
        return (found * factor).sum()

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Any, ...]:
        if probes.is_batched(scale):
            math, factor, plain, _ = ctx.asked
            made = followed.gradient(plain, scale * factor, ctx.saved_tensors[:3], ctx.needs_input_grad[:3])
            return (*made, None, None, None, None, None, None)
        made = ctx.sums
        if made is None or torch.is_grad_enabled():
            # The sums were given away at the first backward, or are to be differentiated themselves.
            math, factor, plain, sizes = ctx.asked
            needs = ctx.needs_input_grad[:3]
            made = Gradient.apply(  # type: ignore[no-untyped-call]
                scale * factor, *ctx.saved_tensors[:3], sizes, math, plain, needs
            )
            return (*made, None, None, None, None, None, None)
        ctx.sums = None
        same = scale.is_cpu and scale.item() == 1.0
        given = (
            each if each is None else (each if same else each.mul_(scale)).to(kind)
            for each, kind in zip(made, ctx.kinds, strict=True)
        )
        return (*given, None, None, None, None, None, None)


class Values(torch.autograd.Function):
    """One value per unit."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        head: Head,
        math: RowLoss | Walker,
        unit: tuple[int, ...],
        plain: Plain,
        watch: Watch | None,
    ) -> Tensor:
        ctx.save_for_backward(hidden, weight, bias, *_held(math))
        ctx.asked = (head[3:], math, plain)
        return values(head, math, unit, watch)

    @staticmethod
    def backward(ctx: Any, factor: Tensor) -> tuple[Any, ...]:
        if probes.is_batched(factor):
            made = followed.gradient(ctx.asked[2], factor, ctx.saved_tensors[:3], ctx.needs_input_grad[:3])
            return (*made, None, None, None, None, None)
        made = Gradient.apply(  # type: ignore[no-untyped-call]
            factor, *ctx.saved_tensors[:3], *ctx.asked, ctx.needs_input_grad[:3]
        )
        return (*made, None, None, None, None, None)


class Gradient(torch.autograd.Function):
    """The gradient of Σ factor · value in hidden, weight and bias."""

    @staticmethod
    def forward(
        ctx: Any,
        factor: Tensor,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        sizes: Sizes,
        math: RowLoss | Walker,
        plain: Plain,
        wanted: Wanted,
    ) -> tuple[Tensor | None, ...]:
        _, sums = slopes(Head(hidden, weight, bias, *sizes), math, factor, wanted)
        ctx.save_for_backward(factor, hidden, weight, bias, *_held(math))
        ctx.asked = (sizes, math, plain, wanted)
        return _like(sums.hidden, hidden), _like(sums.weight, weight), _like(sums.bias, bias)

    @staticmethod
    def backward(ctx: Any, *toward: Tensor | None) -> tuple[Any, ...]:
        sizes, math, plain, wanted = ctx.asked
        factor, hidden, weight, bias = ctx.saved_tensors[:4]
        if torch.is_grad_enabled() or probes.is_batched(*toward):
            made = followed.product(
                plain, (factor, hidden, weight, bias), wanted, toward, ctx.needs_input_grad[:4]
            )
        else:
            made = _hessian(
                Head(hidden, weight, bias, *sizes), math, factor, toward, ctx.needs_input_grad[:4]
            )
        return (*made, None, None, None, None)


def _hessian(
    head: Head,
    math: RowLoss | Walker,
    factor: Tensor,
    toward: tuple[Tensor | None, ...],
    needs: tuple[bool, ...],
) -> tuple[Tensor | None, ...]:
    """The gradient of ⟨gradient, toward⟩ in factor, hidden, weight and bias, a chunk at a time."""
    work = Work(head)
    u, v, b = (None if each is None else each.to(work.weight.dtype) for each in toward)
    along = torch.zeros_like(factor)
    sums = Gradients(work, (needs[1], needs[2], needs[3]))
    for low, high in head.bounds():
        logits, rows = work.logits(low, high), work.hidden[low:high]
        dot = work.buffer("dot", high - low, head.wide).zero_()
        if u is not None:
            dot += u[low:high] @ work.weight.T
        if v is not None:
            dot += rows @ v.T
        if b is not None:
            dot += b
        along[low:high] = math.narrow(low, high).curve_(logits, dot, factor[low:high])
        sums.add(low, high, Slope(dot))
        sums.also(low, high, logits, None if u is None else u[low:high], v)
    return (
        along if needs[0] else None,
        _like(sums.hidden, head.hidden),
        _like(sums.weight, head.weight),
        _like(sums.bias, head.bias),
    )
