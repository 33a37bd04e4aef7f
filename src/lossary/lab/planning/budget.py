"""What fits into a given time: fewer splits or seeds, whichever costs less of what can be detected; then fewer rates.

The seconds that a probe measures choose a plan, and the plan is what is written down: no clock time is in it. Why the
rates wait until splits and seeds are at their least, and losses until last, stands in decision 15.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from lossary.core.errors import DataError, sentence
from lossary.lab.judging.statistics import Spread, detectable
from lossary.lab.planning.plan import Plan

LEAST_SPLITS, LEAST_SEEDS, LEAST_RATES, LEAST_LOSSES = 6, 2, 3, 2
# The seeds' share of the variance of seed-averaged differences, 5 seeds a split: 0.74 on iris, 0.68 on wine, 0.65 on
# breast_cancer, 0.80 on diabetes (median over the default candidates, 20 splits, the metric that decides).
SEED_SHARE, MEASURED_SEEDS = 0.7, 5
WIDENING = 0.25  # trainings beyond the common grid, as a share of it, that room is kept for
TRAININGS = 0.9  # of the time is planned with: reading, judging and the report take the rest

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")


def duration(text: str) -> float:
    """Seconds of "90s", "5m", "1h30m". Raises DataError for anything else."""
    found = _DURATION.fullmatch("".join(text.split()).lower())
    seconds = sum(
        float(part) * unit
        for part, unit in zip(found.groups() if found else (), _UNITS.values(), strict=False)
        if part
    )
    if not 0 < seconds < float("inf"):
        raise DataError(
            sentence(
                "budget",
                expected="a time such as 90s, 5m or 1h30m",
                got=repr(text),
                remedy="write a number with its unit: h, m or s",
            )
        )
    return seconds


def spoken(seconds: float) -> str:
    """A forecast in words: "40 s", "3 min", "2.5 h"."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


@dataclass(frozen=True)
class Cost:
    """Seconds that a probe measured, on one worker while the others work too. Never written down."""

    training: Mapping[str, float]  # by label: one training over all its epochs
    anchors: float  # the simple models of one split

    def of(self, choice: Choice, workers: int, comparisons: int = 1) -> float:
        """What a choice will take: `comparisons` counts the levels of robustness sweeps and the clean one."""
        per_split = len(choice.rates) * choice.seeds * sum(self.training[label] for label in choice.trained)
        trainings = comparisons * choice.splits * per_split * (1 + WIDENING)
        return (trainings + choice.splits * self.anchors) / workers


@dataclass(frozen=True)
class Choice:
    """What of a full plan is run."""

    splits: int
    seeds: int
    rates: tuple[float, ...]
    trained: tuple[str, ...]  # labels of losses that need trainings of their own
    losses: tuple[str, ...]  # labels of all candidates


def chosen(plan: Plan) -> Choice:
    """What a plan runs."""
    return Choice(
        plan.settings.splits,
        plan.settings.seeds,
        plan.settings.rates,
        tuple(each.label for each in plan.trained),
        tuple(each.label for each in plan.candidates),
    )


def fitted(
    plan: Plan,
    cost: Cost,
    seconds: float,
    *,
    n_test: int,
    n_rest: int,
    workers: int = 1,
    comparisons: int = 1,
) -> Choice:
    """The part of a full plan that fits into `seconds` and loses least. Raises DataError where nothing does."""
    full = chosen(plan)
    room = TRAININGS * seconds
    for rates, losses in _narrowed(plan):
        fits = [
            choice for choice in _counts(full, rates, losses) if cost.of(choice, workers, comparisons) <= room
        ]
        if fits:
            return min(fits, key=lambda each: (reach(each, full, n_test, n_rest), -each.splits, -each.seeds))
    least = min(cost.of(choice, workers, comparisons) for choice in _counts(full, rates, losses))
    raise DataError(
        sentence(
            "budget",
            expected=f"about {spoken(least / TRAININGS)} at least, for {len(losses[1])} losses at "
            f"{len(rates)} rates",
            got=f"room for trainings of {spoken(seconds)}",
            remedy="raise it, or name fewer --losses",
        )
    )


def reach(choice: Choice, full: Choice, n_test: int, n_rest: int) -> float:
    """The detectable difference of a choice, as a multiple of that of the full plan."""

    def one(each: Choice) -> float:
        deviation = Spread(1.0, (SEED_SHARE * MEASURED_SEEDS) ** 0.5, MEASURED_SEEDS).with_seeds(each.seeds)
        level = 0.05 / max(1, len(each.losses) - 1)
        return detectable(deviation, each.splits, n_test, n_rest, level=level)

    return one(choice) / one(full)


def left_out(choice: Choice, full: Choice, budget: str, before: str, after: str) -> str:
    """One sentence: what the budget left out, and what that costs. `before` and `after` are detectable differences."""
    parts = [
        f"{len(full.losses) - len(choice.losses)} of {len(full.losses)} losses "
        f"({', '.join(label for label in full.losses if label not in choice.losses)})"
        if len(choice.losses) < len(full.losses)
        else "",
        f"{full.splits - choice.splits} of {full.splits} splits" if choice.splits < full.splits else "",
        f"{full.seeds - choice.seeds} of {full.seeds} seeds" if choice.seeds < full.seeds else "",
        f"{len(full.rates) - len(choice.rates)} of {len(full.rates)} rates"
        if len(choice.rates) < len(full.rates)
        else "",
    ]
    named = [part for part in parts if part]
    if not named:
        return f"the budget of {budget} left nothing out"
    listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    rises = "" if before == after else f"; the detectable difference rises from {before} to {after}"
    return f"the budget of {budget} left out {listed}{rises}"


def _counts(
    full: Choice, rates: tuple[float, ...], losses: tuple[tuple[str, ...], tuple[str, ...]]
) -> Iterator[Choice]:
    """Every number of splits and seeds from the least to what was asked for."""
    splits = range(min(LEAST_SPLITS, full.splits), full.splits + 1)
    seeds = range(min(LEAST_SEEDS, full.seeds), full.seeds + 1)
    for many, several in product(splits, seeds):
        yield Choice(many, several, rates, *losses)


def _narrowed(plan: Plan) -> Iterator[tuple[tuple[float, ...], tuple[tuple[str, ...], tuple[str, ...]]]]:
    """Rates and losses (those trained, all candidates) in the order they give way: full, thinned, ever fewer losses."""
    full = chosen(plan)
    every = (full.trained, full.losses)
    yield full.rates, every
    # Every other rate: the same range, one decade apart.
    rates = full.rates[::2] if len(full.rates) // 2 >= LEAST_RATES else full.rates
    if rates != full.rates:
        yield rates, every
    if plan.settings.losses:
        return  # those asked for are all compared
    reference = plan.settings.reference
    for count in range(len(plan.candidates) - 1, LEAST_LOSSES - 1, -1):
        ordered = [each for each in plan.candidates if each.label != reference and each.judged]
        kept = {reference, *(each.label for each in ordered[: count - 1])}
        labels = tuple(label for label in full.losses if label in kept)
        if len(labels) < count:
            continue
        trained = {plan.trained_as(each) for each in plan.candidates if each.label in kept}
        yield rates, (tuple(label for label in full.trained if label in trained), labels)
