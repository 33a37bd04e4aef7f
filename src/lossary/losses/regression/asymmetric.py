"""Losses for which an error's direction matters: too high costs otherwise than too low."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    AnyNumber,
    Claims,
    Elicits,
    Example,
    Link,
    OpenUnit,
    Paper,
    PerElement,
    Prediction,
    RealTarget,
    Relative,
    Task,
    loss,
)


@loss(
    title="Expectile loss",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    decode="the expectile",
    elicits=lambda level: Elicits.MEAN if level == 0.5 else Elicits.EXPECTILE,
    constant="the expectile of the targets; on 0, 0, 1, 10 at level 0.9 it is 91/12",
    claims=Claims(convex=True, proper=True, lower=0.0, smooth=True),
    example=Example((1.0, 3.0), 3.6, "the truth is 2 above the prediction: 0.9·2² = 3.6", {"level": 0.9}),
    relatives=(Relative("mse", "half of it at level one half", ours={"level": 0.5}, factor=0.5),),
    use_when="Being too low and too high cost differently, and how far matters: it is smooth and sees every sample.",
    avoid_when="The answer must be read as a share of cases, as a service level is; that is the quantile loss.",
    aliases=("asymmetric_least_squares",),
    elsewhere={"catboost Expectile": 1.0},
    paper=Paper(
        "Newey and Powell",
        1987,
        "Asymmetric least squares estimation and testing",
        doi="10.2307/1911031",
    ),
)
def expectile(
    prediction: Prediction,
    target: RealTarget,
    *,
    level: Annotated[
        float, OpenUnit, "weight of a square for a truth above the prediction; 1/2 is the mean"
    ] = 0.5,
) -> PerElement:
    """Squares weigh by side: level for a truth above the prediction, 1 - level for one below."""
    gap = target - prediction
    return level * torch.relu(gap).square() + (1.0 - level) * torch.relu(-gap).square()


@expectile.definition
def _(x, t, m, *, level):
    return level * m.max(t - x, 0) ** 2 + (1 - level) * m.max(x - t, 0) ** 2


@expectile.slope
def _(prediction: Tensor, target: Tensor, *, level: float) -> Tensor:
    gap = prediction - target
    return 2.0 * ((1.0 - level) * torch.relu(gap) - level * torch.relu(-gap))


def _beyond_line(y: Tensor) -> Tensor:
    """2·(exp(y) - 1 - y)/y² where |y| is at most 1/4: there the difference would lose its digits, the series none."""
    total = torch.ones_like(y)
    for k in range(13, 2, -1):
        total = 1.0 + y / k * total
    return total


@loss(
    title="LINEX loss",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=lambda a: Elicits.MEAN if a == 0 else Elicits.OWN,
    constant="-log(mean of exp(-a·y)) / a, below the mean for a > 0; on 0, 0, 1, 10 with a = 1.0 it is 0.524280",
    claims=Claims(convex=True, proper=lambda a: a == 0, lower=0.0, smooth=True),
    # One rounding of the difference x - t leaves the exponential undecided by as many roundings as its exponent.
    cancels=lambda x, t, m, a: 2 * (m.exp(a * (x - t)) * abs(x - t) / abs(a) / 16 if a else 0),
    example=Example((2.0, 1.0), 1.4365636569180905, "a·(2 - 1) = 1: 2·(e - 1 - 1) = 1.43656", {"a": 1.0}),
    relatives=(Relative("mse", "a = 0 is the squared error", ours={"a": 0.0}),),
    use_when="Errors to one side are ruinous and to the other dear in proportion: a dam built too low, or too high.",
    avoid_when="Targets are not scaled to about 1 / a: beyond a·error = 88 the cost leaves float32.",
    aliases=("linear_exponential",),
    paper=Paper(
        "Zellner",
        1986,
        "Bayesian estimation and prediction using asymmetric loss functions",
        doi="10.1080/01621459.1986.10478289",
    ),
)
def linex(
    prediction: Prediction,
    target: RealTarget,
    *,
    a: Annotated[
        float,
        AnyNumber,
        "asymmetry, per unit of the target: above 0 too high costs exponentially, below 0 too low",
    ] = 1.0,
) -> PerElement:
    """Exponential in errors to one side and about linear in those to the other.

    Zellner's b·(exp(a·d) - a·d - 1) with b = 2 / a², so that a small asymmetry is a small departure from the square.
    """
    gap = prediction - target
    if abs(a) < torch.finfo(gap.dtype).tiny:
        return gap.square()
    raised = a * gap
    near = raised.abs() <= 0.25
    small, large = torch.where(near, raised, 0.0), torch.where(near, 1.0, raised)
    # Beyond 2000 the exponential is infinite, and infinity less infinity would be NaN.
    return torch.where(
        near,
        gap.square() * _beyond_line(small),
        (torch.expm1(large) - large.clamp(max=2000.0)) * (2.0 / a) / a,
    )


@linex.definition
def _(x, t, m, *, a):
    if a == 0:
        return (x - t) ** 2
    return 2 / a**2 * (m.exp(a * (x - t)) - a * (x - t) - 1)


@linex.slope
def _(prediction: Tensor, target: Tensor, *, a: float) -> Tensor:
    gap = prediction - target
    return 2.0 * gap if a == 0 else 2.0 / a * torch.expm1(a * gap)
