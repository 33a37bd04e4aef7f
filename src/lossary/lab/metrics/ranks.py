"""Metrics of ordered classes: outputs (..., N, K) are log-probabilities or logits, the target is the class's rank.

One rank is read off a predicted distribution by its median, which an absolute error rewards; the greatest column,
which accuracy reads, may lie far from it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lossary.lab.metrics.decisions import tallied
from lossary.lab.metrics.metric import average

SLACK = 1e-12  # a sum of probabilities may miss one half by its rounding


def median_rank(outputs: Tensor) -> Tensor:
    """The least rank (..., N) at which the distribution holds one half."""
    reached = outputs.softmax(-1).cumsum(-1)[..., :-1]
    return (reached < 0.5 - SLACK).sum(-1)


def rank_error(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Mean absolute distance in ranks of the predicted median from the class."""
    return average((median_rank(outputs) - target).abs().to(measure.dtype), measure)


def rank_rmse(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Root of the mean squared distance of the predicted mean rank from the class."""
    ranks = torch.arange(outputs.shape[-1], dtype=outputs.dtype)
    mean = (outputs.softmax(-1) * ranks).sum(-1)
    return average((mean - target.to(mean.dtype)).square(), measure).sqrt()


def within_one(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Share of rows whose predicted median is the class or next to it."""
    return average(((median_rank(outputs) - target).abs() <= 1).to(measure.dtype), measure)


def quadratic_weighted_kappa(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """1 - squared disagreement / that of chance (Cohen 1968), of the predicted median; NaN where chance has none."""
    classes = outputs.shape[-1]
    counts = tallied(median_rank(outputs), target, measure, classes)
    ranks = torch.arange(classes, dtype=measure.dtype)
    price = (ranks[:, None] - ranks).square()
    chance = counts.sum(-1, keepdim=True) * counts.sum(-2, keepdim=True) / counts.sum((-2, -1), keepdim=True)
    expected = (price * chance).sum((-2, -1))
    seen = (price * counts).sum((-2, -1))
    return torch.where(expected > 0, 1 - seen / torch.where(expected > 0, expected, 1.0), torch.nan)


def ranked_probability(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Sum over the cuts between ranks of the squared error of "at or below it" (Epstein 1969, not divided by K - 1)."""
    reached = outputs.softmax(-1).cumsum(-1)[..., :-1]
    cuts = torch.arange(outputs.shape[-1] - 1)
    truth = (target[..., None] <= cuts).to(reached.dtype)
    return average((reached - truth).square().sum(-1), measure)
