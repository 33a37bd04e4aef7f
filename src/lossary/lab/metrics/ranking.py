"""Metrics of order: any increasing transformation of the scores leaves them as they are."""

from __future__ import annotations

import torch
from torch import Tensor

from lossary.lab.metrics.metric import Formula, margin

SLACK = 1e-12  # relative: a sum of weights may pass a share of their total by its rounding


def roc_auc(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Probability that a positive outscores a negative, ties half; several classes: the mean over them."""
    return _over_classes(roc_area, outputs, target, measure)


def pr_auc(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Average precision: the precision at each positive's score, averaged over them (no interpolation)."""
    return _over_classes(average_precision, outputs, target, measure)


def tpr_at_fpr(rate: float) -> Formula:
    """The formula of the greatest share of positives found by a cut that takes at most `rate` of the negatives.

    The cut is chosen on the rows that are scored. NaN where either class is missing.
    """

    def formula(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
        below, _, hits, total, reached = _from_above(margin(outputs), target == 1, measure)
        allowed = (total[..., None] - below) <= rate * total[..., None] * (1 + SLACK)
        best = torch.where(allowed, reached, 0.0).amax(-1) / hits.sum(-1)
        return torch.where(total > 0, best, torch.nan)

    return formula


def cut_at_fpr(outputs: Tensor, target: Tensor, measure: Tensor, rate: float) -> Tensor:
    """The least score (...) above which lie at most `rate` of the negatives; NaN where there are none, or a NaN.

    It is a negative's own score: what scores more is called positive.
    """
    score = margin(outputs)
    order, index = score.contiguous().sort(-1)
    weights = torch.where(target == 1, 0.0, measure).gather(-1, index)
    total = weights.sum(-1, keepdim=True)
    above = _after(weights, order)
    fits = (above <= rate * total * (1 + SLACK)) & (weights > 0)
    least = torch.where(fits, order, torch.inf).amin(-1)
    sound = (total[..., 0] > 0) & ~(score.isnan() & (measure > 0)).any(-1)
    return torch.where(sound, least, torch.nan)


def roc_area(score: Tensor, positive: Tensor, measure: Tensor) -> Tensor:
    """The area of one class's scores (..., N); NaN where all rows or none are positive."""
    below, upto, hits, total = _negatives_around(score, positive, measure)
    wins = (hits * (below + upto) / 2).sum(-1)
    return wins / (hits.sum(-1) * total)


def average_precision(score: Tensor, positive: Tensor, measure: Tensor) -> Tensor:
    """The average precision of one class's scores (..., N); NaN where none is positive."""
    below, _, hits, total, reached = _from_above(score, positive, measure)
    chosen = reached + total[..., None] - below
    precision = torch.where(chosen > 0, reached / torch.where(chosen > 0, chosen, 1.0), 0.0)
    return (hits * precision).sum(-1) / hits.sum(-1)


def _from_above(
    score: Tensor, positive: Tensor, measure: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """As `_negatives_around`; and the positive weight that scores as much as each row or more, ties together."""
    below, upto, hits, total = _negatives_around(score, positive, measure)
    order = score.sort(-1).values
    start = torch.searchsorted(order, order, right=False)
    reached = hits.sum(-1, keepdim=True) - _before(hits).gather(-1, start)
    return below, upto, hits, total, reached


def _negatives_around(
    score: Tensor, positive: Tensor, measure: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """In the order of the scores: negative weight below and up to each, positive weight; all negatives."""
    order, index = score.contiguous().sort(-1)
    hits = torch.where(positive, measure, 0.0).gather(-1, index)
    misses = torch.where(positive, 0.0, measure).gather(-1, index)
    cumulative = _before(misses)
    below = cumulative.gather(-1, torch.searchsorted(order, order, right=False))
    upto = cumulative.gather(-1, torch.searchsorted(order, order, right=True))
    return below, upto, hits, misses.sum(-1)


def _after(weights: Tensor, order: Tensor) -> Tensor:
    """The weight that scores strictly more than each, in the order of the scores."""
    upto = _before(weights).gather(-1, torch.searchsorted(order, order, right=True))
    return weights.sum(-1, keepdim=True) - upto


def _before(weights: Tensor) -> Tensor:
    """Cumulative weight with a 0 in front (..., N + 1): entry i is what stands before position i."""
    return torch.nn.functional.pad(weights.cumsum(-1), (1, 0))


def _over_classes(area: Formula, outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    if outputs.shape[-1] <= 2:
        return area(margin(outputs), target == 1, measure)
    # A class's own column ranks rows only once the others are divided out.
    probabilities = outputs.softmax(-1)
    columns = [area(probabilities[..., c], target == c, measure) for c in range(outputs.shape[-1])]
    return torch.stack(columns).mean(0)
