"""Deviances of exponential dispersion models: one formula, from counts to waiting times."""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    Link,
    NonNegativeTarget,
    Paper,
    PerElement,
    PositiveTarget,
    Prediction,
    Relative,
    Task,
    loss,
)

from .series import bend, grown, raised

NELDER = Paper("Nelder and Wedderburn", 1972, "Generalized linear models", doi="10.2307/2344614")


@dataclass(frozen=True)
class Powers:
    """Powers p of the mean that a variance can be proportional to: between 0 and 1 no distribution has one."""

    says: str = "0, or a finite number of at least 1"
    examples: tuple[object, ...] = (1.5, 0.0, 1.0, 1.0001, 1.9, 2.0, 3.0)

    def holds(self, value: object) -> bool:
        """Whether there is a distribution with this power."""
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and (value == 0.0 or 1.0 <= value < float("inf"))  # type: ignore[operator]


def deviance(log_mean: Tensor, target: Tensor, power: float) -> Tensor:
    """Twice the log-likelihood that a mean of exp(log_mean) loses against one that is the target."""
    return (torch.exp(log_mean) - target).square() if power == 0.0 else 2.0 * lost(log_mean, target, power)


def lost(log_mean: Tensor, target: Tensor, power: float) -> Tensor:
    """Half the deviance, for a power of at least 1."""
    # With d = log(mean/target) it is target^b·∫ exp(a·s)·(exp(s) - 1) ds from 0 to d: nothing is divided by 1 - p or
    # by 2 - p, and nothing cancels but the two logarithms in d.
    a, b = 1.0 - power, 2.0 - power
    none = target == 0
    t = torch.where(none, 1.0, target)
    log_t = torch.log(t)
    d = torch.where(none, 0.0, log_mean - log_t)
    # Near 0 by a series; elsewhere the greater one of the two powers, of the mean and of the target, is factored out.
    near = d.abs() * max(1.0, abs(a), abs(b)) <= 1.0
    # Where the mean's power overflows so does the deviance; it has no derivative there.
    endless = (b * log_mean > math.log(torch.finfo(log_mean.dtype).max)) & (none | ~near)
    # A target of 0 costs mean^b/b below a power of 2; from there on it is impossible.
    alone = raised(torch.where(none & ~endless, log_mean, 0.0), b) / b if power < 2.0 else torch.inf
    by_target = ((d > 0) == (power >= 2.0)) & ~near & ~endless
    by_mean = ~(by_target | near | endless)
    close, down, up = (torch.where(where, d, 0.0) for where in (near, by_target, by_mean))
    t_power = torch.pow(torch.where(~near if power < 2.0 else by_target, t, 1.0), b)
    mean_power = raised(torch.where(by_mean, log_mean, 0.0), b)
    # A power of the target, or its derivative, may overflow where what it weighs is 0.
    root = raised(log_t, 0.5 * b).clamp(max=torch.finfo(t.dtype).max)
    fitted = (root * close).square() * bend(close, a)
    lower = torch.where(near, fitted, t_power * (grown(down, b) - grown(down, a)))
    if power < 2.0:
        upper = mean_power * grown(up, -b) - t_power * grown(up, a)
    else:
        upper = mean_power * (grown(up, -b) - torch.exp(-up) * grown(up, -a))
    found = torch.where(none, alone, torch.where(by_mean, upper, lower))
    return torch.where(endless, torch.inf, found)


def _unsettled(x, t, m, *, power=1.0):
    """What the rounding of the two logarithms, whose difference d is, does to the deviance: its pull times their
    size; where they agree to six digits, its curvature."""
    if t == 0:
        return 0
    size = m.abs(x) + m.abs(m.log(t))
    if power == 0:
        return 2 * m.abs(m.exp(x) - t) * (m.exp(x) + t) + 1e-6 * t**2
    p = m.sum([power])
    return 2 * size * (m.abs(m.exp((2 - p) * x) - t * m.exp((1 - p) * x)) + 1e-6 * size * t ** (2 - p))


@loss(
    title="Tweedie deviance",
    task=Task.REGRESSION,
    link=Link.EXP,
    decode="the mean is exp(prediction)",
    elicits=Elicits.MEAN,
    constant="the logarithm of the mean; on 0, 0, 1, 10 it is 1.0116, the logarithm of 2.75",
    claims=Claims(convex=lambda power: 1.0 <= power <= 2.0, proper=True, lower=0.0, smooth=True),
    cancels=_unsettled,
    example=Example((0.0, 4.0), 4.0, "p = 1.5, mean 1: 2·(√4/(-1/2·1/2) + 4/(1/2) + 1/(1/2)) = 2·(-8 + 8 + 2) = 4"),
    relatives=(
        Relative("poisson_deviance", "power 1 is Poisson", ours={"power": 1.0}),
        Relative("gamma_deviance", "power 2 is gamma", ours={"power": 2.0}),
    ),
    symbolic=False,
    formula=r"2 \left(\frac{t^{2 - p}}{(1 - p)(2 - p)} - \frac{t \mu^{1 - p}}{1 - p} + \frac{\mu^{2 - p}}{2 - "
            r"p}\right) \text{ with } \mu = e^x \text{ and } p \text{ the power}",
    derivative=r"2 (\mu - t) \mu^{1 - p}",
    use_when="Amounts that are often exactly 0 and otherwise positive, as insurance claims or rain: power 1 to 2.",
    avoid_when="Zeros arise for a reason of their own; the share of zeros is tied to the mean here.",
    aliases=("mean_tweedie_deviance",),
    elsewhere={
        "sklearn.metrics.mean_tweedie_deviance": 1.0,
        "xgboost.XGBRegressor(objective='reg:tweedie')": "no factor: half of it, less a share of the target",
    },
    paper=Paper("Jørgensen", 1987, "Exponential dispersion models", doi="10.1111/j.2517-6161.1987.tb01685.x"),
)  # fmt: skip
def tweedie(
    prediction: Prediction,
    target: NonNegativeTarget,
    *,
    power: Annotated[
        float, Powers(), "p: the variance goes with mean^p; 0 normal, 1 Poisson, 2 gamma, 3 inverse Gaussian"
    ] = 1.5,
) -> PerElement:
    """The squared error's kin where the spread grows with the mean; the prediction is the mean's logarithm.

    With a power of 2 or more a target of 0 is infinitely unlikely, and its value is inf.
    """
    return deviance(prediction, target, power)


