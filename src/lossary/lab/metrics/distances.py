"""Metrics of numbers: how far the prediction lies from the target, in the target's units (r2: as a share)."""

from __future__ import annotations

import torch
from torch import Tensor

from lossary.lab.metrics.metric import average


def rmse(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Root of the mean squared error."""
    return average(_residual(outputs, target).square(), measure).sqrt()


def mae(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Mean absolute error."""
    return average(_residual(outputs, target).abs(), measure)


def median_error(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Median absolute error; between two middle values, their mean."""
    sizes, index = _residual(outputs, target).abs().sort(-1)
    weights = measure.gather(-1, index)
    reached = weights.cumsum(-1)
    half = reached[..., -1:] / 2
    # The two middles differ only where the weight up to a row is exactly half (to the rounding of the sum).
    slack = half * weights.shape[-1] * torch.finfo(weights.dtype).eps
    low = torch.searchsorted(reached, (half - slack).contiguous(), right=False)
    high = torch.searchsorted(reached, (half + slack).contiguous(), right=True)
    last = sizes.shape[-1] - 1
    middles = torch.stack([sizes.gather(-1, place.clamp(max=last))[..., 0] for place in (low, high)])
    return torch.where(half[..., 0] > 0, middles.mean(0), torch.nan)


def r2(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Share of the target's variance that the prediction explains; NaN where the target does not vary."""
    truth = target.to(measure.dtype)
    total = average((truth - average(truth, measure)[..., None]).square(), measure)
    left = average(_residual(outputs, target).square(), measure)
    return torch.where(total > 0, 1 - left / torch.where(total > 0, total, 1.0), torch.nan)


def _residual(outputs: Tensor, target: Tensor) -> Tensor:
    return outputs[..., 0] - target.to(outputs.dtype)
