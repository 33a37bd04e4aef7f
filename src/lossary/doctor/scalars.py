"""From the tensors of a call to what a definition takes: plain scalars, unit by unit."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import mpmath
import torch
from torch import Tensor

from ..core.declaration import Loss
from ..core.kinds import Form
from ..core.unit import Unit
from .draw import WITH_CLASSES, Case, differentiable
from .dual import Dual

#: Number of an input, flat position in it.
Name = tuple[int, int]


@dataclass(frozen=True)
class Scalars:
    """One unit: its place in ``reduction="none"``, and the arguments of its definition before ``m``."""

    place: tuple[int, ...]
    arguments: tuple[Any, ...]


def per_call(loss: Loss, of_one: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """A definition, or the size of its terms, as ``reduction="none"`` has it: times what its unit counts for.

    Of an anchor it is the mean over its pairs or triplets, and the call returns their sum.
    """
    counts = loss.facts.counts
    if of_one is None or counts is None:
        return of_one
    place = next((number for number, each in enumerate(loss.inputs) if each.kind.form is Form.LABEL), None)

    def of_all(*arguments: Any, **hyper: Any) -> Any:
        found = of_one(*arguments, **hyper)
        labels = range(len(arguments[0])) if place is None else arguments[place]
        return None if found is None else found * counts(labels, arguments[-2])

    return of_all


def units(
    case: Case,
    *,
    inner: Tensor | None = None,
    derive: bool = False,
    nudge: Mapping[Hashable, Any] | None = None,
    shift: Mapping[Hashable, Any] | None = None,
    only: tuple[int, ...] | None = None,
) -> Iterator[Scalars]:
    """Every unit of a case that shares no input with another: all of them, but one class a region, one anchor a batch.

    Args:
        inner: weights inside regions, of the sample axes; None: 1 each.
        derive: whether scalars carry derivatives, named by input and flat position.
        nudge: factors by which some scalars are multiplied, for asking how much they matter.
        shift: what is added to some scalars.
        only: the place of the one unit that is wanted.
    """
    flat = [
        _scalars(
            tensor,
            number,
            derive and differentiable(each),
            nudge or {},
            shift or {},
            each.kind.form,
        )
        for number, (tensor, each) in enumerate(zip(case.inputs, case.loss.inputs, strict=True))
    ]
    views = [_view(case, number) for number in range(len(flat))]
    for place in places(case) if only is None else [only]:
        arguments = tuple(_take(case, number, place, flat, views) for number in range(len(flat)))
        yield Scalars(place, (*arguments, *_extra(case, place, inner)))


def places(case: Case) -> list[tuple[int, ...]]:
    """Places of units that share no input."""
    samples, unit = case.samples, case.loss.unit
    if unit is Unit.REGION:
        classes = case.classes if case.loss.has(Form.LOGITS) else 0
        return [(n, n % classes) if classes else (n,) for n in range(samples[0])]
    if unit is Unit.ANCHOR:
        return [(0,)]
    return [
        tuple(each)
        for each in torch.cartesian_prod(*(torch.arange(n) for n in samples))
        .reshape(-1, len(samples))
        .tolist()
    ]


def _scalars(
    tensor: Tensor | None,
    number: int,
    derive: bool,
    nudge: Mapping[Hashable, Any],
    shift: Mapping[Hashable, Any],
    form: Form,
) -> list[Any]:
    if tensor is None:
        return []
    if not tensor.is_floating_point() and form in (Form.CLASS, Form.LABEL):
        return list(tensor.flatten().tolist())
    made = [mpmath.mpf(value) for value in tensor.detach().double().flatten().tolist()]
    for name, factor in nudge.items():
        if isinstance(name, tuple) and name[0] == number:
            made[name[1]] = made[name[1]] * factor
    for name, step in shift.items():
        if isinstance(name, tuple) and name[0] == number:
            made[name[1]] = made[name[1]] + step
    one = mpmath.mpf(1)
    return [Dual(value, {(number, place): one} if derive else {}) for place, value in enumerate(made)]


def _view(case: Case, number: int) -> Tensor | None:
    """Flat positions of an input, its own axis last, and its sample axes as units need them."""
    tensor, form = case.inputs[number], case.loss.inputs[number].kind.form
    if tensor is None:
        return None
    index = torch.arange(tensor.numel()).reshape(tensor.shape)
    classes_first = form in WITH_CLASSES and tensor.ndim == len(case.samples) + 1 and tensor.ndim > 1
    return index.movedim(1, -1) if classes_first else index


def _take(
    case: Case, number: int, place: tuple[int, ...], flat: list[list[Any]], views: list[Tensor | None]
) -> Any:
    view, each = views[number], case.loss.inputs[number]
    if view is None:
        # Masses that are left out weigh all samples of their set alike.
        partner = next(
            i for i, one in enumerate(case.loss.inputs) if one.name == each.name.removesuffix("_weight")
        )
        tensor = case.inputs[partner]
        assert tensor is not None
        return [mpmath.mpf(1)] * tensor.shape[-1]
    if case.loss.unit is Unit.REGION:
        view = view[place[0]].reshape(-1, *view.shape[len(case.samples) :])
    elif case.loss.unit is not Unit.ANCHOR:
        view = view[place]
    picked = _look_up(view.tolist(), flat[number])
    tensor = case.inputs[number]
    assert tensor is not None
    if each.kind.form is Form.CLASS and not tensor.is_floating_point():
        return (
            [_single(i, case.classes) for i in picked]
            if isinstance(picked, list)
            else _single(picked, case.classes)
        )
    return picked


def _extra(case: Case, place: tuple[int, ...], inner: Tensor | None) -> tuple[Any, ...]:
    """What the core supplies to a block, as the definition takes it."""
    if case.loss.unit is Unit.ANCHOR:
        return place
    if case.loss.unit is not Unit.REGION:
        return ()
    elements = case.samples[1:].numel()
    weights = [1.0] * elements if inner is None else inner[place[0]].double().flatten().tolist()
    return ([mpmath.mpf(weight) for weight in weights], *place[1:])


def _look_up(view: Any, flat: list[Any]) -> Any:
    return [_look_up(each, flat) for each in view] if isinstance(view, list) else flat[view]


def _single(index: int, classes: int) -> list[Any]:
    return [mpmath.mpf(int(index == each)) for each in range(classes)]
