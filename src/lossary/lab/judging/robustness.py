"""What a loss keeps of its score as the rows it learns from get worse: a curve by level, and the area under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import trapezoid

from lossary.lab.judging.statistics import estimate

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean over splits (seeds averaged) with its corrected 95 % interval; NaN where a training has no score."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class RobustCurve:
    """One loss: its test score at every level, on clean rows, in the metric's unit."""

    label: str
    judged: bool
    points: tuple[Interval, ...]  # in the order of the levels
    area: Interval  # the mean score over the range of levels, by the trapezoid rule
    against: Interval | None  # its area minus the reference's, paired by split; None for the reference


@dataclass(frozen=True)
class Robustness:
    """One way of spoiling the training and validation rows. Descriptive: no verdict rests on it."""

    way: str  # "noise", "outliers" or "imbalance"
    title: str  # of the horizontal axis: "wrong labels among the rows learned from"
    levels: tuple[float, ...]  # shares; the first is that of the clean comparison
    metric: str
    reference: str
    curves: tuple[RobustCurve, ...]  # in the order of the candidates
    notes: tuple[str, ...]

    def curve(self, label: str) -> RobustCurve:
        """The curve of one loss by its label."""
        return next(each for each in self.curves if each.label == label)


TITLES = {
    "noise": "wrong labels among the rows learned from",
    "outliers": "gross outliers among the targets learned from",
    "imbalance": "rows of the smallest class among those learned from",
}


def robustness(
    way: str,
    levels: Sequence[float],
    scores: Mapping[str, Values],
    *,
    metric: str,
    reference: str,
    judged: Mapping[str, bool],
    n_test: int,
    n_rest: int,
    limits: tuple[float, float] = (-inf, inf),
    notes: Sequence[str] = (),
) -> Robustness:
    """`scores` by label, (levels, splits), seeds averaged; the first level is the clean comparison.

    `limits` are what no score of the metric exceeds, so no interval does.
    """

    def interval(by_split: Values, low: float = -inf, high: float = inf) -> Interval:
        if not np.isfinite(by_split).all():
            return Interval(nan, nan, nan)
        found = estimate(by_split, n_test=n_test, n_rest=n_rest)
        ends = found.interval()
        return Interval(found.mean, max(ends[0], low), min(ends[1], high))

    areas = {label: area(levels, values) for label, values in scores.items()}
    curves = tuple(
        RobustCurve(
            label,
            judged[label],
            tuple(interval(row, *limits) for row in values),
            interval(areas[label], *limits),
            None if label == reference else interval(areas[label] - areas[reference]),
        )
        for label, values in scores.items()
    )
    return Robustness(way, TITLES[way], tuple(levels), metric, reference, curves, tuple(notes))


def area(levels: Sequence[float], values: Values) -> Values:
    """The area under (levels, splits) over the range of levels, by split: a score in the metric's own unit."""
    order = np.argsort(levels)
    x = np.asarray(levels, dtype=np.float64)[order]
    found: Values = trapezoid(values[order], x, axis=0) / (x[-1] - x[0])
    return found


def sentence_of(found: Robustness, title: str, greater_is_better: bool) -> str:
    """Which losses keep more of their score than the reference, by the intervals of the areas. Not a verdict."""
    sign = 1.0 if greater_is_better else -1.0
    ahead, behind = [], []
    for each in found.curves:
        if each.against is None or not each.judged or not isfinite(each.against.mean):
            continue
        ends = sorted((sign * each.against.low, sign * each.against.high))
        ahead += [each.label] if ends[0] > 0 else []
        behind += [each.label] if ends[1] < 0 else []
    if not ahead and not behind:
        return f"Over these levels the {title} of no loss lies apart from {found.reference}'s (descriptive)."
    parts = [
        f"{_listed(names)} {'lie' if len(names) > 1 else 'lies'} {where} {found.reference}"
        for names, where in ((ahead, "ahead of"), (behind, "behind"))
        if names
    ]
    return f"Over these levels, by {title}, {' and '.join(parts)} (descriptive, not tested)."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
