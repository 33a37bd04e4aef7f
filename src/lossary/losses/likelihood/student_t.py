"""Student's likelihood: a Gaussian with tails."""

import math
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Positive,
    RealTarget,
    Task,
    columns,
    loss,
)

from .standard import standardised


def log_normaliser(df: float) -> float:
    """log of sqrt(df·π)·Γ(df/2)/Γ((df + 1)/2), as exact for a million degrees of freedom as for one."""
    # Γ(a + 1/2)/Γ(a) for a large a by Stirling's series, which the recurrence of Γ reaches from any other.
    a, ratio = 0.5 * df, 0.0
    while a < 16.0:
        ratio -= math.log1p(0.5 / a)
        a += 1.0
    b = 1.0 / (a * a)
    ratio += 0.5 * math.log(a)
    ratio -= (
        1 / 8 - b * (1 / 192 - b * (1 / 640 - b * (17 / 14336 - b * (31 / 18432 - b * 691 / 180224))))
    ) / a
    return 0.5 * math.log(df * math.pi) - ratio


def _constant(m, df):
    return m.lgamma(df / 2) - m.lgamma((df + 1) / 2) + m.log(df * m.pi) / 2


@loss(
    title="Student's t negative log-likelihood",
    task=Task.REGRESSION,
    link=Link.COLUMNS,
    outputs="2: the location and the logarithm of the scale",
    decode="the median (and, for df > 1, the mean) is the first output; a quantile is it + exp(second)·Student's own",
    elicits=Elicits.DISTRIBUTION,
    constant="location and log of the scale of greatest likelihood; on 1 and 3 with df above 1 it is (2, 0)",
    claims=Claims(proper=True, smooth=True),
    cancels=lambda x, t, m, df: (
        m.abs(_constant(m, df)) + m.abs(x[1]) + (df + 1) / 2 * m.log1p(((t - x[0]) / m.exp(x[1])) ** 2 / df)
    ),
    symbolic=False,
    formula=r"\log\frac{\sqrt{\nu\pi}\,\Gamma(\nu/2)}{\Gamma((\nu + 1)/2)} + \log\sigma"
            r" + \frac{\nu + 1}{2}\log\left(1 + \frac{z^2}{\nu}\right),\quad z = \frac{t - \mu}{\sigma}",
    derivative=r"\left(-\frac{(\nu + 1)\,z}{\sigma (\nu + z^2)},\ 1 - \frac{(\nu + 1)\,z^2}{\nu + z^2}\right)"
               r" \text{ by } \mu \text{ and } \log\sigma",
    example=Example(((2.0, 0.0), 3.0), 1.8378770664093453, "df = 1 is Cauchy: log π + log 1 + log(1 + 1²) = log 2π",
                    {"df": 1.0}),
    decoded=lambda row: row[..., 0],
    law=lambda row, df: torch.distributions.StudentT(df, row[..., 0], row[..., 1].exp()),
    use_when="Error bars are wanted and some targets are grossly off: beyond sqrt(df) scales a point pulls less the "
             "further it lies.",
    avoid_when="Training starts far from the targets relative to the scale: there the pull on the location is weak "
               "and the fit can settle on a part of them.",
    aliases=("t_nll", "studentt_nll"),
    paper=Paper("Lange, Little and Taylor", 1989, "Robust statistical modeling using the t distribution",
                doi="10.1080/01621459.1989.10478852"),
)  # fmt: skip
def student_t_nll(
    prediction: Annotated[Tensor, columns("location", "log of the scale")],
    target: RealTarget,
    *,
    # A setting and no third output: one target says next to nothing of its own tail, and where df is free the
    # likelihood has no maximum (Fernández and Steel, 1999). Lange, Little and Taylor fix 4 where data are few.
    df: Annotated[
        float, Positive, "degrees of freedom: 1 is Cauchy's distribution, a large number Gauss's"
    ] = 4.0,
) -> PerRow:
    """How unlikely the target is under Student's t distribution: far points count with a logarithm only.

    Shapes: prediction (..., 2), target (...); per unit (...).
    """
    location, log_scale = prediction.unbind(-1)
    gap = target - location
    root = math.sqrt(df)
    # From 1e9 on 1 + r² is r², whose logarithm is taken before r can overflow.
    far = standardised(gap.detach(), log_scale.detach()).abs() > 1e9 * root
    near = torch.log1p((standardised(torch.where(far, 0.0, gap), log_scale) / root).square())
    tail = 2.0 * (torch.where(far, gap, 1.0).abs().log() - log_scale) - math.log(df)
    return 0.5 * (df + 1.0) * torch.where(far, tail, near) + log_scale + log_normaliser(df)


@student_t_nll.definition
def _(x, t, m, *, df):
    location, log_scale = x
    z = (t - location) / m.exp(log_scale)
    return _constant(m, df) + log_scale + (df + 1) / 2 * m.log(1 + z**2 / df)


@student_t_nll.slope
def _(prediction: Tensor, target: Tensor, *, df: float) -> Tensor:
    location, log_scale = prediction.unbind(-1)
    z = standardised(target - location, log_scale)
    pull = (df + 1.0) * z / (df + z.square())
    return torch.stack([standardised(-pull, log_scale), 1.0 - z * pull], -1)
