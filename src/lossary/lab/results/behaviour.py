"""How a loss's networks behave on the test rows: calibration, decisions, residuals. For the report's pictures."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
import torch

from lossary.lab.asking.task import Kind
from lossary.lab.behaving import SizedResiduals
from lossary.lab.comparison import Calibration, Confusion
from lossary.lab.metrics.decisions import decide, tallied
from lossary.lab.metrics.ranks import median_rank
from lossary.lab.results.tested import Values, in_units, tuned
from lossary.lab.running.store import Outputs
from lossary.lab.training.calibrate import flattened
from lossary.lab.training.rows import Rows

BINS = 10
Z = 1.959964  # two-sided 95 % of the normal distribution, for Wilson's interval
QUANTILES = 101  # of the residuals: every percent, ends included
TENTHS = 10  # of the predictions, by size
WIDE = (Kind.MULTILABEL, Kind.SEGMENTATION)
DECIDED = (Kind.BINARY, Kind.MULTICLASS, Kind.ORDINAL)


def calibration(by_split: Sequence[Outputs], rows: Rows, *, probabilities: bool) -> Calibration | None:
    """Reliability of the positive class's probability, all splits and seeds together; of all labels, of pixels.

    All seeds of a split judge the same rows, and a row is tested in several splits, so the band counts every row
    once however often it was judged. Shares are of rows: a weight column has no part in them. None for kinds
    without a probability of one thing.
    """
    kind = rows.task.kind
    if kind is not Kind.BINARY and kind not in WIDE:
        return None
    seeds = len(by_split[0].test)
    repeats = max(1.0, sum(each.test.shape[1] for each in by_split) / rows.table.rows)
    stated, happened = [], []
    for each in by_split:
        outputs = torch.from_numpy(each.test).double() if probabilities else tuned(each, rows)
        target = rows.truth(each.split)[0][None]
        if kind in WIDE:
            outputs, target, _ = flattened(outputs, target, None)
        stated.append(torch.sigmoid(outputs[..., 0]).flatten().numpy())
        happened.append(target.double().expand(seeds, -1).flatten().numpy())
    probability, outcome = np.concatenate(stated), np.concatenate(happened)
    finite = np.isfinite(probability)  # a training that came to nothing says nothing
    probability, outcome = probability[finite], outcome[finite]
    bins = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    points = []
    for place in range(BINS):
        inside = bins == place
        if inside.any():
            share, count = float(outcome[inside].mean()), int(inside.sum())
            low, high = wilson(share, count / (seeds * repeats))
            points.append((float(probability[inside].mean()), share, count, low, high))
    if not points:
        return None
    predicted, observed, counts, lows, highs = zip(*points, strict=True)
    return Calibration(predicted, observed, counts, lows, highs, tempered=not probabilities)


def wilson(share: float, count: float) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927): inside [0, 1], and sensible for few rows."""
    centre = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    half = Z / (1 + Z**2 / count) * sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def confusion(by_split: Sequence[Outputs], rows: Rows) -> Confusion | None:
    """Decisions at each loss's natural rule, as shares of each true class, over all splits and seeds.

    Of ordered classes the median of the predicted distribution decides. None for kinds without such a decision.
    """
    if rows.task.kind not in DECIDED:
        return None
    rule = median_rank if rows.task.kind is Kind.ORDINAL else decide
    classes = len(rows.task.levels)
    total = np.zeros((classes,) * 2)
    for each in by_split:
        target, weight = rows.truth(each.split)
        outputs = torch.from_numpy(each.test).double()
        measure = torch.ones(len(target), dtype=torch.float64) if weight is None else weight
        lead = outputs.shape[:-1]
        counts = tallied(rule(outputs), target.expand(lead), measure.expand(lead), classes)
        total += counts.sum(0).numpy()
    shares = total / np.maximum(total.sum(axis=1, keepdims=True), 1e-300)
    return Confusion(rows.task.levels, tuple(map(tuple, shares.tolist())))


def residuals(by_split: Sequence[Outputs], rows: Rows) -> tuple[float, ...]:
    """101 quantiles of prediction minus target on the test rows, in the target's unit; none but for numbers."""
    if not rows.task.kind.numbers:
        return ()
    _, errors = _predicted(by_split, rows)
    return tuple(np.quantile(errors, np.linspace(0, 1, QUANTILES)).tolist()) if len(errors) else ()


def residuals_by_size(by_split: Sequence[Outputs], rows: Rows) -> SizedResiduals | None:
    """Mean and middle 80 % of prediction minus target, by tenths of the prediction; None but for numbers.

    Predictions that are equal stay in one tenth, so there may be fewer than ten.
    """
    if not rows.task.kind.numbers:
        return None
    predicted, errors = _predicted(by_split, rows)
    if not len(errors):
        return None
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, TENTHS + 1)[1:-1]))
    tenths = np.searchsorted(edges, predicted, side="left")
    found = []
    for tenth in np.unique(tenths):
        inside = tenths == tenth
        low, high = np.quantile(errors[inside], [0.1, 0.9]).tolist()
        mean = float(errors[inside].mean())
        found.append((float(predicted[inside].mean()), mean, low, high, int(inside.sum())))
    sizes, means, lows, highs, counts = zip(*found, strict=True)
    return SizedResiduals(sizes, means, lows, highs, counts)


def _predicted(by_split: Sequence[Outputs], rows: Rows) -> tuple[Values, Values]:
    """Predictions and how far they are above the target, where both are finite, of all splits and seeds."""
    predicted = [in_units(each.test, rows, each.split)[..., 0] for each in by_split]
    errors = [
        (values - rows.truth(each.split)[0]).flatten()
        for values, each in zip(predicted, by_split, strict=True)
    ]
    size, error = torch.cat([each.flatten() for each in predicted]).numpy(), torch.cat(errors).numpy()
    finite = np.isfinite(error)
    return size[finite], error[finite]
