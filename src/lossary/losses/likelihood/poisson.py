"""The Poisson likelihood of a count, and the same with extra zeros."""

import math
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    CountTarget,
    Elicits,
    Example,
    Flag,
    Link,
    Paper,
    PerElement,
    PerRow,
    Prediction,
    Relative,
    Task,
    columns,
    loss,
)

from .deviance import lost
from .stirling import HALF_LOG_TAU, rest
from .zeros import beside_zero, with_zeros, zero_or


def whole(log_mean: Tensor, count: Tensor) -> Tensor:
    """-log of Poisson's probability: half the deviance, and what a perfect fit costs. Both are at least 0."""
    return lost(log_mean, count, 1.0) + perfect(count)


def perfect(count: Tensor) -> Tensor:
    """-log of the probability of a count where it is the mean: log k! - k·log k + k, by Stirling's formula."""
    some = torch.where(count == 0, 1.0, count)
    return torch.where(count == 0, 0.0, HALF_LOG_TAU + 0.5 * torch.log(some) + rest(some))


def nothing(log_mean: Tensor) -> Tensor:
    """The mean, which is -log of the probability of 0; without a derivative where it overflows."""
    endless = log_mean > math.log(torch.finfo(log_mean.dtype).max)
    return torch.where(endless, torch.inf, torch.exp(torch.where(endless, 0.0, log_mean)))


def _terms(x, t, m, *, full=True):
    """The terms of the sum; with log k! what their rounding comes to once the logarithms are subtracted first."""
    if not full:
        return m.exp(x) + m.abs(t * x)
    if t == 0:
        return 0
    size = m.abs(x) + m.log(t)
    return size * (m.abs(m.exp(x) - t) + 1e-6 * size * t)


@loss(
    title="Poisson negative log-likelihood",
    task=Task.REGRESSION,
    link=Link.EXP,
    decode="the mean is exp(prediction)",
    elicits=Elicits.MEAN,
    constant="the logarithm of the mean; on 0, 0, 1, 10 it is 1.0116, the logarithm of 2.75",
    claims=Claims(convex=True, proper=True, lower=lambda full: 0.0 if full else None, smooth=True),
    cancels=_terms,
    example=Example((0.0, 2.0), 1.6931471805599454, "mean 1, count 2: 1 - 2·0 + log 2! = 1.69315", {"full": True}),
    relatives=(Relative("poisson_deviance", "half of that, plus what depends on the target alone", factor=0.5,
                        up_to_target=True),),
    use_when="Targets are counts whose variance is about their mean.",
    avoid_when="More than the mean is wanted and the variance exceeds it, as it mostly does; negative_binomial_nll "
               "learns by how much. The mean itself comes out right all the same.",
    aliases=("poisson", "log_poisson", "count_poisson"),
    elsewhere={
        "torch.nn.functional.poisson_nll_loss": lambda full: 1.0 if not full else "no factor: without log k!",
        "torch.nn.functional.poisson_nll_loss(full=True)": "no factor: log k! is Stirling's approximation there",
        "keras.losses.Poisson": "no factor: it takes the mean itself and adds 1e-7 to it",
        "xgboost.XGBRegressor(objective='count:poisson')": 1.0,
    },
    paper=Paper("Nelder and Wedderburn", 1972, "Generalized linear models", doi="10.2307/2344614"),
    law=lambda row: torch.distributions.Poisson(row.exp()),
)  # fmt: skip
def poisson_nll(
    prediction: Prediction,
    target: CountTarget,
    *,
    full: Annotated[
        bool, Flag(), "whether log k!, which the prediction cannot change, is part of the value"
    ] = False,
) -> PerElement:
    """The negative log-probability of a count; the prediction is the logarithm of the mean."""
    if full:
        return whole(prediction, target)
    mean = nothing(prediction)
    # The mean outgrows its logarithm: where both overflow, their difference does.
    endless = mean.isinf()
    return torch.where(endless, torch.inf, mean - target * torch.where(endless, 0.0, prediction))


@poisson_nll.definition
def _(x, t, m, *, full):
    return m.exp(x) - t * x + (m.lgamma(t + 1) if full else 0)


@poisson_nll.slope
def _(prediction: Tensor, target: Tensor, *, full: bool) -> Tensor:
    return torch.exp(prediction) - target


@loss(
    title="Zero-inflated Poisson negative log-likelihood",
    task=Task.REGRESSION,
    link=Link.COLUMNS,
    outputs="2: the logarithm of the mean and the logit of an extra zero",
    decode="the mean of the counts, sigmoid(-second)·exp(first)",
    elicits=Elicits.DISTRIBUTION,
    constant="the mean and the share of extra zeros of greatest likelihood together",
    claims=Claims(proper=True, lower=0.0, smooth=True),
    cancels=lambda row, t, m: _terms(row[0], t, m),
    example=Example(((0.0, 0.0), 0.0), 0.3798854930417224, "mean 1, extra zeros in half: -log(1/2 + 1/2·exp(-1)) "
                    "= 0.37989"),
    symbolic=False,
    formula=r"-\log\left(\pi + (1 - \pi) e^{-\mu}\right) \text{ where } t = 0, \text{ else } \mu - t x_1 + \log "
            r"t! - \log(1 - \pi) \text{ with } \mu = e^{x_1} \text{ and } \pi = \sigma(x_2)",
    derivative=r"\mu - t \text{ by } x_1 \text{ where } t > 0; \text{ at } t = 0 \text{ that times the chance "
               r"that the zero is Poisson's own}",
    use_when="Some zeros mean that nothing could be counted, others that nothing happened to be.",
    avoid_when="Zeros are many only because counts spread widely: negative_binomial_nll has those with one cause.",
    aliases=("zip", "zero_inflated_poisson_nll"),
    elsewhere={"statsmodels.discrete.count_model.ZeroInflatedPoisson": 1.0},
    paper=Paper("Lambert", 1992, "Zero-inflated Poisson regression, with an application to defects in manufacturing",
                doi="10.2307/1269547"),
    law=lambda row: zero_or(row[..., 1], torch.distributions.Poisson(torch.exp(beside_zero(row[..., 0])))),
)  # fmt: skip
def zero_inflated_poisson(
    prediction: Annotated[Tensor, columns("log of the mean", "logit of an extra zero")], target: CountTarget
) -> PerRow:
    """Poisson counts, and zeros of another cause beside them."""
    log_mean, extra = prediction[..., 0], prediction[..., 1]
    return with_zeros(extra, nothing(log_mean), whole(log_mean, target), target)


@zero_inflated_poisson.definition
def _(x, t, m):
    mean, extra, other = m.exp(x[0]), m.sigmoid(x[1]), m.sigmoid(-x[1])
    none = m.exp(-mean) if mean < 10**9 else 0
    counted = m.log(other) + t * x[0] - mean - m.lgamma(t + 1)
    return m.where(t == 0, -m.log(extra + other * none), -counted)
