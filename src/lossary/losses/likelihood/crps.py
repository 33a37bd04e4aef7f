"""The continuous ranked probability score, of a normal distribution and of an ensemble."""

import math
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Ensemble,
    Example,
    Flag,
    Link,
    Paper,
    PerRow,
    RealTarget,
    Task,
    columns,
    loss,
)

from .standard import standardised

ROOT_HALF, ROOT_PI = math.sqrt(0.5), math.sqrt(math.pi)
FAIR = "whether members are draws whose own number must not matter (pairs of different members only)"


def _pieces(x, t, m):
    mean, log_sd = x
    sd = m.exp(log_sd)
    z = (t - mean) / sd
    return sd * z * m.erf(z / m.sqrt(2)), sd * m.sqrt(2 / m.pi) * m.exp(-(z**2) / 2), sd / m.sqrt(m.pi)


@loss(
    title="CRPS of a normal distribution",
    task=Task.REGRESSION,
    link=Link.COLUMNS,
    outputs="2: the mean and the logarithm of the standard deviation",
    decode="the mean is the first output; the quantile at level q is it + exp(second)·Phi⁻¹(q)",
    elicits=Elicits.DISTRIBUTION,
    constant="the normal distribution nearest to the targets' own in the square of the difference of their "
             "distribution functions",
    claims=Claims(proper=True, lower=0.0, smooth=True),
    cancels=lambda x, t, m: m.sum(_pieces(x, t, m)),
    symbolic=False,
    formula=r"\sigma \left(z\,(2\Phi(z) - 1) + 2\varphi(z) - \frac{1}{\sqrt{\pi}}\right),\ z = \frac{t - \mu}{\sigma}",
    derivative=r"\left(1 - 2\Phi(z),\ \sigma \left(2\varphi(z) - \frac{1}{\sqrt{\pi}}\right)\right)"
               r" \text{ by } \mu \text{ and } \log\sigma",
    example=Example(((2.0, 0.0), 2.0), 0.23369497725510913, "2·0.39894 - 1/sqrt(π) = 0.23369"),
    decoded=lambda row: row[..., 0],
    law=lambda row: torch.distributions.Normal(row[..., 0], row[..., 1].exp()),
    use_when="An error bar is wanted whose fit is not ruled by the tails: it is in the target's units and grows "
             "linearly with the error.",
    avoid_when="The density itself is used afterwards, as in a likelihood ratio: log scores tell them apart better.",
    aliases=("crps_normal", "gaussian_crps"),
    elsewhere={"properscoring.crps_gaussian": 1.0, "scoringrules.crps_normal": 1.0},
    paper=Paper("Gneiting, Raftery, Westveld and Goldman", 2005,
                "Calibrated probabilistic forecasting using ensemble model output statistics and minimum CRPS "
                "estimation", doi="10.1175/MWR2904.1"),
)  # fmt: skip
def crps_gaussian(
    prediction: Annotated[Tensor, columns("mean", "log of the standard deviation")],
    target: RealTarget,
) -> PerRow:
    """The squared difference between the predicted distribution function and the target's step, integrated.

    Shapes: prediction (..., 2), target (...); per unit (...), in units of the target.
    """
    mean, log_sd = prediction.unbind(-1)
    gap = target - mean
    # Beyond ten standard deviations the score is |gap| - sd/sqrt(π) to the last digit.
    far = standardised(gap.detach(), log_sd.detach()).abs() > 10.0
    z = standardised(torch.where(far, 0.0, gap), log_sd)
    sides = torch.where(far, gap.abs(), gap * torch.erf(z * ROOT_HALF))
    peak = torch.where(far, 0.0, torch.exp(-0.5 * z.square()) * (2.0 * ROOT_HALF / ROOT_PI))
    return sides + torch.exp(log_sd) * (peak - 1.0 / ROOT_PI)


@crps_gaussian.definition
def _(x, t, m):
    sides, peak, width = _pieces(x, t, m)
    return sides + peak - width


