"""The negative binomial likelihood of a count, and the same with extra zeros."""

import math
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    CountTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Task,
    columns,
    loss,
    softplus,
)

from .poisson import perfect
from .series import bend, lag
from .stirling import rest_of_size, rest_of_sum
from .zeros import beside_zero, with_zeros, zero_or


def whole(log_mean: Tensor, log_dispersion: Tensor, count: Tensor) -> Tensor:
    """-log of the probability of a count. With dispersion α = 1/r the variance is mean + α·mean².

    Written as a perfect fit's share and what is lost against it, all of its terms are at least 0 and stay what they
    are where α goes to 0 (Poisson) and to infinity.
    """
    none = count == 0
    t = torch.where(none, 1.0, count)
    log_t = torch.log(t)
    lost = _lost(torch.where(none, 0.0, log_mean), torch.where(none, 0.0, log_dispersion), t, log_t)
    spread = 0.5 * softplus(log_t + log_dispersion)
    spread = spread + rest_of_size(log_dispersion) - rest_of_sum(t, log_dispersion)
    return torch.where(none, nothing(log_mean, log_dispersion), lost + spread + perfect(t))


def nothing(log_mean: Tensor, log_dispersion: Tensor) -> Tensor:
    """r·log(1 + α·mean), which is -log of the probability of 0; without a derivative where it overflows."""
    v = log_mean + log_dispersion
    top = math.log(torch.finfo(v.dtype).max)
    # The mean less a lag while α·mean is below 1, so that r, which may be infinite, has no part in it.
    few = v < 0
    endless = torch.where(few, log_mean, -log_dispersion) > top
    mean = torch.exp(torch.where(few & ~endless, log_mean, 0.0))
    size = torch.exp(-torch.where(few | endless, 0.0, log_dispersion))
    below = mean * (1.0 - lag(torch.exp(torch.where(few, v, 0.0))))
    above = size * softplus(torch.where(few, 0.0, v))
    return torch.where(endless, torch.inf, torch.where(few, below, above))


def _lost(log_mean: Tensor, log_dispersion: Tensor, t: Tensor, log_t: Tensor) -> Tensor:
    """Half the deviance: (t + r)·log((r + mean)/(r + t)) - t·log(mean/t), for a count t above 0.

    With d = log(mean/t) and q = t/(t + r) it is (t + r)·(log(1 + q·(exp(d) - 1)) - q·d), which is the same for -d and
    1 - q: so q is no more than 1/2 where it matters.
    """
    d = log_mean - log_t
    v, u = log_mean + log_dispersion, log_t + log_dispersion
    near, rare = d.abs() <= 1.0, u < 0
    turned = torch.where(rare, d, -d)
    turned = torch.where(near, turned, 0.0)
    q = torch.sigmoid(torch.where(rare, u, -u))
    step = torch.expm1(turned)
    count = torch.where(rare, t, torch.exp(-torch.where(rare, 0.0, log_dispersion)))
    close = count * (turned * turned * bend(turned) - step * lag(q * step))
    # Elsewhere the two logarithms apart; that of a large number plus 1 is its own plus a little, and the large parts
    # are d.
    v, u, d = (torch.where(near, 0.0, each) for each in (v, u, d))
    gap = torch.where(rare, softplus(v) - softplus(u) - d, softplus(-v) - softplus(-u))
    far = nothing(log_mean, log_dispersion) - nothing(log_t, log_dispersion) + t * gap
    return torch.where(near, close, far)


def _terms(row, t, m):
    """Sum of the sizes of the terms: log k!, the rising factorial, count and mean against the size, the mean."""
    x, k = row[:2]
    if t == 0:
        return 0
    shares = t * m.log1p(m.exp(k + x)) + m.exp(-k) * m.log1p(m.exp(k + x))
    return m.lgamma(t + 1) + _rising(t, k, m) + shares + t * m.abs(x)


def _rising(t, k, m):
    """Σ log(1 + j·α) over j < t: what log Γ(t + r) - log Γ(r) has more than t·log r, by whichever form has digits."""
    dispersion = m.exp(k)
    if t <= 40:
        return m.sum([m.log1p(j * dispersion) for j in range(40) if t > j])
    if t * dispersion < 10**-25:
        return dispersion * t * (t - 1) / 2 - dispersion**2 * t * (t - 1) * (2 * t - 1) / 12
    return m.lgamma(t + m.exp(-k)) - m.lgamma(m.exp(-k)) + t * k


def _value(x, k, t, m):
    weight = (t + m.exp(-k)) * m.log1p(m.exp(k + x))
    return m.lgamma(t + 1) - _rising(t, k, m) + weight - t * x


