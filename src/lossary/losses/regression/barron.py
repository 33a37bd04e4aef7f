"""Barron's general robust loss."""

import math
from typing import Annotated

from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    Interval,
    Link,
    NumberOrTensor,
    Paper,
    PerElement,
    Positive,
    Prediction,
    RealTarget,
    Relative,
    Task,
    loss,
)

from .general import SCALE, ceiling, general, pulled, steepest

#: The examples have few bits, so that float32 holds them.
SHAPES = Interval(
    "a number of at most 2, -inf included", -math.inf, 2.0, True, True,
    (0.0, 2.0, -2.0, 2.0 - 2.0**-20, 2.0**-30, 1.5, -30.0, 0.5, 1.0, -(2.0**-8)),
)  # fmt: skip


def elicited(alpha: float) -> Elicits:
    """What it estimates: the mean, from there towards the median, and below α = 1 the thick of the targets."""
    return Elicits.MEAN if alpha == 2 else Elicits.BETWEEN if alpha >= 1 else Elicits.OWN


def _authors(alpha: float) -> float | str:
    """The factor to the authors' program, which divides by another shape than it raises to."""
    return 1.0 if alpha == 0 or abs(alpha) >= 2.0**-23 else "no factor: a shape this near 0 is wrong there"


@loss(
    title="Barron's general robust loss",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=elicited,
    constant="the mean at alpha 2, mostly between mean and median down to 1, then ever nearer the thick of them; "
    "on 0, 0, 1, 10 with alpha = 2.0 it is 2.75",
    claims=Claims(
        convex=lambda alpha: alpha >= 1,
        proper=lambda alpha: alpha == 2,
        lower=0.0,
        upper=ceiling,
        lipschitz=steepest,
        smooth=True,
    ),
    example=Example((3.0, 1.0), 1.0, "z² = 4, b = 4: (4 / -2)·((1 + 4/4)^(-1) - 1) = 1", {"alpha": -2.0}),
    relatives=(
        Relative(
            "mse",
            "half of it at alpha 2, in units of the scale",
            ours={"alpha": 2.0, "scale": 1.0},
            factor=0.5,
        ),
        Relative("charbonnier", "alpha 1", ours={"alpha": 1.0}),
        Relative("cauchy", "alpha 0", ours={"alpha": 0.0}),
        Relative("geman_mcclure", "alpha -2", ours={"alpha": -2.0}),
    ),
    use_when="How gross the errors are is not known: sweep alpha, or learn it together with its likelihood's constant.",
    avoid_when="Alpha is to be learned from this value alone: lower is always cheaper, so it runs away.",
    aliases=("general_robust",),
    elsewhere={"robust_loss_pytorch.general.lossfun": _authors},
    paper=Paper(
        "Barron", 2019, "A General and Adaptive Robust Loss Function", equation="1", arxiv="1701.03077"
    ),
)
def barron(
    prediction: Prediction,
    target: RealTarget,
    *,
    alpha: Annotated[
        float | Tensor,
        NumberOrTensor(SHAPES),
        "shape: 2 is the square, 1 Charbonnier, 0 Cauchy, -2 Geman-McClure",
    ] = 1.0,
    scale: Annotated[float | Tensor, NumberOrTensor(Positive), SCALE] = 1.0,
) -> PerElement:
    """About half a square for errors within the scale; how fast larger ones lose their pull is the shape.

    Shape and scale may be tensors, one number or one per output on the last axis, and may learn. At a shape of
    exactly 2 the derivative by the shape is infinite; the one a rounding below 2 stands for it.
    """
    return general(prediction - target, alpha, scale)


@barron.definition
def _(x, t, m, *, alpha, scale):
    z = (x - t) / scale
    if alpha == 2:
        return z**2 / 2
    if alpha == 0:
        return m.log(1 + z**2 / 2)
    if alpha == -math.inf:
        return 1 - m.exp(-(z**2) / 2)
    return (2 - alpha) / alpha * ((1 + z**2 / (2 - alpha)) ** (alpha / 2) - 1)


@barron.slope
def _(prediction: Tensor, target: Tensor, *, alpha: float, scale: float) -> Tensor:
    return pulled(prediction - target, alpha, scale)
