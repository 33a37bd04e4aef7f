"""An equal budget of settings for every loss: what is tried beside the defaults, so that none owes its place to them.

Every loss gets `BUDGET` settings at every rate of the common grid, its own first. A loss with fewer to vary gets
rates in between for the rest, so that every loss is trained equally often. What was asked for stays as it was
asked for: `focal(gamma=1)` keeps its gamma.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest
from math import exp, inf, log

from lossary import nn
from lossary.core.declaration import Hyper
from lossary.core.domains import Choice, Flag, Interval, NumberOrTensor
from lossary.core.errors import LossaryError
from lossary.core.modules import Single
from lossary.lab.asking.profile import Profile
from lossary.lab.planning.advise import Setting, candidates
from lossary.lab.planning.candidate import Candidate
from lossary.lab.planning.plan import Plan
from lossary.lab.planning.ways import ENDINGS

BUDGET = 4  # settings a loss, its own among them
RATES_BETWEEN = "rates in between"


@dataclass(frozen=True)
class Member:
    """One setting of a loss beside its own: what it says, "gamma=4.0", and the candidate that is trained for it."""

    says: str
    candidate: Candidate


@dataclass(frozen=True)
class Family:
    """A candidate of the comparison, by its label, with its other settings."""

    label: str
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Tuning:
    """What is trained beside a comparison so that every loss has the same budget."""

    families: tuple[Family, ...]

    def family(self, label: str) -> Family:
        """The settings of one candidate."""
        return next(each for each in self.families if each.label == label)

    def plan(self, plan: Plan) -> Plan:
        """The plan of the other settings alone: those of the comparison itself are in its own ledger."""
        return replace(
            plan, candidates=tuple(each.candidate for family in self.families for each in family.members)
        )


def tuning(plan: Plan, setting: Setting, profile: Profile) -> Tuning:
    """The other settings of every candidate of a plan."""
    return Tuning(
        tuple(
            Family(each.label, tuple(_members(each, plan.settings.rates, setting, profile)))
            for each in plan.candidates
        )
    )


def _members(own: Candidate, rates: Sequence[float], setting: Setting, profile: Profile) -> Iterator[Member]:
    found = 0
    for says, text in _texts(own):
        if found == BUDGET - 1:
            return
        try:
            (made,) = candidates(profile, setting, (text,), own.label)
        except LossaryError:
            continue  # hyper-parameters that must agree with one another, and do not
        if _alike(made) != _alike(own) or made.expression == own.expression:
            continue  # another level is another quantile, which is not what this loss was asked for
        found += 1
        yield Member(says, replace(made, label=f"{own.label}: {says}", why=own.why))
    left = BUDGET - 1 - found
    if left:
        label = f"{own.label}: {RATES_BETWEEN}"
        yield Member(RATES_BETWEEN, replace(own, label=label, rates=between(rates, left)))


def _alike(candidate: Candidate) -> tuple[object, ...]:
    """What a setting may not change: what is estimated, and what the network and its answer are."""
    return (candidate.elicits, candidate.link, candidate.outputs, candidate.readout, candidate.learns,
            candidate.probabilities)  # fmt: skip


def _texts(own: Candidate) -> Iterator[tuple[str, str]]:
    """Other settings of an expression, what they say and how they are written; none of a sum of losses."""
    parts = list(nn.parse(own.expression).parts())
    _, factor, part = parts[0]
    if len(parts) > 1 or factor != 1 or not isinstance(part, Single):
        return
    loss, given = part.function.loss, dict(part.settings)
    ending = next((each for each in ENDINGS.values() if each and own.label.endswith(each)), "")
    free = [each for each in loss.hyper if each.name not in given]
    # One at a time and in turn: the first step of each, then the second of each.
    for turn in zip_longest(*([(each.name, value) for value in steps(each)] for each in free)):
        for step in turn:
            if step is not None:
                name, value = step
                written = ", ".join(f"{key}={each!r}" for key, each in {**given, name: value}.items())
                yield f"{name}={value!r}", f"{loss.name}({written}){ending}"


def steps(hyper: Hyper) -> Iterator[object]:
    """Other values of a hyper-parameter: twice and half of what it is, or halfway to the ends, then farther off."""
    domain = hyper.domain.each if isinstance(hyper.domain, NumberOrTensor) else hyper.domain
    if isinstance(domain, (Choice, Flag)):
        yield from (each for each in domain.examples if each != hyper.default)
    if not isinstance(domain, Interval):
        return
    own = hyper.default
    found: list[float] = []
    if isinstance(own, bool) or not isinstance(own, (int, float)):
        found = [float(each) for each in domain.examples if domain.low < each < domain.high]  # type: ignore[operator,arg-type]
    elif domain.high < inf and domain.low > -inf:
        found = [
            (own + domain.high) / 2,
            (own + domain.low) / 2,
            (own + 3 * domain.low) / 4,
            (own + 3 * domain.high) / 4,
        ]
    elif own == domain.low or own == 0:
        found = [float(each) for each in domain.examples if each != own]  # type: ignore[arg-type]
    else:
        base = max(domain.low, 0.0)
        found = [base + factor * (own - base) for factor in (2.0, 0.5, 4.0, 0.25)]
    if domain.whole:
        found = [round(each) for each in found]
    yield from dict.fromkeys(each for each in found if each != own and domain.holds(each))


def between(rates: Sequence[float], times: int) -> tuple[float, ...]:
    """`times` as many rates as there are, none of them among those: between neighbours, the rest beyond the ends."""
    logs = [log(each) for each in sorted(rates)]
    first = last = log(3.0)  # of a single rate: half a decade, as far apart as those of the common grid
    if len(logs) > 1:
        first, last = logs[1] - logs[0], logs[-1] - logs[-2]
    inside = [
        low + part / (times + 1) * (high - low)
        for low, high in pairwise(logs)
        for part in range(1, times + 1)
    ]
    below = [logs[0] - part / (times + 1) * first for part in range(1, times // 2 + 1)]
    above = [logs[-1] + part / (times + 1) * last for part in range(1, times - times // 2 + 1)]
    return tuple(float(f"{exp(each):.4g}") for each in sorted([*below, *inside, *above]))
