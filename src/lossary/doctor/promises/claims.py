"""The shape of a loss: what its card says of convexity, bounds, steepness and smoothness, tried to be refuted."""

from __future__ import annotations

import torch
from torch import Tensor

from ...core.unit import Unit
from ..claiming import (
    ROWS,
    attempts,
    claimed,
    copies,
    expected,
    gradient,
    stated,
    turns,
    values,
    with_first,
)
from ..draw import Case
from ..promise import insist, promise
from ..subject import Subject


def _other(subject: Subject, case: Case, width: float) -> Tensor:
    noise = torch.randn(case.first.shape, generator=subject.generator, dtype=torch.float64)
    domain = subject.loss.inputs[0].kind.domain
    if domain is not None and domain.low < 0 and domain.high < torch.inf:
        return (case.first + width * noise).clamp(domain.low, domain.high)
    # Where only numbers above a bound are admitted, so are the larger ones.
    return case.first + width * (noise.abs() if domain is not None else noise)


def _distance(case: Case, a: Tensor, b: Tensor) -> Tensor:
    """How far apart two first inputs are, unit by unit. A region sees all logits of its sample."""
    square = (a - b).square()
    shape = values(case, a).shape
    if case.loss.unit is Unit.REGION:
        return square.flatten(1).sum(1).sqrt().reshape(-1, *(1,) * (len(shape) - 1)).expand(shape)
    if case.loss.classed:
        return square.sum(1).sqrt()
    return square.flatten(len(shape)).sum(-1).sqrt() if square.ndim > len(shape) else square.sqrt()


@promise(21, applies=claimed("convex"))
def convex_where_it_says_so(subject: Subject) -> None:
    """Between any two points the loss lies on or below the chord."""
    for case, _ in attempts(subject, "convex"):
        for width in (1e-2, 1.0, 20.0):
            other = _other(subject, case, width)
            share = 0.3
            between = values(case, share * case.first + (1 - share) * other)
            chord = share * values(case) + (1 - share) * values(case, other)
            above = between - chord - 1e-10 * (1 + chord.abs())
            insist(bool((above <= 0).all()), f"{above.max():.3g} above a chord", case)


def _same_kind(case: Case) -> bool:
    """Whether the second input could stand in the place of the first."""
    first, *others = case.loss.inputs
    target = case.inputs[1] if others else None
    return target is not None and others[0].kind == first.kind and target.shape == case.first.shape


@promise(21, applies=claimed("lower"))
def stays_above_its_lower_bound(subject: Subject) -> None:
    """No value lies below the stated lower bound, and some come near it."""
    nearest = float("inf")
    for turn, (case, bound) in enumerate(attempts(subject, "lower")):
        found = values(case)
        insist(bool((found >= bound - 1e-12).all()), f"{found.min():.6g} is below {bound:g}", case)
        # From a prediction that follows the gradient down for a while.
        least = float(found.min())
        least = min(least, float(values(_descended(case)).min())) if turn < 4 else least
        if turn < 4 and _same_kind(case):
            # And from one that equals its target.
            least = min(least, float(values(case, case.inputs[1]).min()))
        nearest = min(nearest, least - bound)
    insist(
        not subject.tally["lower"] or nearest <= 0.05, f"nothing comes nearer than {nearest:.3g} to the bound"
    )


@promise(21, applies=claimed("upper"))
def stays_below_its_upper_bound(subject: Subject) -> None:
    """No value lies above the stated upper bound, and some come near it."""
    nearest = float("inf")
    for turn, (case, bound) in enumerate(attempts(subject, "upper")):
        found = torch.cat([values(case).flatten(), values(case, 1e3 * case.first).flatten()])
        insist(bool((found <= bound + 1e-12).all()), f"{found.max():.6g} is above {bound:g}", case)
        most = float(found.max())
        most = max(most, float(values(_descended(case, -1.0)).max())) if turn < 4 else most
        nearest = min(nearest, bound - most)
    insist(
        not subject.tally["upper"] or nearest <= 0.25, f"nothing comes nearer than {nearest:.3g} to the bound"
    )


def _descended(case: Case, sign: float = 1.0) -> Case:
    """A case after some normalised steps down (or up) its gradient."""
    least = sign * float(case())
    for step in (4.0, 2.0, 1.0, 0.5, 0.25, 0.1, 0.5, 0.25, 0.1, 0.05, 0.02):
        slope = gradient(case)
        size = slope.abs().amax().clamp(min=1e-30)
        first = case.first - sign * step * slope / size
        domain = case.loss.inputs[0].kind.domain
        if domain is not None and not all(map(domain.holds, (float(first.min()), float(first.max())))):
            continue
        moved = with_first(case, first)
        found = sign * float(moved())
        if found < least:
            case, least = moved, found
    return case


@promise(21, applies=claimed("lipschitz"))
def keeps_to_its_lipschitz_constant(subject: Subject) -> None:
    """No two values are further apart than the constant times the distance of their inputs, and it is no idle bound."""
    steepest = 0.0
    for case, constant in attempts(subject, "lipschitz"):
        for width in (1e-3, 1.0, 30.0):
            other = _other(subject, case, width)
            rise, run = (values(case, other) - values(case)).abs(), _distance(case, case.first, other)
            insist(
                bool((rise <= constant * run * (1 + 1e-9) + 1e-12).all()), f"steeper than {constant:g}", case
            )
            steepest = max(steepest, float((rise / run).max() / constant))
    insist(
        steepest == 0 or steepest > 0.5, f"the steepest step found is {steepest:.2f} of the constant claimed"
    )


@promise(21, applies=claimed("smooth"))
def smooth_where_it_says_so(subject: Subject) -> None:
    """The derivative has no jumps: at kinks of the definition's pieces too, a small step changes it little."""
    step = 1e-7
    for turn, hyper in turns(subject, "smooth", ROWS, rounds=2):
        for flavour in ("ordinary", "kinks"):
            case = subject.case(ROWS, hyper=hyper, dtype=torch.float64, flavour=flavour, soft=bool(turn % 2))
            if not stated(subject, "smooth", case.hyper):
                continue
            single = torch.rand(case.first.shape, generator=subject.generator) < 0.5
            moves = [
                move * part for move in (step, -step, step * single, -step * single) for part in (1.0, 1e-3)
            ]
            here, *moved = _gradients(case, [case.first, *(case.first + move for move in moves)])
            for whole, small in zip(moved[::2], moved[1::2], strict=True):
                # Where the derivative is merely steep, a thousandth of the step moves it a thousandth as far.
                jump = min((each - here).abs().max() for each in (whole, small))
                says = f"the derivative jumps by {jump:.3g}"
                insist(bool(jump <= 1e-4 * (1 + here.abs().max())), says, case)


def _gradients(case: Case, firsts: list[Tensor]) -> list[Tensor]:
    """The gradient at each first input: in one call where every unit stands alone."""
    if case.loss.facts.coupled or case.loss.unit is Unit.ANCHOR:
        return [gradient(with_first(case, first)) for first in firsts]
    return list(gradient(with_first(copies(case, len(firsts)), torch.cat(firsts))).chunk(len(firsts)))


@promise(21, applies=claimed("symmetric"))
def symmetric_where_it_says_so(subject: Subject) -> None:
    """The losses of all possible labels add up to a constant."""
    for case, _ in attempts(subject, "symmetric"):
        width = case.classes if case.loss.classed else 2
        total = expected(case, case.first, torch.ones(len(case.first), width, dtype=torch.float64))
        insist(
            bool((total - total[0]).abs().max() < 1e-9 * (1 + total[0].abs())),
            "the losses of all labels vary",
            case,
        )
