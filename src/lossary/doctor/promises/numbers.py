"""Values and gradients against the definition, evaluated with as many digits as it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import mpmath
import torch

from ...core.checks import checks
from ...core.unit import Unit
from ..draw import Case
from ..judge import Undecided, exact
from ..promise import Broken, insist, promise
from ..rounding import GRADIENT, VALUE, sway, within
from ..scalars import per_call, places, units
from ..subject import Subject


def _cases(subject: Subject, flavour: str, **how: Any) -> Iterator[Case]:
    """Hyper-parameters x soft and hard targets x both dtypes that compute, few units each."""
    for turn, hyper in enumerate(subject.hypers(7)):
        dtype = torch.float64 if turn % 4 == 3 else torch.float32
        if subject.loss.unit is Unit.ANCHOR:
            for _ in range(3):
                yield subject.case(5, hyper=hyper, flavour=flavour, dtype=dtype)
            continue
        count = 4 if dtype is torch.float64 else 12 if subject.loss.unit is Unit.ELEMENT else 6
        yield subject.case(count, hyper=hyper, flavour=flavour, dtype=dtype, soft=bool(turn % 2), **how)


def _judge_values(subject: Subject, flavour: str) -> None:
    for case in _cases(subject, flavour):
        _compare(case, case(reduction="none"))


def _compare(case: Case, got: torch.Tensor, inner: torch.Tensor | None = None) -> None:
    definition, cancels = (
        per_call(case.loss, each) for each in (case.loss.definition, case.loss.facts.cancels)
    )
    if definition is None:
        return
    below = torch.finfo(got.dtype).smallest_normal
    for unit in units(case, inner=inner):
        found = _exact(definition, unit.arguments, case, below=below, cancels=cancels)
        wanted, scale = (mpmath.mpf(0), mpmath.mpf(0)) if found is None else (found.value, found.scale)
        value = got[unit.place].item()
        if not within(value, wanted, scale, VALUE, got.dtype):
            raise Broken(
                f"unit {unit.place}: {value!r} where the definition says {mpmath.nstr(wanted, 12)}",
                _alone(case, unit.place),
            )


@promise(10)
def values_are_exact(subject: Subject) -> None:
    """The value is the definition's to 32 roundings."""
    _judge_values(subject, "ordinary")


@promise(10)
def values_are_exact_at_extremes(subject: Subject) -> None:
    """The value is exact over the whole range of finite inputs and at logits of -inf; inf where it is infinite."""
    _judge_values(subject, "extreme")


@promise(10, applies=lambda loss: loss.unit is Unit.REGION)
def inner_weights_are_exact(subject: Subject) -> None:
    """A weight that reaches the axes summed over counts inside the sums as the definition says."""
    for hyper in subject.hypers(5):
        case = subject.case(4, 5, hyper=hyper)
        inner = torch.rand(case.samples, generator=subject.generator).round(decimals=2)
        inner[:, 0] = 0.5
        _compare(case, case(reduction="none", weight=inner), inner)


@promise(10)
def gradients_are_exact(subject: Subject) -> None:
    """Every component of the gradient is the definition's to 256 roundings of its own and one of the greatest's."""
    for case in _cases(subject, "ordinary"):
        _judge_gradient(case)


@promise(10)
def gradients_are_exact_at_extremes(subject: Subject) -> None:
    """The gradient is exact at extremes, wherever the definition has one."""
    for case in _cases(subject, "extreme"):
        _judge_gradient(case)


