"""Attempts to refute a claim: at least five hundred for each, over its hyper-parameters, as rows of a few calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import torch
from torch import Tensor

from ..core.card import Claims
from ..core.declaration import Loss
from ..core.kinds import Form
from ..core.loss import settle
from ..core.unit import Unit
from . import draw
from .draw import Case
from .subject import Subject

#: What a claim has to survive.
ENOUGH = 500
#: Attempts in one call.
ROWS = 48
#: Settings of the hyper-parameters at which a claim is tried, and how many are looked through to find them.
SETTINGS, SOUGHT = 8, 40


def claimed(name: str) -> Callable[[Loss], bool]:
    """Whether a loss claims anything under this name."""
    return lambda loss: getattr(loss.facts.claims, name) != getattr(Claims(), name)


def stated(subject: Subject, claim: str, hyper: Mapping[str, Any]) -> Any:
    """What is claimed at these hyper-parameters, None where nothing is; a bound of 0 is a claim."""
    found = settle(getattr(subject.loss.facts.claims, claim), hyper)
    return None if found is False else found


def settings(subject: Subject, claim: str) -> list[dict[str, Any]]:
    """Hyper-parameters for which something is claimed."""
    per_class = draw.per_class(subject.loss, subject.generator, draw.CLASSES)
    pool = chain(subject.hypers(SOUGHT), draw.corners(subject.loss))
    return list(
        islice((each for each in pool if stated(subject, claim, {**each, **per_class}) is not None), SETTINGS)
    )


def turns(subject: Subject, claim: str, rows: int, rounds: int = 3) -> Iterator[tuple[int, dict[str, Any]]]:
    """Settings in turn with the number of the round, until there are enough attempts; counts them.

    A claim that never holds at the settings looked through has no turn, and is found out by the count.
    """
    found = settings(subject, claim)
    count = max(rounds * len(found), math.ceil(ENOUGH / rows)) if found else 0
    for turn in range(count):
        subject.tally[claim] += rows
        yield turn // len(found), found[turn % len(found)]


def attempts(subject: Subject, claim: str) -> Iterator[tuple[Case, Any]]:
    """Cases at several scales, hard targets and soft, with what is claimed of them."""
    rows = 6 if subject.loss.unit is Unit.ANCHOR else ROWS
    for number, (turn, hyper) in enumerate(turns(subject, claim, rows)):
        case = subject.case(rows, hyper=hyper, dtype=torch.float64, soft=bool((number + turn) % 2))
        claim_here = stated(subject, claim, case.hyper)
        if claim_here is not None:
            # A domain of its own has a scale of its own.
            free = subject.loss.inputs[0].kind.domain is None
            yield with_first(case, case.first * (0.1, 1.0, 8.0)[turn % 3]) if free else case, claim_here


def with_first(case: Case, first: Tensor) -> Case:
    """The case with another first input."""
    return replace(case, inputs=(first, *case.inputs[1:]))


def asked(case: Case, first: Tensor, target: Tensor) -> Case:
    """The case with another first input and another target."""
    inputs = list(case.inputs)
    inputs[0], inputs[case.loss.target if case.loss.target >= 0 else 1] = first, target
    return replace(case, inputs=tuple(inputs))


def values(case: Case, first: Tensor | None = None) -> Tensor:
    """One value per unit."""
    return (case if first is None else with_first(case, first))(reduction="none")


def gradient(case: Case) -> Tensor:
    """The gradient of the sum by the first input."""
    leaves = case.leaves()
    (found,) = torch.autograd.grad(leaves(reduction="sum"), [leaves.first])
    return found


def copies(case: Case, count: int) -> Case:
    """The rows of a case so many times over, one after another: many calls in one, where rows stand alone."""
    many = case.map(lambda tensor, _: tensor.repeat(count, *(1,) * (tensor.ndim - 1)))
    return replace(many, samples=torch.Size((count * case.samples[0], *case.samples[1:])))


def expected(case: Case, first: Tensor, truth: Tensor) -> Tensor:
    """Expected value per row when labels are drawn from ``truth``, (rows, classes)."""
    rows, labels = truth.shape
    target = torch.arange(labels).repeat_interleave(rows)
    target = target if case.loss.has(Form.CLASS) else target.to(first.dtype)
    many = copies(case, labels)
    costs = asked(many, first.repeat(labels, *(1,) * (first.ndim - 1)), target)(reduction="none")
    return (truth * costs.reshape(labels, rows).T).sum(1)


def chances(subject: Subject, case: Case, rows: int) -> Tensor:
    """True distributions over the classes of a case, (rows, classes): from nearly even to nearly certain."""
    width = case.classes if case.loss.classed else 2
    spread = 0.3 + 2.0 * torch.rand(rows, 1, generator=subject.generator, dtype=torch.float64)
    return torch.softmax(
        spread * torch.randn(rows, width, generator=subject.generator, dtype=torch.float64), 1
    )
