"""The life of a call: bind, shapes, keep, silence, values, measure, math, reduce.

The order matters. Whatever does not count is replaced before anything is indexed by a target and before any value is
judged, so a NaN or an illegal index there reaches neither the value nor a gradient.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from . import backends, checks, prepare, probes, reduction, regions, values
from .declaration import Loss
from .gathering import gather
from .keeping import labelled, silence, weighted
from .measure import both, fit, product
from .options import Options
from .shapes import frame
from .unit import Unit


class Measured(NamedTuple):
    """Values, before they become one number.

    Attributes:
        values: one per unit.
        measure: how much each unit counts; None: 1 each.
        keep: which units count at all; elsewhere the measure is 0. None: all.
        members: for losses that choose among the samples of a batch, the samples each unit is made of.
    """

    values: Tensor
    measure: Tensor | None
    keep: Tensor | None
    members: Tensor | None = None


def evaluate(
    loss: Loss, inputs: tuple[Tensor | None, ...], hyper: Mapping[str, Any], options: Options
) -> Tensor:
    """A loss by its record: what every generated function and module ends in."""
    found = measure(loss, inputs, hyper, options)
    return reduction.reduce(
        found.values, found.measure, found.keep, options.reduction, options.denominator, options.group
    )


def measure(
    loss: Loss, inputs: tuple[Tensor | None, ...], hyper: Mapping[str, Any], options: Options
) -> Measured:
    """Everything of a call but the reduction. Under autocast the loss runs in its own precision."""
    if options.gather is not None:
        *whole, weight, mask = gather((*inputs, options.weight, options.mask), options.gather)
        inputs, options = tuple(whole), options._replace(weight=weight, mask=mask)
    first = inputs[0]
    assert first is not None
    if probes.autocast_is_on(first):
        with torch.autocast(first.device.type, enabled=False):
            return _measure(loss, inputs, hyper, options, first)
    return _measure(loss, inputs, hyper, options, first)


def _measure(
    loss: Loss, inputs: tuple[Tensor | None, ...], hyper: Mapping[str, Any], options: Options, first: Tensor
) -> Measured:
    if checks.level != "off":
        check(loss, hyper, options)
    where_is = frame(loss, inputs, hyper, options.class_dim)
    live = checks.reads_values(first)
    if loss.per_label:
        values.per_label(loss, hyper, where_is.samples, live)
    if loss.unit is Unit.REGION:
        return Measured(*regions.measure(loss, inputs, hyper, options, where_is, live))
    weight, sure = options.weight, options.mask
    if sure is not None:
        sure = fit(loss, "mask", sure, first, where_is.samples)
    labels, legal = labelled(loss, inputs, where_is, options, live)
    sure = both(sure, labels)
    if weight is not None:
        weight = fit(loss, "weight", weight, first, where_is.samples)
        if sure is not None:
            weight = torch.where(sure, weight, 0.0)
    keep = both(sure, weighted(loss, weight, live))
    if keep is not None:
        inputs = silence(loss, inputs, where_is, keep)
    if live and (options.inputs != "logits" or (loss.judged and not legal)):
        values.judge(loss, inputs, where_is.axes, where_is.classes, options.inputs, options.target_inputs)
    arguments, class_factor, dtype = prepare.prepare(loss, inputs, where_is, options, live)
    if loss.unit is Unit.ANCHOR:
        found, complete, members = loss.apply(arguments, hyper, keep=keep)
        keep = both(keep, complete)
        if weight is not None:
            weight = torch.where(complete, weight, 0.0)
        return Measured(found, product(weight, None, found.shape, dtype), keep, members)
    found = loss.apply(arguments, hyper)
    if class_factor is not None and not class_factor.requires_grad:
        keep = both(keep, class_factor != 0)
    return Measured(found, product(weight, class_factor, found.shape, dtype), keep)


def check(loss: Loss, hyper: Mapping[str, Any], options: Options) -> None:
    """Hyper-parameters in their domains, options that exist and agree."""
    for each in loss.hyper:
        value = hyper[each.name]
        if value is not each.default:
            each.check(loss.name, value)
    if options.reduction != "mean" or options.denominator is not None or options.group is not None:
        reduction.check(loss, options.reduction, options.denominator, options.group)
    if options.backend != "auto":
        backends.check(loss, options.backend)
    if (
        options.inputs != "logits"
        or options.target_inputs != "probabilities"
        or options.label_smoothing != 0.0
    ):
        prepare.check(loss, options)
