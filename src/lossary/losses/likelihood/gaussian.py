"""The Gaussian likelihood, and the same with points weighed by their predicted variance."""

import math
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    Flag,
    Link,
    Paper,
    PerRow,
    RealTarget,
    Relative,
    Task,
    Unit,
    columns,
    loss,
)

from .standard import standardised

# The logarithm of the standard deviation and not of the variance: it is what Laplace, Student and mixtures here take,
# it moves by log c when the targets are scaled by c, and torch.distributions and scipy.stats count in it too.
Moments = Annotated[Tensor, columns("mean", "log of the standard deviation")]
HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


def _nll(x, t, m):
    mean, log_sd = x
    return log_sd + ((t - mean) / m.exp(log_sd)) ** 2 / 2


def _terms(x, t, m):
    mean, log_sd = x
    return m.abs(log_sd) + ((t - mean) / m.exp(log_sd)) ** 2 / 2


@loss(
    title="Gaussian negative log-likelihood",
    task=Task.REGRESSION,
    link=Link.COLUMNS,
    outputs="2: the mean and the logarithm of the standard deviation",
    decode="the mean is the first output; the quantile at level q is it + exp(second)·Phi⁻¹(q)",
    elicits=Elicits.DISTRIBUTION,
    constant="the mean and the logarithm of the (uncorrected) standard deviation; on 1 and 3 it is (2, 0)",
    claims=Claims(proper=True, smooth=True),
    cancels=lambda x, t, m, full: _terms(x, t, m) + (m.log(2 * m.pi) / 2 if full else 0),
    symbolic=False,
    formula=r"\log\sigma + \frac{(t - \mu)^2}{2\sigma^2} + \frac{1}{2}\log 2\pi \text{ (full)}",
    derivative=r"\left(\frac{\mu - t}{\sigma^2},\ 1 - \frac{(t - \mu)^2}{\sigma^2}\right)"
               r" \text{ by } \mu \text{ and } \log\sigma",
    example=Example(((2.0, 0.0), 3.0), 1.4189385332046727, "log 1 + (3 - 2)²/(2·1²) + log(2π)/2 = 0.5 + 0.91894",
                    {"full": True}),
    decoded=lambda row: row[..., 0],
    law=lambda row: torch.distributions.Normal(row[..., 0], row[..., 1].exp()),
    use_when="Every prediction should come with its own error bar, and errors are light-tailed and symmetric.",
    avoid_when="Gross outliers occur, or the mean must be right first: where the fit is bad the scale grows, and so "
               "the gradient of the mean shrinks (Seitzer et al., 2022; see beta_nll).",
    aliases=("heteroscedastic", "normal_nll"),
    elsewhere={"torch.nn.functional.gaussian_nll_loss": 1.0},
    paper=Paper("Nix and Weigend", 1994, "Estimating the mean and variance of the target probability distribution",
                doi="10.1109/ICNN.1994.374138"),
)  # fmt: skip
def gaussian_nll(
    prediction: Moments,
    target: RealTarget,
    *,
    full: Annotated[
        bool, Flag(), "with log(2π)/2, so that values compare with those of other distributions"
    ] = False,
) -> PerRow:
    """How unlikely the target is under a normal distribution with the predicted mean and spread.

    Shapes: prediction (..., 2), target (...); per unit (...).
    """
    mean, log_sd = prediction.unbind(-1)
    value = log_sd + 0.5 * standardised(target - mean, log_sd).square()
    return value + HALF_LOG_2PI if full else value


@gaussian_nll.definition
def _(x, t, m, *, full):
    return _nll(x, t, m) + (m.log(2 * m.pi) / 2 if full else 0)


@gaussian_nll.slope
def _(prediction: Tensor, target: Tensor, *, full: bool) -> Tensor:
    mean, log_sd = prediction.unbind(-1)
    z = standardised(target - mean, log_sd)
    return torch.stack([standardised(-z, log_sd), 1.0 - z.square()], -1)


