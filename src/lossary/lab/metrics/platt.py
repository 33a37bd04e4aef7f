"""Two-parameter calibration of scores: probability = sigmoid(scale * score + offset) (Platt 1999).

The log-loss is convex in both, and the truth is held as uncertain as Platt holds it (section 2.2): of a class with n
rows, a row is in it with probability (n + 1)/(n + 2); so both are finite where a score separates the classes. They
are found by Newton's method with halved steps (Lin, Lin and Weng 2007), for all members at once.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from lossary.lab.metrics.metric import average

STEPS, HALVINGS = 50, 12
ENOUGH = 1e-11  # a step of the standardised parameters that changes nothing any more


def held_uncertain(target: Tensor, measure: Tensor) -> Tensor:
    """The probability (..., N) of being positive that stands for a target of 0 or 1."""
    positive = target > 0
    ones = torch.where(positive, measure, 0.0).sum(-1, keepdim=True)
    zeros = torch.where(positive, 0.0, measure).sum(-1, keepdim=True)
    return torch.where(positive, (ones + 1) / (ones + 2), 1 / (zeros + 2))


def platt(scores: Tensor, target: Tensor, measure: Tensor) -> tuple[Tensor, Tensor]:
    """Scale, at least 0, and offset (...) of scores (..., N), float64. NaN where the scores are not finite.

    A scale of 0 says that greater scores are no likelier to be positive: then the offset alone says how many are.
    """
    truth = held_uncertain(target, measure)
    counted = torch.where(measure > 0, scores, 0.0)
    centre = average(counted, measure)
    spread = average((counted - centre[..., None]).square(), measure).sqrt()
    usable = spread > 0
    unit = torch.where(usable, spread, 1.0)
    z = torch.where(measure > 0, (counted - centre[..., None]) / unit[..., None], 0.0)
    share = average(truth, measure)
    prior = torch.logit(share)
    a, b = _newton(z, truth, measure, prior)
    flat = ~(a > 0) & ~a.isnan()  # the slope would turn the order round, or there is nothing to slope
    scale = torch.where(flat, 0.0, a / unit)
    offset = torch.where(flat, prior, b - a * centre / unit)
    broken = ~counted.isfinite().all(-1)
    return scale.masked_fill(broken, torch.nan), offset.masked_fill(broken, torch.nan)


def _newton(z: Tensor, truth: Tensor, measure: Tensor, prior: Tensor) -> tuple[Tensor, Tensor]:
    total = measure.sum(-1)

    def loss(a: Tensor, b: Tensor) -> Tensor:
        line = a[..., None] * z + b[..., None]
        return (measure * (softplus(line) - truth * line)).sum(-1) / total

    a, b = torch.zeros_like(prior), prior.clone()
    value = loss(a, b)
    for _ in range(STEPS):
        stated = (a[..., None] * z + b[..., None]).sigmoid()
        gap, bend = measure * (stated - truth), measure * stated * (1 - stated)
        slope_a, slope_b = (gap * z).sum(-1), gap.sum(-1)
        aa, ab, bb = (bend * z * z).sum(-1), (bend * z).sum(-1), bend.sum(-1)
        aa = aa + 1e-12 * total  # a score that is the same for all rows bends nothing
        area = aa * bb - ab * ab
        step_a = -(bb * slope_a - ab * slope_b) / area
        step_b = -(aa * slope_b - ab * slope_a) / area
        size = torch.ones_like(value)
        for _ in range(HALVINGS):
            worse = ~(loss(a + size * step_a, b + size * step_b) <= value)
            if not worse.any():
                break
            size = torch.where(worse, size / 2, size)
        # What is still worse after so many halvings is at its least, to rounding.
        new_a, new_b = a + size * step_a, b + size * step_b
        new_value = loss(new_a, new_b)
        improved = new_value <= value
        a, b = torch.where(improved, new_a, a), torch.where(improved, new_b, b)
        value = torch.where(improved, new_value, value)
        moved = torch.maximum((size * step_a).abs(), (size * step_b).abs())
        if not (improved & (moved > ENOUGH)).any():
            break
    return a, b
