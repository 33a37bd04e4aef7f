"""The life of a call: bind, shapes, keep, silence, values, measure, math, reduce.

The order matters. Whatever does not count is replaced before anything is indexed by a target and before any value is
judged, so a NaN or an illegal index there reaches neither the value nor a gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from . import backends, checks, plain, prepare, probes, reduction, regions, values
from .declaration import Loss
from .errors import BackendError, OptionError, sentence
from .gathering import gather, part
from .keeping import labelled, silence, weighted
from .measure import Judge, Settled, both, fit, product
from .options import PLAIN, Options
from .shapes import Frame, frame
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
    if options is PLAIN:
        value = plain.evaluate(loss, inputs, hyper)
        if value is not None:
            return value
    if options.gather is not None:
        return _over_ranks(loss, inputs, hyper, options)
    kernel = _kernel(loss, inputs, hyper, options)
    if kernel is not None and kernel.level == "call":
        value = _exactly(inputs[0], kernel.run, loss, inputs, hyper, options)
        assert isinstance(value, Tensor)
        return value
    found = measure(loss, inputs, hyper, options)
    return reduction.reduce(
        found.values, found.measure, found.keep, options.reduction, options.denominator, options.group
    )


def measure(
    loss: Loss, inputs: tuple[Tensor | None, ...], hyper: Mapping[str, Any], options: Options
) -> Measured:
    """Everything of a call but the reduction."""
    if options.gather is not None:
        raise OptionError(
            sentence(
                f"{loss.name}.units(gather=...)",
                expected="no gather, as the units of several ranks belong to no one of them",
                got=repr(options.gather),
                remedy=f"call {loss.name} itself, or leave gather out",
            )
        )
    found: Measured = _exactly(inputs[0], _measure, loss, inputs, hyper, options)
    return found


def _exactly(first: object, run: Callable[..., Any], *given: Any) -> Any:
    """Under autocast a loss runs in its own precision."""
    if probes.autocast_is_on(first):
        with torch.autocast(first.device.type, enabled=False):
            return run(*given)
    return run(*given)


def _kernel(
    loss: Loss, inputs: tuple[Tensor | None, ...], hyper: Mapping[str, Any], options: Options
) -> backends.Kernel | None:
    """The kernel of a call. On a CPU ``auto`` looks for one only where samples are compared with samples.

    A compiler is given the math, which it can see through; it cannot follow the search for a kernel either.
    """
    first = inputs[0]
    if options.backend == "auto" and (
        torch.compiler.is_compiling() or (loss.unit is not Unit.ANCHOR and getattr(first, "is_cpu", True))
    ):
        return None
    return backends.choose(loss, (inputs, hyper, options))


def _measure(
    loss: Loss, inputs: tuple[Tensor | None, ...], hyper: Mapping[str, Any], options: Options
) -> Measured:
    settled = settle(loss, inputs, hyper, options)
    kernel = _kernel(loss, inputs, hyper, options)
    if kernel is not None and kernel.level == "call":
        raise BackendError(
            sentence(
                f"{loss.name}.units(backend={options.backend!r})",
                expected="a backend that gives one value per unit",
                got="one that gives the reduced value",
                remedy="leave backend out",
            )
        )
    if kernel is not None:
        first = len(loss.required)
        rest = {
            each.name: value
            for each, value in zip(loss.inputs[first:], settled.arguments[first:], strict=True)
        }
        found = kernel.run(*settled.arguments[:first], **rest, **settled.supplied, **hyper)
    else:
        found = loss.apply(settled.arguments, hyper, **settled.supplied)
    if loss.unit is Unit.ANCHOR:
        return chosen(settled, options.weight, *found)
    return Measured(found, settled.measure, settled.keep)


def explain(
    loss: Loss, inputs: tuple[Tensor | None, ...], hyper: Mapping[str, Any], options: Options
) -> backends.Explanation:
    """Which backend computes a call, and why not the others; everything that the call refuses is refused.

    Raises:
        LossaryError: a shape, an option or a hyper-parameter that the call itself would refuse.
    """
    check(loss, hyper, options)
    frame(loss, inputs, hyper, options.class_dim)
    return backends.explain(loss, (inputs, hyper, options))


def settle(
    loss: Loss,
    inputs: tuple[Tensor | None, ...],
    hyper: Mapping[str, Any],
    options: Options,
    aside: bool = False,
    judge: Judge | None = None,
) -> Settled:
    """Everything of a call that comes before the math.

    Args:
        aside: leave the first input alone, whose shape, dtype and device are all that is read of it: neither silenced
            nor judged nor canonical, and None among the arguments. So a kernel that makes the first input itself, or
            silences it on the way, learns the target and the measure. Not for regions.
        judge: shown the silenced inputs, it returns those to go on with. So a kernel that is traced, where no value
            is read, judges on the way and makes an illegal index harmless.
    """
    if checks.level != "off":
        check(loss, hyper, options)
    where_is = frame(loss, inputs, hyper, options.class_dim)
    first = inputs[0]
    assert first is not None
    live = checks.reads_values(first)
    if loss.per_label:
        values.per_label(loss, hyper, where_is.samples, live)
    if loss.per_class:
        values.per_class(loss, hyper, where_is.classes, live)
    if loss.unit is Unit.REGION:
        return regions.settle(loss, inputs, options, where_is, live, judge)
    return _settle(loss, inputs, options, where_is, live, first, aside, judge)


def _settle(
    loss: Loss,
    inputs: tuple[Tensor | None, ...],
    options: Options,
    where_is: Frame,
    live: bool,
    first: Tensor,
    aside: bool,
    judge: Judge | None,
) -> Settled:
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
    if aside:
        inputs = (None, *inputs[1:])
    if keep is not None:
        inputs = silence(loss, inputs, where_is, keep, options, live)
    if live and (options.inputs != "logits" or (loss.judged and not legal)):
        values.judge(loss, inputs, where_is.axes, where_is.classes, options.inputs, options.target_inputs)
    if judge is not None:
        inputs = judge(where_is, inputs, inputs)
    arguments, class_factor, dtype = prepare.prepare(loss, inputs, where_is, options, live, first.dtype)
    if class_factor is not None:
        if keep is not None:
            class_factor = torch.where(keep, class_factor, 0.0)
        if not class_factor.requires_grad:
            keep = class_factor != 0
    supplied = {"keep": keep} if loss.unit is Unit.ANCHOR else {}
    made = product(weight, class_factor, where_is.samples, dtype)
    silenced = not aside and not loss.facts.coupled
    if weight is not None and class_factor is None and not weight.requires_grad and silenced:
        # Where the weight is 0 the inputs were silenced: the value there is finite, and 0 times it is 0.
        keep = None
    return Settled(arguments, supplied, made, keep, where_is.samples)


def chosen(
    settled: Settled, weight: Tensor | None, found: Tensor, count: Tensor, members: Tensor | None = None
) -> Measured:
    """Anchors that found their partners. A weight of 0 leaves an anchor's other roles, but not its own value.

    ``count`` says which anchors did, or how many pairs or triplets the value of each is the mean of.
    """
    complete = count != 0
    keep, made = both(settled.keep, complete), settled.measure
    if count.dtype is not torch.bool:
        many = count.to(found.dtype)
        made = many if made is None else made * many
    if made is not None and weight is not None:
        made = torch.where(complete, made, 0.0)
        keep = keep if weight.requires_grad else both(keep, made != 0)
    return Measured(found, made, keep, members)


def _over_ranks(
    loss: Loss, inputs: tuple[Tensor | None, ...], hyper: Mapping[str, Any], options: Options
) -> Tensor:
    """A coupled loss over the batch that the ranks hold together."""
    # Only where it is asked for by name: what ``auto`` chooses depends on a size that ranks may differ in.
    kernel = None if options.backend == "auto" else _kernel(loss, inputs, hyper, options)
    if kernel is not None and kernel.ring is not None:
        found: Tensor = _exactly(inputs[0], kernel.ring, loss, inputs, hyper, options)
        return found
    (*whole, weight, mask), scale = gather(part(loss, inputs, hyper, options), options.gather)
    options = options._replace(weight=weight, mask=mask, gather=None)
    value = evaluate(loss, tuple(whole), hyper, options)
    return value if scale == 1.0 else scale_gradient(value, scale)


def scale_gradient(value: Tensor, scale: float) -> Tensor:
    """``value`` as it is, with ``scale`` times its gradient."""
    return value * scale + value.detach() * (1.0 - scale)


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
    if loss.options:
        prepare.check(loss, options)
