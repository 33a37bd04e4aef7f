"""A trial's loss as the engines need it: the mean a reader would write, and each row's slope for the stack."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lossary.core.canonical import smooth_binary, smooth_classes, softplus
from lossary.core.kinds import Form
from lossary.core.modules import LossModule, Single
from lossary.core.unit import Unit
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
    """The slope of every row's own value through its link: outputs (n, K), target (n, ...) -> (n, K).

    In closed form where a loss declares one, by autograd where it does not. It is what it says only for losses whose
    rows have nothing to do with each other (`stacking.by_rows` finds out).
    """
    parts = [(factor, _part_slope(part)) for _, factor, part in parse(expression).parts()]
    single = takes_one(expression)

    def through_link(outputs: Tensor, target: Tensor) -> Tensor:
        shape = outputs.shape
        if single and outputs.ndim == target.ndim + 1 and outputs.shape[-1] == 1:
            outputs = outputs.squeeze(-1)
        seen, truth = linked(outputs, target, link)
        slope = sum(
            (factor * part(seen, truth) for factor, part in parts[1:]), parts[0][0] * parts[0][1](seen, truth)
        )
        if link == "sigmoid":
            slope = slope * (seen * (1 - seen))
        if link == "softplus":
            slope = slope * torch.sigmoid(outputs)
        if link == "softmax":
            slope = seen * (slope - (slope * seen).sum(-1, keepdim=True))
        return slope.view(shape)

    return through_link


def _part_slope(part: LossModule) -> Slope:
    assert isinstance(part, Single)
    loss, settings = part.function.loss, settings_of(part)
    known = {SMOOTHING, *(each.name for each in loss.hyper)}
    if loss.slope is None or not {*settings} <= known:
        return partial(_by_autograd, part)
    smoothing = settings.pop(SMOOTHING, 0.0)
    declared = partial(loss.slope, **{**loss.defaults, **settings})

    def slope(outputs: Tensor, target: Tensor) -> Tensor:
        if smoothing and loss.has(Form.BINARY):
            target = smooth_binary(target, smoothing)
        elif smoothing:
            target = smooth_classes(target, outputs.shape[-1], smoothing, outputs.dtype)
        found: Tensor = declared(outputs, target)
        # A row's value is the mean over its elements, where each has one.
        return found / found.shape[-1] if loss.unit is Unit.ELEMENT and found.ndim > 1 else found

    return slope


def _by_autograd(part: Single, outputs: Tensor, target: Tensor) -> Tensor:
    outputs = outputs.detach().requires_grad_()
    # A row's value depends on its own outputs alone, so the slope of the sum is every row's own.
    value = part(outputs, target, reduction="none")
    value = value.flatten(1).mean(-1) if value.ndim > 1 else value
    (slope,) = torch.autograd.grad(value.sum(), outputs)
    return slope


def settings_of(part: Single) -> dict[str, Any]:
    """What a part of an expression was given, by name."""
    return dict(part.settings)
