"""The node in torch's graph: the value forward, the slope that was made with it backward."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from lossary.core import call, probes
from lossary.core.errors import BackendError, sentence
from lossary.core.measure import Inputs
from lossary.core.options import Options

from .plan import Plan

_NARROW = (torch.float16, torch.bfloat16)


class Valued(torch.autograd.Function):
    """Value and Σ measure of a call; backward hands over the slope, or computes it again where it was given away."""

    @staticmethod
    def forward(
        ctx: Any,
        plan: Plan,
        judged: tuple[Any, ...],
        divisor: float | Tensor | None,
        dynamic: bool,
        *tensors: Any,
    ) -> tuple[Tensor, Tensor]:
        ctx.plan, ctx.divisor, ctx.dynamic = plan, divisor, dynamic
        ctx.save_for_backward(*tensors)
        ctx.slopes = None
        # Of float16 the slope is made when the scale of the loss is known, since at 1 it may round to 0.
        ahead = plan.options.reduction != "none" and not any(
            tensors[place].dtype is torch.float16 for place in plan.wanted
        )
        if plan.wanted and ahead:
            wide = any(each is not None and each.dtype is torch.float64 for each in tensors)
            dtype = torch.float64 if wide else torch.float32
            one = _over(torch.ones((), dtype=dtype, device=tensors[0].device), divisor)
            value, count, flag, ctx.slopes = plan.run("both", tensors, dynamic, one)
        else:
            value, count, flag = plan.run("value", tensors, dynamic)
        if plan.live and flag:
            _second_look(*judged)
        ctx.mark_non_differentiable(count)
        return _over(value, divisor), count

    @staticmethod
    def backward(ctx: Any, upstream: Tensor, _: Tensor) -> tuple[Any, ...]:
        plan, tensors = ctx.plan, ctx.saved_tensors
        if torch.is_grad_enabled() or probes.is_batched(upstream):
            found = _again(plan, tensors, ctx.divisor, upstream)
        else:
            found = _slopes(ctx, plan, tensors, upstream)
        all_: list[Any] = [None] * len(tensors)
        for place, each in zip(plan.wanted, found, strict=True):
            all_[place] = each
        return None, None, None, None, *all_

    @staticmethod
    def jvp(ctx: Any, *_: Any) -> Any:
        raise BackendError(
            sentence(
                f"{ctx.plan.loss.name}(backend='compile')",
                expected="a call without forward-mode derivatives",
                got="an input with a tangent",
                remedy='pass backend="eager", which has them',
            )
        )


def _slopes(ctx: Any, plan: Plan, tensors: Inputs, upstream: Tensor) -> tuple[Tensor, ...]:
    """The slope times ``upstream``. The one made ahead is given away: a second backward makes its own."""
    made, ctx.slopes = ctx.slopes, None
    if made is not None:
        known = upstream.item() if upstream.is_cpu else None
        if known == 1.0:
            return _apart(made)
        if not any(each.dtype in _NARROW for each in made):
            return tuple(each.mul_(upstream) for each in _apart(made))
    scale = _over(upstream, ctx.divisor)
    return _apart(plan.run("pull", tensors, ctx.dynamic, scale), scale)


def _apart(found: Iterable[Tensor], *given: Tensor) -> tuple[Tensor, ...]:
    """Slopes that whoever gets them may change: each number in memory of its own.

    Inductor returns one buffer for slopes that are equal, one number for a slope that is the same everywhere, and
    what it was given where that is the slope.
    """
    taken, made = {each.untyped_storage().data_ptr() for each in given}, []
    for each in found:
        storage = each.untyped_storage()
        if storage.data_ptr() in taken or storage.nbytes() < each.numel() * each.element_size():
            each = each.clone()
        taken.add(each.untyped_storage().data_ptr())
        made.append(each)
    return tuple(made)


def _again(
    plan: Plan, tensors: Inputs, divisor: float | Tensor | None, upstream: Tensor
) -> tuple[Tensor, ...]:
    """The slope by the eager math, whose own gradient can be taken, and for a batch of ``upstream``."""
    create_graph = torch.is_grad_enabled()
    inputs, hyper, options = plan.given(tensors)
    with torch.enable_grad():
        value = _over(call.evaluate(plan.loss, inputs, hyper, options._replace(backend="eager")), divisor)
        wanted = [each for place in plan.wanted if (each := tensors[place]) is not None]
        return torch.autograd.grad(
            value, wanted, upstream, create_graph=create_graph, allow_unused=True, materialize_grads=True
        )


def _over(value: Tensor, divisor: float | Tensor | None) -> Tensor:
    return value if divisor is None else value / divisor


def _second_look(loss: Any, inputs: Inputs, hyper: Any, options: Options) -> None:
    """Raise what eager raises, if it raises."""
    with torch.no_grad():
        call.settle(loss, inputs, hyper, options)