STILL = "the variance that weighs a point is held constant, so the gradient is not that of any function"


@loss(
    title="Beta negative log-likelihood",
    task=Task.REGRESSION,
    link=Link.COLUMNS,
    outputs="2: the mean and the logarithm of the standard deviation",
    decode="the mean is the first output; the quantile at level q is it + exp(second)·Phi⁻¹(q)",
    elicits=Elicits.DISTRIBUTION,
    constant="as the Gaussian likelihood's, where its gradient vanishes; on 1 and 3 it is (2, 0)",
    claims=Claims(smooth=True),
    cancels=lambda x, t, m, beta: (
        # One rounding of an exponent, beta·log sd or its rest, moves a power by that many; counted in 32 of them.
        m.exp(2 * beta * x[1]) * _terms(x, t, m) * (1 + m.abs(x[1]) / 32)
    ),
    symbolic=False,
    formula=r"\lfloor\sigma^{2\beta}\rfloor \left(\log\sigma + \frac{(t - \mu)^2}{2\sigma^2}\right)",
    derivative=r"\sigma^{2\beta} \left(\frac{\mu - t}{\sigma^2},\ 1 - \frac{(t - \mu)^2}{\sigma^2}\right)",
    example=Example(((2.0, 0.0), 3.0), 0.5, "1^(2·0.5)·(log 1 + (3 - 2)²/(2·1²)) = 0.5"),
    relatives=(
        Relative("gaussian_nll", "beta 0 weighs all points alike", ours={"beta": 0.0}, theirs={"full": False}),
    ),
    decoded=lambda row: row[..., 0],
    law=lambda row: torch.distributions.Normal(row[..., 0], row[..., 1].exp()),
    use_when="A mean and an error bar are wanted, and the Gaussian likelihood neglects the points it fits badly; the "
             "authors recommend beta = 0.5.",
    avoid_when="Values are compared or bounded: the weight differs from step to step, so only the gradient means much.",
    aliases=("beta_gaussian_nll",),
    elsewhere={"torch_uncertainty.losses.BetaNLL": 1.0},
    paper=Paper("Seitzer, Tavakoli, Antic and Martius", 2022,
                "On the pitfalls of heteroscedastic uncertainty estimation with probabilistic neural networks",
                arxiv="2203.09168"),
    exempt={
        "differentiates_twice": STILL,
        "gradients_at_kinks_are_subgradients": STILL,
    },
)  # fmt: skip
def beta_nll(
    prediction: Moments,
    target: RealTarget,
    *,
    beta: Annotated[
        float,
        Unit,
        "0 is the Gaussian likelihood; at 1 the mean's gradient is that of half the squared error",
    ] = 0.5,
) -> PerRow:
    """The Gaussian likelihood, each point weighed by its variance to the power beta, held constant.

    Shapes: prediction (..., 2), target (...); per unit (...).
    """
    mean, log_sd = prediction.unbind(-1)
    held = log_sd.detach()
    # sd^beta·z is gap/sd^(1 - beta), in one go; its derivative by log sd is that of z, with the weight held.
    z = standardised(target - mean, (1.0 - beta) * held) * torch.exp(held - log_sd)
    return torch.exp((2.0 * beta) * held) * log_sd + 0.5 * z.square()


@beta_nll.definition
def _(x, t, m, *, beta):
    return m.still(m.exp(2 * beta * x[1])) * _nll(x, t, m)


@beta_nll.slope
def _(prediction: Tensor, target: Tensor, *, beta: float) -> Tensor:
    mean, log_sd = prediction.unbind(-1)
    z = standardised(target - mean, log_sd)
    weight = torch.exp((2.0 * beta) * log_sd).unsqueeze(-1)
    return weight * torch.stack([standardised(-z, log_sd), 1.0 - z.square()], -1)
