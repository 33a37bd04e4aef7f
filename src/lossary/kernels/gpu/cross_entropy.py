"""Cross-entropy rows on a GPU, from raw inputs to the reduced value.

When a gradient will be wanted, the mean and the sum write the slopes in the forward, while a row is in registers: the
logits are read once and the slopes written once, where a second pass would read the logits again. ``reduction="none"``
knows the slopes' factors only in the backward and writes them there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lossary.core import call, checks, reduction, values
from lossary.core.backends import Asked, Kernel, Lacking
from lossary.core.declaration import Loss
from lossary.core.measure import both
from lossary.core.options import Options
from lossary.core.shapes import frame

from .ready import EXEMPT, lacking
from .rows import Target, rows


class Plan(NamedTuple):
    """A call but for its logits: target, what counts, by how much, and the same call in eager math."""

    target: Target
    keep: Tensor | None
    scale: Tensor
    shape: torch.Size | None  # of the values that are returned one by one; None: they are summed
    cut: tuple[int, int, int]  # outer, classes, inner
    eager: Callable[[Tensor], Tensor]


def run(loss: Loss, inputs: tuple[Tensor | None, ...], hyper: Mapping[str, Any], options: Options) -> Tensor:
    """Cross-entropy of a whole call: the meaning of every option is the core's, the sums are the kernel's."""
    logits, target = inputs
    assert logits is not None and target is not None
    found: Tensor = _CrossEntropy.apply(logits, plan(loss, logits, target, hyper, options))  # type: ignore[no-untyped-call]
    return found


def plan(loss: Loss, logits: Tensor, target: Tensor, hyper: Mapping[str, Any], options: Options) -> Plan:
    """Judge a call and settle it, without a look at the logits."""
    if checks.level != "off":
        call.check(loss, hyper, options)
    where_is = frame(loss, (logits, target), hyper, options.class_dim)
    axis = where_is.axes[0]
    assert axis is not None
    cut = (logits.shape[:axis].numel(), where_is.classes, logits.shape[axis + 1 :].numel())
    # Class weights and smoothing would make a row of numbers of each index: the kernel makes them on the way.
    rest = options._replace(class_weight=None, label_smoothing=0.0)
    settled = call.settle(loss, (logits, target), hyper, rest, aside=True)
    dtype = torch.float64 if torch.float64 in (logits.dtype, target.dtype) else torch.float32
    y, keep, measure = settled.arguments[1], settled.keep, settled.measure
    if measure is not None:
        keep = both(keep, measure != 0)
    soft, spread, count = y.is_floating_point(), options.label_smoothing, measure
    weights, hit = options.class_weight, None
    if weights is not None:
        values.class_weights(loss, weights, where_is.classes, target)
        if checks.reads_values(logits):
            values.weights(f"{loss.name}(class_weight)", weights)
        weights = weights.to(dtype).contiguous()
        labels = (y * weights).sum(-1) if soft else weights[y]
        factor = labels if spread == 0.0 else (1.0 - spread) * labels + spread * weights.mean()
        if keep is not None:
            factor = torch.where(keep, factor, 0.0)
        keep = factor != 0 if keep is None else keep & (factor != 0)
        count = factor if measure is None else measure * factor
        hit = None if soft else labels
    if spread != 0.0:
        hit = torch.full((), 1.0 - spread, dtype=dtype, device=logits.device) * (1.0 if hit is None else hit)
    share = (
        None
        if spread == 0.0
        else torch.full((), spread / where_is.classes, dtype=dtype, device=logits.device)
    )
    scale = torch.ones((), dtype=dtype, device=logits.device) if measure is None else measure.to(dtype)
    if options.reduction == "mean":
        total = reduction.total_measure(settled.shape, logits, count, keep)
        one = torch.ones((), dtype=dtype, device=logits.device)
        live = checks.reads_values(logits)
        scale = scale * reduction.divide(one, total, options.denominator, options.group, live)
    eager = options._replace(backend="eager")
    y = y.movedim(-1, axis).reshape(cut) if soft else y.reshape(-1)

    def each(row: Tensor) -> Tensor:
        return row.expand(settled.shape).reshape(-1).contiguous()

    # An index that smoothing leaves alone has its class weight in the hit; the others would be read for nothing.
    w = weights if soft or share is not None else None
    masses = Target(y, None if hit is None else each(hit), None if share is None else each(share), w)
    return Plan(
        masses,
        None if keep is None else each(keep),
        each(scale),
        settled.shape if options.reduction == "none" else None,
        cut,
        lambda x: call.evaluate(loss, (x, target), hyper, eager),
    )


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, how: Plan) -> Tensor:
        x = logits.reshape(how.cut)
        slope = torch.empty_like(x) if ctx.needs_input_grad[0] and how.shape is None else None
        found = rows(x, how.target, how.keep, how.scale, slope)
        ctx.save_for_backward(logits)
        ctx.how, ctx.slope = how, slope
        return found.sum() if how.shape is None else found.reshape(how.shape)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None]:
        (logits,) = ctx.saved_tensors
        how: Plan = ctx.how
        if torch.is_grad_enabled():
            # The gradient is to be differentiated again: the eager math knows how, to any order.
            (found,) = torch.autograd.grad(how.eager(logits), logits, upstream, create_graph=True)
            return found, None
        # The slopes made in the forward are given away; whoever comes a second time has them made again.
        slope, ctx.slope = ctx.slope, None
        x = logits.reshape(how.cut)
        scale = (how.scale * upstream.reshape(-1)).contiguous()
        # Slopes of the forward are right for an upstream of 1, as it mostly is. For any other they are made anew, which
        # costs what multiplying them would, and rounds once.
        done = None if slope is None else upstream
        slope = torch.empty_like(x) if slope is None else slope
        rows(x, how.target, how.keep, scale, slope, unless=done)
        return slope.reshape(logits.shape), None


def _lacks(loss: Loss, asked: Asked) -> Lacking | None:
    inputs, _, options = asked
    logits, target = inputs
    assert logits is not None and target is not None
    found = lacking(logits)
    if found is not None:
        return found
    if options.inputs in ("probabilities", "log_probabilities"):
        return "logits", f"inputs={options.inputs!r}", "leave backend out"
    for name, each in (
        ("target", target), ("weight", options.weight), ("class_weight", options.class_weight)
    ):  # fmt: skip
        if each is not None and each.requires_grad:
            return f"a {name} without a gradient", "one that requires it", "pass backend='eager'"
    return None


def _worth(loss: Loss, asked: Asked) -> str | None:
    return "value and slope in one pass over each row"


KERNEL = Kernel(
    "triton",
    "call",
    run,
    _lacks,
    _worth,
    exempt=EXEMPT
    | {
        "probabilities_are_never_clamped": "the kernel takes logits alone",
        "a_weight_that_learns_is_not_silenced": "the kernel has no gradient for a weight, and refuses one that asks",
    },
)