def _judge_gradient(case: Case) -> None:
    definition, cancels = (
        per_call(case.loss, each) for each in (case.loss.definition, case.loss.facts.cancels)
    )
    if definition is None:
        return
    leaves = case.leaves()
    value = leaves(reduction="none")
    wanted = leaves.differentiable()
    total = torch.stack([value[place] for place in places(case)]).sum()
    got = dict(zip(map(id, wanted), torch.autograd.grad(total, wanted), strict=True))
    below = torch.finfo(value.dtype).smallest_normal
    for unit in units(case, derive=True):
        found = _exact(definition, unit.arguments, case, below=below, cancels=cancels)
        if (
            found is None
            or not mpmath.isfinite(found.value)
            or abs(found.value) > torch.finfo(value.dtype).max
        ):
            continue
        greatest = max(
            (abs(each) for each in found.slopes.values() if not mpmath.isnan(each)), default=mpmath.mpf(0)
        )
        if greatest > torch.finfo(value.dtype).max:
            continue
        floor = torch.finfo(value.dtype).eps * greatest
        # A probability below the smallest number is 0, and what it would pull is of the loss's own size.
        floor += torch.finfo(value.dtype).tiny * abs(found.value)
        grown: Iterator[Mapping[Any, Any]] | None = None
        moved: Mapping[Any, Any] | None = None
        # A difference that drowns in the rounding of its terms may fall on the flat side of a kink.
        drowned = abs(found.value) <= VALUE * torch.finfo(value.dtype).eps * found.scale
        for name, slope in found.slopes.items():
            assert isinstance(name, tuple)
            leaf = leaves.inputs[name[0]]
            assert leaf is not None
            component = got[id(leaf)].flatten()[name[1]].item()
            if not mpmath.isfinite(slope) or (drowned and component == 0):
                continue
            if within(component, slope, 0, GRADIENT, value.dtype, floor):
                continue
            if cancels is not None and grown is None:
                grown = sway(case, unit.place, torch.finfo(value.dtype).eps)
                moved = next(grown)
            if moved is not None and name not in moved:
                continue  # with other digits a tie is broken the other way, and this number is not chosen at all
            while not within(component, slope, 0, GRADIENT, value.dtype, floor + (moved or {}).get(name, 0)):
                if grown is not None and (more := next(grown, None)) is not None:
                    moved = more
                    continue
                raise Broken(
                    f"unit {unit.place}: derivative by {case.loss.inputs[name[0]].name}[{name[1]}] is {component!r} "
                    f"where the definition says {mpmath.nstr(slope, 12)}", _alone(case, unit.place),
                )  # fmt: skip


def _exact(definition: Any, arguments: Any, case: Case, **how: Any) -> Any:
    try:
        return exact(definition, arguments, case.hyper, **how)
    except Undecided as error:
        raise Broken(f"the definition is no judge: {error}", case.source()) from None


def _alone(case: Case, place: tuple[int, ...]) -> str:
    """A reproducer with the one unit that is wrong."""
    if case.loss.unit is Unit.ANCHOR:
        return case.source(reduction="none")
    return case.rows(slice(place[0], place[0] + 1)).source(reduction="none")


@promise(10)
def half_precision_is_float32_rounded_once(subject: Subject) -> None:
    """Half inputs give a float32 value, equal to that of the same numbers in float32, and its gradient rounded."""
    for dtype in (torch.bfloat16, torch.float16):
        for hyper in subject.hypers(4):
            case = subject.case(12, hyper=hyper, dtype=dtype)
            wide = case.to(torch.float32)
            value, gradients = case.gradients()
            with checks("off"):  # rows that sum to 1 in half precision need not in float32
                exactly, references = wide.gradients()
            insist(value.dtype is torch.float32, f"a value of {value.dtype} from {dtype}", case)
            insist(
                torch.equal(value, exactly),
                f"{value.item()!r} from {dtype}, {exactly.item()!r} from float32",
                case,
            )
            for gradient, reference in zip(gradients, references, strict=True):
                insist(gradient.dtype is dtype, f"a gradient of {gradient.dtype} for inputs of {dtype}", case)
                insist(
                    torch.equal(gradient, reference.to(dtype)),
                    f"the gradient in {dtype} is not float32's rounded",
                    case,
                )


@promise(13)
def float64_stays_float64(subject: Subject) -> None:
    """Inputs of float64 give a float64 value and gradient in every reduction."""
    case = subject.case(8, dtype=torch.float64)
    for reduction in ("mean", "sum", "none"):
        value, gradients = case.gradients(reduction=reduction)
        wrong = [each.dtype for each in (value, *gradients) if each.dtype is not torch.float64]
        insist(not wrong, f"{wrong} from float64 with reduction={reduction!r}", case)


@promise(13)
def autocast_changes_nothing(subject: Subject) -> None:
    """Under autocast the loss runs in its own precision: same value, same gradient, same dtype."""
    for dtype in (torch.float32, torch.bfloat16):
        case = subject.case(12, dtype=dtype)
        value, gradients = case.gradients()
        with torch.autocast("cpu", torch.bfloat16):
            inside, inner_gradients = case.gradients()
        insist(
            inside.dtype is torch.float32 and torch.equal(value, inside), "autocast changes the value", case
        )
        same = all(torch.equal(a, b) for a, b in zip(gradients, inner_gradients, strict=True))
        insist(same, "autocast changes the gradient", case)
