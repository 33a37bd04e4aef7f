"""The function that Inductor compiles: the whole call, from raw inputs to its value, its slope and a flag."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lossary.core import call, reduction
from lossary.core.measure import Inputs
from lossary.core.shapes import Frame

from .judge import harmless, suspect

if TYPE_CHECKING:
    from .plan import Plan


def bodies(plan: Plan) -> dict[str, Callable[..., Any]]:
    """The functions of a plan, each over all its tensors.

    "value": (value, Σ measure, whether a value is suspect), the last two 0 where nobody asks.
    "both": those three, and the gradients of ``upstream`` · value; a number comes as a tensor of one axis.
    "pull": these gradients alone.
    """
    loss = plan.loss

    def value(tensors: Inputs) -> tuple[Tensor, Tensor, Tensor]:
        inputs, hyper, options = plan.given(tensors)
        flags: list[Tensor] = []

        def judge(where_is: Frame, judged: Inputs, inputs: Inputs) -> Inputs:
            if plan.live:
                flags.extend(suspect(loss, judged, where_is, options))
            return harmless(loss, inputs, where_is)

        settled = call.settle(loss, inputs, hyper, options, judge=judge)
        found = loss.apply(settled.arguments, hyper, **settled.supplied)
        reduced = reduction.reduce(found, settled.measure, settled.keep, options.reduction, None, None)
        none = torch.zeros((), dtype=torch.bool, device=found.device)
        count = none
        if plan.counted:
            count = reduction.total_measure(settled.shape, found, settled.measure, settled.keep)
        return reduced, count, torch.stack(flags).any() if flags else none

    def pull(tensors: Inputs, upstream: Tensor) -> tuple[Any, ...]:
        def of(*wanted: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
            given = list(tensors)
            for place, tensor in zip(plan.wanted, wanted, strict=True):
                given[place] = tensor
            found, count, flag = value(tuple(given))
            return found, (count, flag)

        wanted = tuple(tensors[place] for place in plan.wanted)
        found, back, (count, flag) = torch.func.vjp(of, *wanted, has_aux=True)  # type: ignore[misc]
        return found, count, flag, back(upstream.reshape(found.shape).to(found.dtype))

    return {
        "value": value,
        "both": pull,
        "pull": lambda tensors, upstream: pull(tensors, upstream)[-1],
    }
