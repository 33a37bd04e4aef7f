"""Metrics of numbers: how far the prediction lies from the target; most are in the target's units."""

from __future__ import annotations

import torch
from torch import Tensor

from lossary.lab.metrics.metric import Formula, average

LEAST_MEAN = 1e-3  # of the mean target: what a count's predicted mean is taken for where it is less


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


def pinball(level: float) -> Formula:
    """The formula of the quantile loss: a prediction too low costs `level` a unit, one too high 1 - `level`."""

    def formula(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
        over = _residual(outputs, target)
        return average(torch.where(over > 0, (1 - level) * over, -level * over), measure)

    return formula


def coverage(level: float) -> Formula:
    """The formula of how far the share of targets at or below the prediction is from `level`."""

    def formula(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
        below = (_residual(outputs, target) >= 0).to(measure.dtype)
        return (average(below, measure) - level).abs()

    return formula


def poisson_deviance(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Mean of 2(y log(y/m) - y + m), the deviance of a count y from its predicted mean m.

    A mean of 0 or less would make it infinite, so a prediction counts as a thousandth of the mean target at least.
    """
    truth = target.to(measure.dtype)
    floor = LEAST_MEAN * average(truth, measure)[..., None]
    mean = torch.maximum(outputs[..., 0], floor)
    log = torch.where(truth > 0, (truth / mean).log(), 0.0)
    return average(2 * (truth * log - truth + mean), measure)


def _residual(outputs: Tensor, target: Tensor) -> Tensor:
    return outputs[..., 0] - target.to(outputs.dtype)
