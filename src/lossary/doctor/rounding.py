"""How far a computed number may lie from the exact one, and where that is counted from."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import mpmath
import torch

from ..core.kinds import Form
from ..core.unit import Unit
from .draw import Case
from .dual import slopes
from .judge import NUMBERS
from .scalars import Name, per_call, units

#: Roundings granted, in eps of the dtype the loss is computed in.
VALUE, GRADIENT = 32, 256


def within(got: float, wanted: Any, scale: Any, roundings: int, dtype: torch.dtype, floor: Any = 0) -> bool:
    """Whether ``got`` is ``wanted`` up to ``roundings`` eps of max(|wanted|, scale).

    Below the smallest normal number hardware may flush to 0; above the greatest number the answer is inf.
    """
    limits = torch.finfo(dtype)
    if mpmath.isnan(wanted):
        return got != got
    if got != got:
        return False
    if mpmath.isinf(wanted):
        return bool(got == wanted)
    slack = roundings * mpmath.mpf(limits.eps)
    if abs(got) == mpmath.inf:
        return bool(abs(wanted) * (1 + slack) >= limits.max and (got > 0) == (wanted > 0))
    return bool(abs(mpmath.mpf(got) - wanted) <= slack * max(abs(wanted), scale) + limits.tiny + floor)


def sway(case: Case, place: tuple[int, ...], eps: float) -> Iterator[Mapping[Hashable, Any]]:
    """How far each component of a unit's gradient moves while the unit's numbers move by 32 roundings, one by one.

    That is what rounding does to the terms of a difference, and on which side of a kink it leaves them. It is granted
    where a loss declares that its terms cancel.

    Yields the same table again and again, after each move grown by it: whoever has been granted enough need not go on.
    """
    definition = per_call(case.loss, case.loss.definition)
    assert definition is not None

    def gradient(nudge: Mapping[Hashable, Any], shift: Mapping[Hashable, Any]) -> Mapping[Hashable, Any]:
        with mpmath.workdps(80):
            scalars = next(units(case, derive=True, nudge=nudge, shift=shift, only=place))
            return slopes(definition(*scalars.arguments, NUMBERS, **case.hyper))

    here = {name: slope for name, slope in gradient({}, {}).items() if not mpmath.isnan(slope)}
    table = dict.fromkeys(here, mpmath.mpf(0))
    yield table
    for nudge, shift in _moves(case, _names(case, place), eps):
        moved = gradient(nudge, shift)
        with mpmath.workdps(80):
            for name, slope in here.items():
                there = moved.get(name, 0)
                if not mpmath.isnan(there):
                    table[name] += abs(there - slope)
        yield table


def _moves(
    case: Case, names: list[Name], eps: float
) -> Iterator[tuple[Mapping[Any, Any], Mapping[Any, Any]]]:
    """A factor or a step for one number at a time."""
    steps = [(name, sign * VALUE * eps) for name in names for sign in (1, -1)]
    if case.loss.has(Form.FEATURES):
        # A difference of vectors is rounded to the size of the larger one, however small the other is; a cosine was
        # to that of 1 before.
        limits = [
            each.kind.domain.high for each in case.loss.inputs if each.kind.limited and each.kind.domain
        ]
        size = max([float(each.abs().max()) for each in case.inputs if each is not None] + limits)
        yield from (({}, {name: step * size}) for name, step in steps)
    yield from (({name: 1 + step}, {}) for name, step in steps)
    for name, size in _surprises(case, names):
        # The math receives a row as log p, rounded to its own size, however small the logits are.
        yield from (({}, {name: sign * VALUE * eps * size}) for sign in (1, -1))


def _surprises(case: Case, names: list[Name]) -> Iterator[tuple[Name, float]]:
    """How large -log p is at each logit of a unit's rows, where it is finite."""
    for number, (tensor, each) in enumerate(zip(case.inputs, case.loss.inputs, strict=True)):
        if tensor is None or each.kind.form is not Form.LOGITS:
            continue
        sizes = -torch.log_softmax(tensor.detach().double(), 1 if tensor.ndim > 1 else 0).flatten()
        for name in names:
            if name[0] == number and 0 < sizes[name[1]] < float("inf"):
                yield name, float(sizes[name[1]])


def _names(case: Case, place: tuple[int, ...]) -> list[Name]:
    """Every floating number of a unit."""
    found: list[Name] = []
    for number, tensor in enumerate(case.inputs):
        if tensor is None or not tensor.is_floating_point():
            continue
        index = torch.arange(tensor.numel()).reshape(tensor.shape)
        if case.loss.unit is Unit.ANCHOR:
            mine = index
        elif case.loss.unit is Unit.REGION or tensor.ndim > len(case.samples) > 1:
            mine = index[place[0]]
        else:
            mine = index[place]
        found += [(number, each) for each in mine.flatten().tolist()]
    return found
