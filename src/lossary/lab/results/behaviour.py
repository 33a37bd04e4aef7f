"""How a loss's networks behave on the test rows: calibration, decisions, residuals. For the report's pictures."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
import torch

from lossary.lab.comparison import Calibration, Confusion
from lossary.lab.metrics.decisions import confusion as counted
from lossary.lab.results.tested import in_units, tuned
from lossary.lab.running.store import Outputs
from lossary.lab.training.rows import Rows

BINS = 10
Z = 1.959964  # two-sided 95 % of the normal distribution, for Wilson's interval
QUANTILES = 101  # of the residuals: every percent, ends included


def calibration(by_split: Sequence[Outputs], rows: Rows, *, probabilities: bool) -> Calibration:
    """Reliability of the positive class's probability, all splits and seeds together.

    All seeds of a split judge the same rows, and a row is tested in several splits, so the band counts every row
    once however often it was judged. Shares are of rows: a weight column has no part in them.
    """
    seeds = len(by_split[0].test)
    repeats = max(1.0, sum(each.test.shape[1] for each in by_split) / rows.table.rows)
    stated, happened = [], []
    for each in by_split:
        outputs = torch.from_numpy(each.test).double() if probabilities else tuned(each, rows)
        target, _ = rows.truth(each.split)
        stated.append(torch.sigmoid(outputs[..., 0]).flatten().numpy())
        happened.append(target.double().expand(seeds, -1).flatten().numpy())
    probability, outcome = np.concatenate(stated), np.concatenate(happened)
    bins = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    points = []
    for place in range(BINS):
        inside = bins == place
        if inside.any():
            share, count = float(outcome[inside].mean()), int(inside.sum())
            low, high = wilson(share, count / (seeds * repeats))
            points.append((float(probability[inside].mean()), share, count, low, high))
    predicted, observed, counts, lows, highs = zip(*points, strict=True)
    return Calibration(predicted, observed, counts, lows, highs, tempered=not probabilities)


def wilson(share: float, count: float) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927): inside [0, 1], and sensible for few rows."""
    centre = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    half = Z / (1 + Z**2 / count) * sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def confusion(by_split: Sequence[Outputs], rows: Rows) -> Confusion:
    """Decisions at each loss's natural rule, as shares of each true class, over all splits and seeds."""
    total = np.zeros((len(rows.task.levels),) * 2)
    for each in by_split:
        target, weight = rows.truth(each.split)
        outputs = torch.from_numpy(each.test).double()
        measure = torch.ones(len(target), dtype=torch.float64) if weight is None else weight
        lead = outputs.shape[:-1]
        total += counted(outputs, target.expand(lead), measure.expand(lead)).sum(0).numpy()
    shares = total / np.maximum(total.sum(axis=1, keepdims=True), 1e-300)
    return Confusion(rows.task.levels, tuple(map(tuple, shares.tolist())))


def residuals(by_split: Sequence[Outputs], rows: Rows) -> tuple[float, ...]:
    """101 quantiles of prediction minus target on the test rows, in the target's unit."""
    errors = [
        (in_units(each.test, rows, each.split)[..., 0] - rows.truth(each.split)[0]).flatten().numpy()
        for each in by_split
    ]
    joined = np.concatenate(errors)
    finite = joined[np.isfinite(joined)]
    return tuple(np.quantile(finite, np.linspace(0, 1, QUANTILES)).tolist()) if len(finite) else ()
