"""Metrics of order: any increasing transformation of the scores leaves them as they are."""

from __future__ import annotations

import torch
from torch import Tensor

from lossary.lab.metrics.metric import Formula, margin


def roc_auc(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Probability that a positive outscores a negative, ties half; several classes: the mean over them."""
    return _over_classes(_roc_area, outputs, target, measure)


def pr_auc(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Average precision: the precision at each positive's score, averaged over them (no interpolation)."""
    return _over_classes(_average_precision, outputs, target, measure)


def _roc_area(score: Tensor, positive: Tensor, measure: Tensor) -> Tensor:
    below, upto, hits, total = _negatives_around(score, positive, measure)
    wins = (hits * (below + upto) / 2).sum(-1)
    return wins / (hits.sum(-1) * total)


def _average_precision(score: Tensor, positive: Tensor, measure: Tensor) -> Tensor:
    below, _, hits, total = _negatives_around(score, positive, measure)
    # Reversed, the sorted positives that score as much as this one or more, so that ties enter together.
    order = score.sort(-1).values
    start = torch.searchsorted(order, order, right=False)
    reached = hits.sum(-1, keepdim=True) - _before(hits).gather(-1, start)
    false = total[..., None] - below
    chosen = reached + false
    precision = torch.where(chosen > 0, reached / torch.where(chosen > 0, chosen, 1.0), 0.0)
    return (hits * precision).sum(-1) / hits.sum(-1)


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


def _before(weights: Tensor) -> Tensor:
    """Cumulative weight with a 0 in front (..., N + 1): entry i is what stands before position i."""
    return torch.nn.functional.pad(weights.cumsum(-1), (1, 0))


def _over_classes(area: Formula, outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    if outputs.shape[-1] <= 2:
        return area(margin(outputs), target == 1, measure)
    probabilities = outputs.softmax(
        -1
    )  # a class's own column ranks rows only once the others are divided out
    columns = [area(probabilities[..., c], target == c, measure) for c in range(outputs.shape[-1])]
    return torch.stack(columns).mean(0)