@crps_gaussian.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    mean, log_sd = prediction.unbind(-1)
    z = standardised(target - mean, log_sd)
    peak = torch.exp(-0.5 * z.square()) * (2.0 * ROOT_HALF / ROOT_PI)
    return torch.stack([-torch.erf(z * ROOT_HALF), log_sd.exp() * (peak - 1.0 / ROOT_PI)], -1)


def _steps(gap: Tensor, fair: bool) -> Tensor:
    """What each member's distance from the target counts, in the order of the members. (..., M)

    In ascending order member i of M lies below M - i others: by that many pairs its distance is shared out, and the
    difference of the two means in the definition becomes a sum of terms of one sign (Jordan, 2016).
    """
    count = gap.shape[-1]
    place = torch.arange(1, count + 1, dtype=gap.dtype, device=gap.device)
    if fair and count > 1:
        return torch.where(gap < 0, place - 1.0, count - place) * (2.0 / (count * (count - 1)))
    return torch.where(gap < 0, place - 0.5, count - place + 0.5) * (2.0 / count**2)


@loss(
    title="CRPS of an ensemble",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    outputs="M: the members of an ensemble",
    decode="the members are the distribution: their mean, their quantiles",
    elicits=Elicits.DISTRIBUTION,
    constant="an ensemble with the targets' own distribution; on 1 and 3, with two members and not fair, (1, 3)",
    claims=Claims(proper=lambda fair: not fair, lower=0.0),
    symbolic=False,
    formula=r"\frac{1}{M}\sum_i |x_i - t| - \frac{1}{2N}\sum_{i,j} |x_i - x_j|,"
            r"\quad N = M^2 \text{, fair: } M(M - 1)",
    derivative=r"\frac{\operatorname{sign}(x_i - t)}{M} - \frac{1}{N}\sum_j \operatorname{sign}(x_i - x_j)",
    example=Example(((0.0, 2.0), 3.0), 1.5, "mean distance (3 + 1)/2 = 2, less 2·|0 - 2|/(2·2²) = 0.5"),
    use_when="A network gives samples instead of parameters; set fair while training on a few members, which plain "
             "would draw too close together (Ferro, 2014).",
    avoid_when="A likelihood is at hand: an ensemble of a few members says little of the tails.",
    aliases=("crps", "ensemble_crps"),
    elsewhere={
        "properscoring.crps_ensemble": lambda fair: "no factor: it is not fair" if fair else 1.0,
        "scoringrules.crps_ensemble": 1.0,
    },
    paper=Paper("Gneiting and Raftery", 2007, "Strictly proper scoring rules, prediction, and estimation",
                equation="21", doi="10.1198/016214506000001437"),
)  # fmt: skip
def crps_ensemble(
    prediction: Ensemble, target: RealTarget, *, fair: Annotated[bool, Flag(), FAIR] = False
) -> PerRow:
    """The members' mean distance from the target, less half their mean distance from one another.

    Shapes: prediction (..., M), target (...); per unit (...), in units of the target. A single member has no pair:
    fair or not, its score is the absolute error. Sorting makes the cost O(M log M).
    """
    gap = prediction.sort(-1).values - target.unsqueeze(-1)
    return (gap.abs() * _steps(gap, fair)).sum(-1)


@crps_ensemble.definition
def _(x, t, m, *, fair):
    count = len(x)
    apart = m.sum([m.abs(a - b) for a in x for b in x])
    pairs = count * (count - 1) if fair and count > 1 else count**2
    return m.sum([m.abs(each - t) for each in x]) / count - apart / (2 * pairs)


@crps_ensemble.slope
def _(prediction: Tensor, target: Tensor, *, fair: bool) -> Tensor:
    ordered, order = prediction.sort(-1)
    gap = ordered - target.unsqueeze(-1)
    return torch.zeros_like(gap).scatter(-1, order, gap.sign() * _steps(gap, fair))
