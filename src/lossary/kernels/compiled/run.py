"""A call through the compiled backend: what needs no kernel is decided here, the rest is one graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from lossary.core import call, checks, keeping, reduction, shapes, values
from lossary.core.backends import Asked
from lossary.core.declaration import Loss
from lossary.core.kinds import Form
from lossary.core.measure import Inputs, fit, product
from lossary.core.options import AUTO, Options
from lossary.core.shapes import Frame
from lossary.core.unit import Unit

from . import plan as plans
from .flat import flatten
from .slope import Valued


def run(loss: Loss, inputs: Inputs, hyper: Mapping[str, Any], options: Options) -> Tensor:
    """The reduced value, attached to everything that requires grad. See ``lossary.core.backends.Kernel``."""
    where_is = _refuse(loss, inputs, hyper, options)
    if any(each is not None and not each.numel() for each in inputs):
        # Nothing to compute, and nothing to compile for it.
        return call.evaluate(loss, inputs, hyper, options._replace(backend="eager"))
    tensors, known, divisor, dynamic, shape = _prepared(loss, inputs, hyper, options, where_is)
    plan = plans.plan(loss, tensors, len(inputs), hyper, *known)
    judged = (loss, inputs, hyper, options)
    found: tuple[Tensor, Tensor] = Valued.apply(plan, judged, divisor, dynamic, *tensors)  # type: ignore[no-untyped-call]
    value, count = found
    if options.reduction == "none":
        return value if loss.unit is Unit.REGION else value.reshape(shape)
    if options.group is None:
        return value
    live = checks.reads_values(value)
    return reduction.divide(value, count, options.denominator, options.group, live)


def note(loss: Loss, asked: Asked) -> str:
    """How long such a call took to compile, or that it has yet to be compiled."""
    inputs, hyper, options = asked
    where_is = shapes.frame(loss, inputs, hyper, options.class_dim)
    tensors, (bare, _, counted), *_ = _prepared(loss, inputs, hyper, options, where_is)
    found = plans.alike(loss, tensors, hyper, bare, counted)
    seconds = sum(graph.seconds for each in found for graph in each.graphs.values())
    if not seconds:
        return "the first such call compiles it, which takes seconds"
    return f"calls of this kind took {seconds:.1f} s to compile in this process"


def _prepared(
    loss: Loss, inputs: Inputs, hyper: Mapping[str, Any], options: Options, where_is: Frame
) -> tuple[Inputs, tuple[Options, tuple[int, ...], bool], float | Tensor | None, bool, torch.Size]:
    """Tensors of a call as the graph takes them; what distinguishes its plan; what to divide by, None: the graph
    divides; whether axis 0 may vary; the shape of the units."""
    learned = [value for value in hyper.values() if isinstance(value, Tensor)]
    tensors, class_dim, dynamic = flatten(loss, inputs, options, where_is, bool(learned))
    tensors = (*tensors, options.class_weight, *learned)
    wanted: tuple[int, ...] = ()
    if torch.is_grad_enabled():
        wanted = tuple(i for i, each in enumerate(tensors) if each is not None and each.requires_grad)
    reduced = options.reduction
    divisor: float | Tensor | None = None
    if reduced == "mean":
        divisor = 1.0 if options.group is not None else _divisor(loss, inputs, options, where_is)
        reduced = "mean" if divisor is None else "sum"
    bare = options._replace(
        weight=None, mask=None, class_weight=None, denominator=None, group=None, backend="auto",
        reduction=reduced, class_dim=class_dim,
    )  # fmt: skip
    return tensors, (bare, wanted, options.group is not None), divisor, dynamic, where_is.samples


def _divisor(loss: Loss, inputs: Inputs, options: Options, where_is: Frame) -> float | Tensor | None:
    """What the mean divides by where that is cheaply known before the math, so that the slope is scaled as it is
    made, in one pass; None: the graph finds out, in a pass of its own."""
    if options.denominator is not None:
        given = options.denominator
        return given.detach() if isinstance(given, Tensor) else given
    weight, first = options.weight, inputs[0]
    keep: Tensor | None = options.mask
    assert first is not None
    learned = weight is not None and weight.requires_grad and torch.is_grad_enabled()
    if loss.unit is Unit.REGION or options.class_weight is not None or learned:
        return None
    samples, ignore = where_is.samples, options.ignore_index
    if loss.labelled and ignore is not None and loss.inputs[loss.target].kind.form is Form.CLASS:
        target = inputs[loss.target]
        if target is not None and where_is.axes[loss.target] is None:
            labels = torch.ne(target.long(), -100 if ignore == AUTO else int(ignore))
            keep = labels if keep is None else labels & fit(loss, "mask", keep, first, samples)
    elif loss.labelled and ignore not in (None, AUTO):
        return None
    if weight is None and keep is None:
        return float(samples.numel())
    with torch.no_grad():
        if keep is not None:
            keep = fit(loss, "mask", keep, first, samples)
        measure = weight
        if weight is not None:
            weight = fit(loss, "weight", weight, first, samples)
            weight = weight if keep is None else torch.where(keep, weight, 0.0)
            measure = product(weight, None, samples, torch.promote_types(weight.dtype, torch.float32))
        count = reduction.total_measure(samples, first, measure, keep)
        return count + (count == 0)


def _refuse(loss: Loss, inputs: Inputs, hyper: Mapping[str, Any], options: Options) -> Frame:
    """Everything that a call refuses without a look at its large tensors."""
    if checks.level != "off":
        call.check(loss, hyper, options)
    where_is = shapes.frame(loss, inputs, hyper, options.class_dim)
    first = inputs[0]
    assert first is not None
    live = checks.reads_values(first)
    if loss.per_label:
        values.per_label(loss, hyper, where_is.samples, live)
    if loss.per_class:
        values.per_class(loss, hyper, where_is.classes, live)
    for name, tensor in (("mask", options.mask), ("weight", options.weight)):
        if tensor is not None:
            fit(loss, name, tensor, first, where_is.samples)
    if options.ignore_index not in (None, AUTO) and loss.labelled and where_is.axes[loss.target] is not None:
        keeping.labelled(loss, inputs, where_is, options, live)
    if options.class_weight is not None:
        target = inputs[loss.target]
        assert target is not None
        many = where_is.classes if loss.inputs[loss.target].kind.form is Form.CLASS else 2
        values.class_weights(loss, options.class_weight, many, target)
        if live:
            values.weights(f"{loss.name}(class_weight)", options.class_weight)
    return where_is
