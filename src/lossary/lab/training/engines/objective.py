"""A trial's loss as the engines need it: the mean a reader would write, and each row's slope for the stack."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lossary.core.canonical import smooth_binary, smooth_classes, softplus
from lossary.core.function import LossFunction
from lossary.core.kinds import Form
from lossary.core.modules import LossModule, Single
from lossary.lab.training.trial import Link
from lossary.nn import parse

# Raw outputs (n,) or (n, K), target (n, ...), weight (n,) or None -> a number.
Mean = Callable[[Tensor, Tensor, Tensor | None], Tensor]
# The same without a weight -> the derivative of each row's value in its outputs, of their shape.
Slope = Callable[[Tensor, Tensor], Tensor]

SMOOTHING = "label_smoothing"  # the one option of a call that is a matter of each row alone


def mean_loss(expression: str, link: Link) -> Mean:
    """The loss as a module, called on the linked outputs. Weights count as everywhere: Σ w·value / Σ w."""
    module, single = parse(expression), takes_one(expression)

    def mean(outputs: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        if single and outputs.ndim == target.ndim + 1 and outputs.shape[-1] == 1:
            outputs = outputs.squeeze(-1)
        value: Tensor = module(*linked(outputs, target, link), weight=weight)
        return value

    return mean


@cache
def takes_one(expression: str) -> bool:
    """Whether the loss takes one number a row as (rows,), without an axis for it."""
    _, _, part = next(parse(expression).parts())
    assert isinstance(part, Single)
    return part.function.loss.inputs[0].kind.form in (Form.REAL, Form.SCORE, Form.LOGIT)


def linked(outputs: Tensor, target: Tensor, link: Link) -> tuple[Tensor, Tensor]:
    """What the loss is called with: the link of the outputs, and after a softmax the target as one-hot rows."""
    if link == "sigmoid":
        return torch.sigmoid(outputs), target
    if link == "softmax":
        return torch.softmax(outputs, -1), F.one_hot(target, outputs.shape[-1]).to(outputs.dtype)
    if link == "softplus":
        return softplus(outputs), target
    return outputs, target


def unit_slope(expression: str, link: Link) -> Slope:
    """The closed-form slope of a stackable loss through its link; by autograd where a loss declares none."""
    parts = [(factor, _part_slope(part)) for _, factor, part in parse(expression).parts()]

    def through_link(outputs: Tensor, target: Tensor) -> Tensor:
        seen, truth = linked(outputs, target, link)
        slope = sum(
            (factor * part(seen, truth) for factor, part in parts[1:]), parts[0][0] * parts[0][1](seen, truth)
        )
        if link == "sigmoid":
            return slope * (seen * (1 - seen))
        if link == "softplus":
            return slope * torch.sigmoid(outputs)
        if link == "softmax":  # a row's value is the mean over its classes
            return seen * (slope - (slope * seen).sum(-1, keepdim=True)) / seen.shape[-1]
        return slope

    return through_link


def _part_slope(part: LossModule) -> Slope:
    assert isinstance(part, Single)
    function, settings = part.function, settings_of(part)
    smoothing = settings.pop(SMOOTHING, 0.0)
    declared = function.loss.slope
    slope: Slope = (
        partial(_by_autograd, function, settings)
        if declared is None
        else partial(declared, **{**function.loss.defaults, **settings})
    )
    if not smoothing:
        return slope
    binary = function.loss.has(Form.BINARY)

    def smoothed(outputs: Tensor, target: Tensor) -> Tensor:
        if binary:
            return slope(outputs, smooth_binary(target, smoothing))
        return slope(outputs, smooth_classes(target, outputs.shape[-1], smoothing, outputs.dtype))

    return smoothed


def _by_autograd(function: LossFunction, settings: dict[str, Any], outputs: Tensor, target: Tensor) -> Tensor:
    outputs = outputs.detach().requires_grad_()
    # A row's value depends on its own outputs alone, so the slope of the sum is every row's own.
    (slope,) = torch.autograd.grad(function.math(outputs, target, **settings).sum(), outputs)
    return slope


def settings_of(part: Single) -> dict[str, Any]:
    """What a part of an expression was given, by name."""
    return dict(part.settings)
