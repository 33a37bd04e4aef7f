"""How a loss trained: its score at every rate, the rates that are usable, its curve by epoch, its convergence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import fsum, log10

import numpy as np
from numpy.typing import NDArray

from lossary.lab.comparison import Convergence, Curve, RatePoint
from lossary.lab.training.choose import Trained, grouped, mean

Values = NDArray[np.float64]

# Of the way from the constant prediction to the best level any loss reached (WORKBENCH, "Convergence").
NEAR_BEST = 0.95


def rate_points(
    trained: Sequence[Trained], chosen: Mapping[int, float], units: Mapping[int, float]
) -> tuple[RatePoint, ...]:
    """One loss by rate. `chosen`: split -> rate; `units`: split -> what a validation score is multiplied by."""
    points = []
    for rate, members in sorted(grouped(trained, lambda each: each.rate).items()):
        scores = [each.score * units[each.split] for each in members]
        finite = all(np.isfinite(scores))
        points.append(
            RatePoint(
                rate=rate,
                score=mean(scores),
                spread=float(np.std(scores, ddof=1)) if finite and len(scores) > 1 else 0.0,
                diverged=sum(each.diverged is not None for each in members),
                trainings=len(members),
                chosen=sum(picked == rate for picked in chosen.values()),
            )
        )
    return tuple(points)


def usable(
    points: Sequence[RatePoint], region: float, *, greater_is_better: bool
) -> tuple[float, float] | None:
    """The widest run of neighbouring rates, through the best one, whose mean score is within `region` of the best.

    A rate at which some training diverged is not usable, however good its last good epoch was.
    """
    sign = 1.0 if greater_is_better else -1.0
    sound = [np.isfinite(point.score) and not point.diverged for point in points]
    if not any(sound):
        return None
    best = max(
        (point for point, fit in zip(points, sound, strict=True) if fit),
        key=lambda point: (sign * point.score, -point.rate),
    )
    good = [fit and sign * (best.score - p.score) <= region for p, fit in zip(points, sound, strict=True)]
    at = points.index(best)
    low = high = at
    while low > 0 and good[low - 1]:
        low -= 1
    while high < len(points) - 1 and good[high + 1]:
        high += 1
    return points[low].rate, points[high].rate


def decades(span: tuple[float, float] | None) -> float:
    """The width of a range of rates in powers of ten."""
    return 0.0 if span is None else log10(span[1] / span[0])


def curve(trained: Sequence[Trained], units: Mapping[int, float]) -> Curve:
    """The validation metric by epoch over the trainings at the chosen rates; a training that ended early drops out."""
    longest = max((len(each.curve) for each in trained), default=0)
    means, lows, highs = [], [], []
    for epoch in range(longest):
        values = np.array([t.curve[epoch] * units[t.split] for t in trained if len(t.curve) > epoch])
        low, high = np.quantile(values, [0.1, 0.9])
        means.append(fsum(values) / len(values))
        lows.append(float(low))
        highs.append(float(high))
    return Curve(tuple(means), tuple(lows), tuple(highs))


def common_targets(
    by_loss: Mapping[str, Sequence[Trained]], constant: Mapping[int, float], *, greater_is_better: bool
) -> dict[int, float]:
    """Per split, the level every loss must reach: 95 % of the way from the constant's score to the best loss's.

    A loss's level on a split is the mean over seeds of its best validation score. Both in the engine's unit.
    """
    sign = 1.0 if greater_is_better else -1.0
    levels: dict[int, list[float]] = {}
    for trained in by_loss.values():
        for split, members in grouped(trained, lambda each: each.split).items():
            levels.setdefault(split, []).append(mean(each.score for each in members))
    targets = {}
    for split, reached in levels.items():
        finite = [level for level in reached if np.isfinite(level)]
        best = max(finite, key=lambda level: sign * level) if finite else constant[split]
        targets[split] = constant[split] + NEAR_BEST * (best - constant[split])
    return targets


def convergence(
    trained: Sequence[Trained], targets: Mapping[int, float], epochs: int, *, greater_is_better: bool
) -> Convergence:
    """First epoch from which the metric stays at the target. Censored trainings count as `epochs` (restricted mean)."""
    sign = 1.0 if greater_is_better else -1.0
    first = [_arrival(each.curve, targets[each.split], sign) for each in trained]
    arrived = [epoch for epoch in first if epoch is not None]
    if not arrived:
        return Convergence(None, 0.0)
    restricted = [epochs if epoch is None else epoch for epoch in first]
    return Convergence(fsum(restricted) / len(restricted), len(arrived) / len(first))


def _arrival(course: Sequence[float], target: float, sign: float) -> int | None:
    stays = None
    for epoch, value in enumerate(course, start=1):
        if sign * (value - target) < 0:
            stays = None
        elif stays is None:
            stays = epoch
    return stays


def reasons(trained: Sequence[Trained]) -> tuple[str, ...]:
    """Why trainings diverged, most frequent first."""
    said = Counter(each.diverged for each in trained if each.diverged is not None)
    return tuple(reason for reason, _ in sorted(said.items(), key=lambda item: (-item[1], item[0])))