@tweedie.definition
def _(x, t, m, *, power):
    if power == 1:
        return 2 * (t * (m.log(t) - x) - t + m.exp(x))
    if power == 2:
        return 2 * (t * m.exp(-x) - 1 + x - m.log(t))
    if t == 0 and power > 2:
        return float("inf")
    p = m.sum([power])
    own = t ** (2 - p) / ((1 - p) * (2 - p))
    return 2 * (own - t * m.exp((1 - p) * x) / (1 - p) + m.exp((2 - p) * x) / (2 - p))


@tweedie.slope
def _(prediction: Tensor, target: Tensor, *, power: float) -> Tensor:
    # A target of 0 is impossible from a power of 2 on: the value is infinite and has no derivative.
    never = (target == 0) & (power >= 2.0)
    pull = torch.exp((2.0 - power) * prediction) - target * torch.exp((1.0 - power) * prediction)
    return 2.0 * torch.where(never, 0.0, pull)


@loss(
    title="Poisson deviance",
    task=Task.REGRESSION,
    link=Link.EXP,
    decode="the mean is exp(prediction)",
    elicits=Elicits.MEAN,
    constant="the logarithm of the mean; on 0, 0, 1, 10 it is 1.0116, the logarithm of 2.75",
    claims=Claims(convex=True, proper=True, lower=0.0, smooth=True),
    cancels=_unsettled,
    example=Example((0.0, 0.0), 2.0, "mean 1, and nothing came: 2·(0 - 0 + 1) = 2"),
    relatives=(Relative("tweedie", "Tweedie's deviance of power 1", theirs={"power": 1.0}),),
    use_when="Counts or rates, and 0 should mean a perfect fit.",
    avoid_when="More than the mean is wanted and the variance exceeds it by far: see negative_binomial_nll.",
    aliases=("mean_poisson_deviance",),
    elsewhere={
        "sklearn.metrics.mean_poisson_deviance": 1.0,
        "sklearn.linear_model.PoissonRegressor": "no factor: it halves the deviance and adds a penalty",
    },
    paper=NELDER,
)
def poisson_deviance(prediction: Prediction, target: NonNegativeTarget) -> PerElement:
    """Poisson's likelihood counted from a perfect fit; the prediction is the logarithm of the mean."""
    return deviance(prediction, target, 1.0)


@poisson_deviance.definition
def _(x, t, m):
    return 2 * (t * (m.log(t) - x) - t + m.exp(x))


@poisson_deviance.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    return 2.0 * (torch.exp(prediction) - target)


@loss(
    title="Gamma deviance",
    task=Task.REGRESSION,
    link=Link.EXP,
    decode="the mean is exp(prediction)",
    elicits=Elicits.MEAN,
    constant="the logarithm of the mean; on 1, 2, 9 it is 1.3863, the logarithm of 4",
    claims=Claims(convex=True, proper=True, lower=0.0, smooth=True),
    cancels=lambda x, t, m: _unsettled(x, t, m, power=2),
    example=Example((0.0, 2.0), 0.6137056388801094, "mean 1, target 2: 2·(2 - 1 - log 2) = 0.61371"),
    relatives=(Relative("tweedie", "Tweedie's deviance of power 2", theirs={"power": 2.0}),),
    use_when="Positive amounts whose spread goes with their size, as costs and durations: relative errors count.",
    avoid_when="Targets can be 0, or those near 0 are measured poorly: they pull without end.",
    aliases=("mean_gamma_deviance",),
    elsewhere={
        "sklearn.metrics.mean_gamma_deviance": 1.0,
        "sklearn.linear_model.GammaRegressor": "no factor: it halves the deviance and adds a penalty",
        "xgboost.XGBRegressor(objective='reg:gamma')": "no factor: half of it, less a share of the target",
    },
    paper=NELDER,
)
def gamma_deviance(prediction: Prediction, target: PositiveTarget) -> PerElement:
    """The cost of a relative error, the same at every scale; the prediction is the logarithm of the mean."""
    return deviance(prediction, target, 2.0)


@gamma_deviance.definition
def _(x, t, m):
    return 2 * (t * m.exp(-x) - 1 + x - m.log(t))


@gamma_deviance.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    return 2.0 * (1.0 - target * torch.exp(-prediction))
