"""What a detector finds at every price: the share found by the share of false alarms, and the precision by recall."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lossary.lab.behaving import Tradeoff
from lossary.lab.running.store import Outputs
from lossary.lab.training.rows import Rows

Values = NDArray[np.float64]

PRICES = tuple(round(0.01 * at, 2) for at in (*range(11), *range(15, 105, 5)))  # false positive rates
FOUND = tuple(round(0.05 * at, 2) for at in range(1, 21))  # recalls
BAND = (0.1, 0.9)  # quantiles over the trainings


def tradeoff(by_split: Sequence[Outputs], rows: Rows) -> Tradeoff | None:
    """Of the first output as a score, greater is more suspicious; None where no training has a score everywhere."""
    found, precise = [], []
    for each in by_split:
        truth = rows.truth(each.split)[0].numpy() > 0
        for scores in each.test[..., 0]:
            if np.isfinite(scores).all() and truth.any() and not truth.all():
                hits, alarms = _steps(scores, truth)
                found.append(_found_at(hits, alarms))
                precise.append(_precision_at(hits, alarms))
    if not found:
        return None
    tpr, precision = np.array(found), np.array(precise)
    return Tradeoff(PRICES, *_band(tpr), FOUND, *_band(precision))


def _steps(scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> tuple[Values, Values]:
    """Hits and false alarms at every cut, from the most suspicious row on; equal scores are cut together."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(truth[order])[ends]
    return np.append(0, hits).astype(np.float64), np.append(0, ends + 1 - hits).astype(np.float64)


def _found_at(hits: Values, alarms: Values) -> Values:
    """The share found at the loosest cut whose share of false alarms does not exceed each price."""
    allowed = np.array(PRICES) * alarms[-1]
    found: Values = hits[np.searchsorted(alarms, allowed + 1e-9, side="right") - 1] / hits[-1]
    return found


def _precision_at(hits: Values, alarms: Values) -> Values:
    """The precision at the tightest cut that finds each share."""
    at = np.searchsorted(hits, np.array(FOUND) * hits[-1] - 1e-9, side="left")
    precision: Values = hits[at] / (hits[at] + alarms[at])
    return precision


def _band(values: Values) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    low, high = np.quantile(values, BAND, axis=0)
    return tuple(values.mean(0).tolist()), tuple(low.tolist()), tuple(high.tolist())
