"""Which learning rate a loss gets on a split: the best on validation by the metric that decides, seeds averaged.

Ties are broken by the calibrated log-loss (or the mean absolute error), then by the smaller rate. The test rows
have no part in it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Trained:
    """What the ledger keeps of every training; the outputs are kept for the chosen rates alone."""

    key: str
    label: str
    split: int
    rate: float
    seed: int
    score: float  # the metric on validation, at the chosen epoch
    train: float  # and on the training rows
    tie: float  # calibrated log-loss or mean absolute error there; less is better
    epoch: int
    curve: tuple[float, ...]
    diverged: str | None


def best_rate(trained: Sequence[Trained], *, greater_is_better: bool) -> float:
    """The rate of one loss on one split (or, with the trainings of all splits, the best overall)."""
    by_rate = grouped(trained, lambda each: each.rate)

    def rank(rate: float) -> tuple[float, float, float]:
        members = by_rate[rate]
        score = mean(each.score for each in members)
        return (
            _worst_if_nan(-score if greater_is_better else score),
            _worst_if_nan(mean(each.tie for each in members)),
            rate,
        )

    return min(by_rate, key=rank)


def still_rising(trained: Sequence[Trained], best: float, *, greater_is_better: bool) -> bool:
    """Whether `best` is better than every other rate of one loss by more than the noise of that comparison.

    On a plateau the best of many equal rates often lies at an edge by chance alone, and a wider grid would only buy
    more chances. So: the mean over splits of (best - other), seeds averaged, exceeds its standard error.
    """
    sign = 1.0 if greater_is_better else -1.0
    by_rate = {
        rate: [mean(t.score for t in each) for each in grouped(members, lambda t: t.split).values()]
        for rate, members in grouped(trained, lambda t: t.rate).items()
    }
    return all(
        _exceeds([sign * (mine - its) for mine, its in zip(by_rate[best], other, strict=True)])
        for rate, other in by_rate.items()
        if rate != best
    )


def _exceeds(differences: Sequence[float]) -> bool:
    if not all(map(math.isfinite, differences)):
        return True  # the other rate diverges: what there is points beyond
    centre = mean(differences)
    spread = math.sqrt(math.fsum((each - centre) ** 2 for each in differences) / (len(differences) - 1))
    return centre > spread / math.sqrt(len(differences))


def chosen_rates(trained: Sequence[Trained], *, greater_is_better: bool) -> dict[tuple[str, int], float]:
    """(label, split) -> rate."""
    blocks = grouped(trained, lambda each: (each.label, each.split))
    return {name: best_rate(block, greater_is_better=greater_is_better) for name, block in blocks.items()}


def grouped(trained: Iterable[Trained], key: Callable[[Trained], K]) -> dict[K, list[Trained]]:
    """The trainings by key, keys and members in the order they come."""
    groups: dict[K, list[Trained]] = defaultdict(list)
    for each in trained:
        groups[key(each)].append(each)
    return dict(groups)


def mean(values: Iterable[float]) -> float:
    """The mean, summed exactly, so that it does not depend on the order of the trainings."""
    listed = list(values)
    return math.fsum(listed) / len(listed) if all(map(math.isfinite, listed)) else math.nan


def _worst_if_nan(value: float) -> float:
    return math.inf if math.isnan(value) else value
