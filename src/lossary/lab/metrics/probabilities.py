"""Metrics of probabilities, computed from logits so that nothing is clipped and nothing is lost."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot, softplus

from lossary.lab.metrics.metric import average, margin

# Guo et al. 2017, "On Calibration of Modern Neural Networks", section 5: 15 bins of equal width.
BINS = 15


def log_loss(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Mean of -log of the probability given to what happened."""
    return average(surprise(outputs, target), measure)


def surprise(outputs: Tensor, target: Tensor) -> Tensor:
    """-log of the probability given to the true class, one per row (..., N)."""
    if outputs.shape[-1] <= 2:
        score = margin(outputs)
        return softplus(torch.where(target == 1, -score, score))
    return outputs.logsumexp(-1) - outputs.gather(-1, target.long()[..., None])[..., 0]


def brier(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Mean squared distance of the probabilities from what happened (several classes: summed over them)."""
    if outputs.shape[-1] <= 2:
        return average((margin(outputs).sigmoid() - target.to(measure.dtype)).square(), measure)
    truth = one_hot(target.long(), outputs.shape[-1])
    return average((outputs.softmax(-1) - truth).square().sum(-1), measure)


def calibration_error(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Expected calibration error: |share that happened - mean probability| of a bin, averaged over the bins.

    Two classes: bins of the positive class's probability. More: of the chosen class's probability.
    """
    stated, happened = forecast(outputs, target)
    bins = (stated * BINS).long().clamp(max=BINS - 1)
    gaps = torch.zeros(*stated.shape[:-1], BINS, dtype=measure.dtype)
    gaps = gaps.scatter_add(-1, bins, measure * (happened - stated))
    return gaps.abs().sum(-1) / measure.sum(-1)


def forecast(outputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The stated probability of an event and whether it happened (both (..., N)); see `calibration_error`."""
    if outputs.shape[-1] <= 2:
        return margin(outputs).sigmoid(), (target == 1).to(outputs.dtype)
    stated, chosen = outputs.softmax(-1).max(-1)
    return stated, (chosen == target).to(outputs.dtype)
