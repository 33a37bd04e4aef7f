"""The wing loss: small errors pull harder than large ones."""

import math
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    Interval,
    Link,
    Paper,
    PerElement,
    Prediction,
    RealTarget,
    Task,
    loss,
)

from .insensitive import beyond

#: The examples have few bits: the kink at w is met only by errors that float32 holds.
Size = Interval("a finite number above 0", 0.0, math.inf, False, False, (0.25, 0.5, 1.0, 2.0, 8.0, 3.0))


@loss(
    title="Wing loss",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=Elicits.OWN,
    constant="one of the targets, while they lie within w of one another; on 0, 0, 1, 10 it is 0",
    claims=Claims(lower=0.0, lipschitz=lambda w, epsilon: max(w / epsilon, 1.0)),
    cancels=lambda x, t, m, w, epsilon: (
        0
    ),  # the value has no terms that cancel; its kink is where |x - t| - w does
    example=Example((3.0, 1.0), 6.931471805599453, "|3 - 1| = 2 is below w = 10: 10·log(1 + 2/2) = 6.93147"),
    use_when="Coordinates such as facial landmarks are to be exact: an error pulls w / (epsilon + error) fold.",
    avoid_when="Labels are noisy at the scale of epsilon: the pull is strongest at errors that nobody can mend.",
    elsewhere={
        "pytorch_toolbelt.losses.WingLoss": "no factor: its defaults are w = 5 and epsilon = 0.5, else 1"
    },
    paper=Paper(
        "Feng et al.",
        2018,
        "Wing Loss for Robust Facial Landmark Localisation with Convolutional Neural Networks",
        arxiv="1711.06753",
    ),
)
def wing(
    prediction: Prediction,
    target: RealTarget,
    *,
    w: Annotated[
        float, Size, "size of an error, in units of the target, from which it counts linearly"
    ] = 10.0,
    epsilon: Annotated[float, Size, "size of an error below which the pull stops growing"] = 2.0,
) -> PerElement:
    """Logarithmic for small errors, absolute for large ones, continuous where they meet."""
    size = (prediction - target).abs()
    above = beyond(size, w)
    inside = above < 0
    return w * torch.log1p(torch.where(inside, size, w) / epsilon) + torch.where(inside, 0.0, above)


@wing.definition
def _(x, t, m, *, w, epsilon):
    size = m.abs(x - t)
    constant = w - w * m.log(1 + w / epsilon)
    return m.where(size < w, w * m.log(1 + size / epsilon), size - constant)


@wing.slope
def _(prediction: Tensor, target: Tensor, *, w: float, epsilon: float) -> Tensor:
    gap = prediction - target
    return torch.where(gap.abs() < w, w / (epsilon + gap.abs()), 1.0) * gap.sign()
