"""The closed-form derivative, and what happens where there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import mpmath
import torch
from torch import Tensor

from ...core.declaration import Loss
from ...core.kinds import Form
from ...core.unit import Unit
from ..agree import same
from ..draw import WITH_CLASSES, Case
from ..dual import plain
from ..judge import NUMBERS
from ..promise import insist, promise
from ..scalars import per_call, places, units
from ..subject import Subject

#: One-sided differences with 200 digits: the step is far below every number drawn, the digits far below the step.
_DIGITS, _STEP = 200, mpmath.mpf(10) ** -60


def _in_canonical_order(case: Case, tensor: Tensor) -> Tensor:
    """A tensor with the class axis last, as a block and its slope see it."""
    return tensor.movedim(1, -1) if case.loss.has(*WITH_CLASSES[:-1]) and tensor.ndim > 1 else tensor


def _slope(case: Case) -> Tensor:
    slope = case.loss.slope
    assert slope is not None
    inputs = [
        _in_canonical_order(case, tensor)
        if each.kind.form in WITH_CLASSES and tensor is not None and tensor.ndim > len(case.samples)
        else tensor
        for tensor, each in zip(case.inputs, case.loss.inputs, strict=True)
    ]
    found: Tensor = slope(*inputs, **case.hyper)
    return found


def _autograd(case: Case) -> Tensor:
    leaves = case.leaves()
    (found,) = torch.autograd.grad(leaves.math().sum(), [leaves.first])
    return _in_canonical_order(case, found)


@promise(20, applies=lambda loss: loss.slope is not None)
def the_slope_is_the_gradient(subject: Subject) -> None:
    """The closed-form derivative is what automatic differentiation finds, for hard and soft targets."""
    for turn, hyper in enumerate(subject.hypers(8)):
        case = subject.case(12, hyper=hyper, dtype=torch.float64, soft=bool(turn % 2))
        found, wanted = _slope(case), _autograd(case)
        insist(same(found, wanted, 10**4), "the closed-form derivative is not the gradient", case)


@promise(12, applies=lambda loss: loss.slope is not None)
def the_slope_agrees_at_kinks(subject: Subject) -> None:
    """Where the derivative jumps, the closed form and automatic differentiation choose the same value."""
    for hyper in subject.hypers(8):
        case = subject.case(24, hyper=hyper, dtype=torch.float64, flavour="kinks")
        insist(same(_slope(case), _autograd(case), 10**4), "slope and gradient differ at a kink", case)


@promise(12)
def gradients_at_kinks_are_subgradients(subject: Subject) -> None:
    """At a kink every derivative is finite, lies between the one-sided ones, and is 0 where 0 does."""
    if subject.loss.definition is None:
        return
    for hyper in subject.hypers(6):
        for _ in range(4 if subject.loss.unit is Unit.ANCHOR else 1):
            if _of_two_sets(subject.loss):
                _judge_ties(subject, subject.case(8, hyper=hyper, flavour="kinks", dtype=torch.float64))
                continue
            _judge_kinks(
                subject.case(4 if subject.loss.unit is Unit.ANCHOR else 8, hyper=hyper, flavour="kinks")
            )


def _of_two_sets(loss: Loss) -> bool:
    """Whether a set is compared with a set, by the order of their members."""
    return sum(each.kind.form in (Form.SAMPLES, Form.CLOUD) for each in loss.inputs) > 1


def _judge_kinks(case: Case) -> None:
    leaves = case.leaves()
    value = leaves(reduction="none")
    (gradient,) = torch.autograd.grad(
        torch.stack([value[place] for place in places(case)]).sum(), [leaves.first]
    )
    index = torch.arange(case.first.numel()).reshape(case.first.shape)
    for place in places(case):
        together = case.loss.unit is Unit.ANCHOR
        mine = index.flatten() if together else index[place[0]].flatten()
        alone = case if together else case.rows(slice(place[0], place[0] + 1))
        chosen = mine[: 2 + case.loss.classed].tolist()
        sides = _one_sided(alone, place if together else (0, *place[1:]), len(chosen))
        for number, (left, right) in zip(chosen, sides, strict=True):
            found = gradient.flatten()[number].item()
            low, high = min(left, right), max(left, right)
            if min(abs(low), abs(high)) > torch.finfo(gradient.dtype).max:
                continue  # no kink: on both sides more than the dtype holds
            slack = 1e-5 * (1 + abs(low) + abs(high))
            between = low - slack <= found <= high + slack
            insist(between, f"derivative {found!r} at a kink from {left:.6g} to {right:.6g}", case)
            # Of many numbers 0 may belong to each one's derivatives and still not be a derivative of them together.
            if case.loss.unit is Unit.ELEMENT and low < -slack and high > slack:
                insist(found == 0, f"derivative {found!r} at a kink where 0 belongs to the derivatives", case)


def _judge_ties(subject: Subject, case: Case) -> None:
    """Samples that tie have a derivative for every order they can be put in: membership in their hull."""
    copies = 256
    many = case.map(lambda tensor, each: tensor.repeat_interleave(copies, 0))
    noise = 1e-9 * torch.randn(many.first.shape, generator=subject.generator, dtype=torch.float64)
    apart = replace(many, inputs=(many.first + noise, *many.inputs[1:]))
    _, (nearby, *_) = apart.gradients(reduction="sum")
    _, (found, *_) = case.gradients(reduction="sum")
    found = found.flatten(1)
    nearby = nearby.reshape(len(found), copies, -1)
    slack = 1e-5 * (1 + nearby.abs().amax(1))
    inside = (found >= nearby.amin(1) - slack) & (found <= nearby.amax(1) + slack)
    insist(bool(inside.all()), "the derivative at a tie is none of those around it", case)


def _one_sided(case: Case, place: tuple[int, ...], count: int) -> list[tuple[float, float]]:
    """The derivatives from the left and from the right by each of the first numbers."""
    definition = per_call(case.loss, case.loss.definition)
    assert definition is not None

    def at(number: int, shift: Any) -> Any:
        scalars = next(units(case, only=place, shift={(0, number): shift}))
        found = plain(definition(*scalars.arguments, NUMBERS, **case.hyper))
        return mpmath.mpf(0) if found is None else found

    with mpmath.workdps(_DIGITS):
        here = at(0, 0)
        return [
            (float((here - at(number, -_STEP)) / _STEP), float((at(number, _STEP) - here) / _STEP))
            for number in range(count)
        ]


@promise(12)
def second_derivatives_are_finite_at_kinks(subject: Subject) -> None:
    """Second derivatives are finite on kinks, whatever the hyper-parameters."""
    for hyper in subject.hypers(7):
        case = subject.case(12, hyper=hyper, dtype=torch.float64, flavour="kinks")
        leaves = case.leaves()
        (first,) = torch.autograd.grad(leaves(), [leaves.first], create_graph=True)
        insist(bool(first.isfinite().all()), "a derivative at a kink is not finite", case)
        # The input itself keeps the graph whole where the derivative is a constant.
        (second,) = torch.autograd.grad((first + leaves.first).sum(), [leaves.first])
        insist(bool(second.isfinite().all()), "a second derivative at a kink is not finite", case)
