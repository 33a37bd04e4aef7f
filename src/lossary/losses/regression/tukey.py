"""Tukey's biweight: beyond a threshold an error costs no more."""

import math
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    Link,
    NumberOrTensor,
    Paper,
    PerElement,
    Positive,
    Prediction,
    RealTarget,
    Task,
    like,
    loss,
)


@loss(
    title="Tukey's biweight loss",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=Elicits.OWN,
    constant="where the targets are densest, as the kernel (1 - z²)³ of half-width scale smooths them; "
    "on 0, 0, 1, 10 with scale = 4.685 it is 0.326244",
    claims=Claims(
        lower=0.0,
        upper=lambda scale: scale**2 / 6,
        lipschitz=lambda scale: 16 / (25 * math.sqrt(5)) * scale,  # at an error of scale / √5
        smooth=True,
    ),
    # The value has no terms that cancel; its derivative is the square of a difference, 1 - z², that rounding moves.
    cancels=lambda x, t, m, scale: 0,
    example=Example((2.0, 1.0), 37.0 / 96.0, "z = 1/2: (2²/6)·(1 - (1 - 1/4)³) = 37/96", {"scale": 2.0}),
    use_when="A share of the targets is wrong and must have no say; 4.685 spreads keep 95 % of the mean's efficiency "
    "on Gaussian errors.",
    avoid_when="There is no good start, or no estimate of the spread: beyond the threshold an error pulls on nothing.",
    aliases=("biweight", "bisquare", "tukey_biweight"),
    elsewhere={"statsmodels.robust.norms.TukeyBiweight": 1.0},
    paper=Paper(
        "Beaton and Tukey",
        1974,
        "The fitting of power series, meaning polynomials, illustrated on band-spectroscopic data",
        doi="10.1080/00401706.1974.10489171",
    ),
)
def tukey(
    prediction: Prediction,
    target: RealTarget,
    *,
    scale: Annotated[
        float | Tensor,
        NumberOrTensor(Positive),
        "size of an error, in units of the target, that has no pull left",
    ] = 4.685,
) -> PerElement:
    """Half a square for small errors, bent to a constant at the threshold."""
    gap = prediction - target
    scale = like(scale, gap) if isinstance(scale, Tensor) else scale
    z = torch.where(gap.abs() > scale, scale, gap) / scale
    left = (1.0 - z) * (1.0 + z)
    # 1 - left³ where that keeps the digits of left, and the same with the difference divided out where it is small.
    near = z.square() * (1.0 + left + left.square())
    return scale**2 / 6.0 * torch.where(left < 0.5, 1.0 - left**3, near)


@tukey.definition
def _(x, t, m, *, scale):
    z = m.min(m.abs(x - t) / scale, 1)
    return scale**2 / 6 * (1 - (1 - z**2) ** 3)


@tukey.slope
def _(prediction: Tensor, target: Tensor, *, scale: float) -> Tensor:
    gap = prediction - target
    return gap * torch.relu(1.0 - (gap / scale).square()).square()
