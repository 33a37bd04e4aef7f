"""Cuts chosen on rows whose answers may be seen: validation. What scores more than the cut is called positive."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import torch
from torch import Tensor

from lossary.lab.metrics.metric import Formula, margin, ratio
from lossary.lab.metrics.platt import platt

# Beyond any score, yet a number that can be subtracted from one: everything is positive below it, nothing above.
BEYOND = 1e300

Gain = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]  # hits, false alarms, positives, negatives


def accuracy(hits: Tensor, false: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """Share of rows decided rightly."""
    return (hits + negatives - false) / (positives + negatives)


def balanced_accuracy(hits: Tensor, false: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """Mean of the two shares decided rightly; a class that is missing has no say."""
    classes = (positives > 0).to(hits.dtype) + (negatives > 0).to(hits.dtype)
    return (ratio(hits, positives) + ratio(negatives - false, negatives)) / classes


def f1(hits: Tensor, false: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """Harmonic mean of precision and recall."""
    return ratio(2 * hits, positives + hits + false)


#: Metrics shown at the natural rule and at a cut tuned on validation too, by kind of target.
TUNED: dict[str, dict[str, Gain]] = {
    "binary": {"accuracy": accuracy, "balanced_accuracy": balanced_accuracy, "f1": f1},
    "multilabel": {"micro_f1": f1},
}


def best_cut(scores: Tensor, target: Tensor, measure: Tensor, gain: Gain) -> Tensor:
    """The cut (...) with the greatest gain on scores (..., N) and targets of 0 and 1; NaN where a score is NaN.

    Cuts lie midway between neighbouring scores, and at 0 where 0 lies between the same two. Of cuts that gain as
    much, the one nearest to 0, the natural rule: rows that do not ask for another leave it alone.
    """
    counts = measure > 0
    least = torch.where(counts, scores, torch.inf).amin(-1, keepdim=True)
    order, index = torch.where(counts, scores, least).contiguous().sort(-1, descending=True)
    positive = torch.where(target > 0, measure, 0.0).gather(-1, index)
    negative = torch.where(target > 0, 0.0, measure).gather(-1, index)
    hits, false = _upto(positive), _upto(negative)
    gains = gain(hits, false, hits[..., -1:], false[..., -1:])
    above = torch.nn.functional.pad(order, (1, 0), value=BEYOND)
    below = torch.nn.functional.pad(order, (0, 1), value=-BEYOND)
    middle = torch.where(below <= -BEYOND, -BEYOND, torch.where(above >= BEYOND, BEYOND, (above + below) / 2))
    cuts = torch.where((above > 0) & (below <= 0), 0.0, middle)
    gains = torch.where(above > below, gains, -torch.inf)  # rows that tie stay together
    best = gains >= gains.amax(-1, keepdim=True) - 1e-12  # sums of weights that differ by their rounding
    nearest = torch.where(best, cuts.abs(), torch.inf).argmin(-1, keepdim=True)
    blank = (scores.isnan() & counts).any(-1)
    return torch.where(blank, torch.nan, cuts.gather(-1, nearest)[..., 0])


def cost_cut(fn: float, fp: float) -> Formula:
    """Chooses the cut with the least expected cost: where the calibrated probability is fp / (fp + fn)."""

    def cut(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
        scale, offset = platt(margin(outputs), target, measure)
        level = natural_cost_cut(fn, fp) - offset
        # Where no score is likelier than another all rows are decided alike.
        return torch.where(scale > 0, level / torch.where(scale > 0, scale, 1.0), BEYOND * level.sign())

    return cut


def natural_cost_cut(fn: float, fp: float) -> float:
    """The logit beyond which a row is called positive where outputs are log-odds already."""
    return log(fp) - log(fn)


def _upto(weights: Tensor) -> Tensor:
    return torch.nn.functional.pad(weights.cumsum(-1), (1, 0))