@loss(
    title="Negative binomial negative log-likelihood",
    task=Task.REGRESSION,
    link=Link.COLUMNS,
    outputs="2: the logarithms of the mean and of the dispersion",
    decode="the mean is exp(first), the variance mean + exp(second)·mean²",
    elicits=Elicits.DISTRIBUTION,
    constant="the logarithm of the mean, and the dispersion of greatest likelihood",
    claims=Claims(proper=True, lower=0.0, smooth=True),
    cancels=_terms,
    example=Example(((0.0, 0.0), 2.0), 2.0794415416798357, "mean 1, dispersion 1: geometric, (1/2)³ = exp(-2.07944)"),
    symbolic=False,
    formula=r"\log t! + \log\Gamma(r) - \log\Gamma(t + r) + t \log\frac{r + \mu}{\mu} + r \log\frac{r + \mu}{r} "
            r"\text{ with } \mu = e^{x_1} \text{ and } r = e^{-x_2}",
    derivative=r"\left(\frac{r (\mu - t)}{r + \mu},\ r \left(\psi(t + r) - \psi(r) - \log\frac{r + \mu}{r} + "
               r"\frac{\mu - t}{r + \mu}\right)\right) \text{ with } \psi \text{ the digamma function}",
    use_when="Counts whose variance exceeds their mean; by how much is learned, for every row or one for all.",
    avoid_when="The counts vary less than Poisson's do, or many zeros have a cause of their own.",
    aliases=("negative_binomial", "nb2"),
    elsewhere={
        "torch.distributions.NegativeBinomial": "no factor: a law; r is exp(-second), logits first + second",
        "statsmodels.discrete.discrete_model.NegativeBinomial": 1.0,
    },
    paper=Paper("Hilbe", 2011, "Negative Binomial Regression", doi="10.1017/CBO9780511973420"),
    law=lambda row: torch.distributions.NegativeBinomial(torch.exp(-row[..., 1]), logits=row[..., 0] + row[..., 1]),
)  # fmt: skip
def negative_binomial_nll(
    prediction: Annotated[Tensor, columns("log of the mean", "log of the dispersion")], target: CountTarget
) -> PerRow:
    """The negative log-probability of a count that varies more than Poisson's.

    The variance is mean + dispersion·mean²: as the dispersion's logarithm falls, this becomes Poisson's likelihood.
    """
    return whole(prediction[..., 0], prediction[..., 1], target)


@negative_binomial_nll.definition
def _(x, t, m):
    return _value(x[0], x[1], t, m)


@loss(
    title="Zero-inflated negative binomial negative log-likelihood",
    task=Task.REGRESSION,
    link=Link.COLUMNS,
    outputs="3: the logarithms of the mean and of the dispersion, and the logit of an extra zero",
    decode="the mean of the counts, sigmoid(-third)·exp(first)",
    elicits=Elicits.DISTRIBUTION,
    constant="mean, dispersion and share of extra zeros of greatest likelihood together",
    claims=Claims(proper=True, lower=0.0, smooth=True),
    cancels=_terms,
    example=Example(((0.0, 0.0, 0.0), 0.0), 0.2876820724517809, "mean 1, dispersion 1, extra zeros in half: "
                    "-log(1/2 + 1/2·1/2) = 0.28768"),
    symbolic=False,
    formula=r"-\log\left(\pi + (1 - \pi) \left(\frac{r}{r + \mu}\right)^r\right) \text{ where } t = 0, \text{ "
            r"else that of negative\_binomial\_nll less } \log(1 - \pi) \text{ with } \mu = e^{x_1}, r = e^{-x_2} "
            r"\text{ and } \pi = \sigma(x_3)",
    derivative=r"\frac{r (\mu - t)}{r + \mu} \text{ by } x_1 \text{ where } t > 0; \text{ at } t = 0 \text{ that "
               r"times the chance that the zero is the law's own}",
    use_when="Counts spread widely and some zeros have a cause of their own, as gene expression or visits to a doctor.",
    avoid_when="Rows are few: dispersion and extra zeros explain the same zeros, and the data cannot tell them apart.",
    aliases=("zinb", "zero_inflated_negative_binomial_nll"),
    elsewhere={"statsmodels.discrete.count_model.ZeroInflatedNegativeBinomialP": 1.0},
    paper=Paper("Greene", 1994, "Accounting for excess zeros and sample selection in Poisson and negative binomial "
                "regression models"),
    law=lambda row: zero_or(row[..., 2], torch.distributions.NegativeBinomial(
        torch.exp(-row[..., 1:2]).expand(*row.shape[:-1], 2), logits=beside_zero(row[..., 0] + row[..., 1]))),
)  # fmt: skip
def zero_inflated_negative_binomial(
    prediction: Annotated[
        Tensor, columns("log of the mean", "log of the dispersion", "logit of an extra zero")
    ],
    target: CountTarget,
) -> PerRow:
    """Negative binomial counts, and zeros of another cause beside them."""
    log_mean, log_dispersion, extra = prediction.unbind(-1)
    return with_zeros(
        extra, nothing(log_mean, log_dispersion), whole(log_mean, log_dispersion, target), target
    )


@zero_inflated_negative_binomial.definition
def _(x, t, m):
    extra, other = m.sigmoid(x[2]), m.sigmoid(-x[2])
    if t == 0:
        none = m.exp(-x[1]) * m.log1p(m.exp(x[0] + x[1]))
        return -m.log(extra + other * (m.exp(-none) if none < 10**9 else 0))
    return _value(x[0], x[1], t, m) - m.log(other)
