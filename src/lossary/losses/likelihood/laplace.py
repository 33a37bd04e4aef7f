"""The Laplace likelihood."""

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
    RealTarget,
    Task,
    columns,
    loss,
)

from .standard import standardised


@loss(
    title="Laplace negative log-likelihood",
    task=Task.REGRESSION,
    link=Link.COLUMNS,
    outputs="2: the median and the logarithm of the scale",
    decode="the median (and mean) is the first output; the quantile at q > 1/2 is it - exp(second)·log(2 - 2q)",
    elicits=Elicits.DISTRIBUTION,
    constant="the median and the logarithm of the mean distance from it; on 1, 3 and 8 it is (3, log 7/3)",
    claims=Claims(proper=True),
    cancels=lambda x, t, m: m.log(2) + m.abs(x[1]) + m.abs(t - x[0]) / m.exp(x[1]),
    symbolic=False,
    formula=r"\log 2b + \frac{|t - m|}{b}",
    derivative=r"\left(\frac{\operatorname{sign}(m - t)}{b},\ 1 - \frac{|t - m|}{b}\right)"
    r" \text{ by } m \text{ and } \log b",
    example=Example(((1.0, 0.0), 3.0), 2.6931471805599454, "log 2 + log 1 + |3 - 1|/1 = 0.69315 + 2"),
    decoded=lambda row: row[..., 0],
    law=lambda row: torch.distributions.Laplace(row[..., 0], row[..., 1].exp()),
    use_when="An error bar is wanted beside a prediction that a few gross errors must not drag away: it fits a median.",
    avoid_when="Errors are light-tailed: the Gaussian likelihood then needs fewer samples for the same mean.",
    aliases=("double_exponential_nll",),
    paper=Paper("Laplace", 1774, "Mémoire sur la probabilité des causes par les évènemens"),
)
def laplace_nll(
    prediction: Annotated[Tensor, columns("median", "log of the scale")],
    target: RealTarget,
) -> PerRow:
    """How unlikely the target is under a Laplace distribution: an absolute error with a scale of its own.

    Shapes: prediction (..., 2), target (...); per unit (...).
    """
    median, log_scale = prediction.unbind(-1)
    gap = target - median
    # The sign is taken last: at a residual of 0 it ends what a scale of 1e-40 would make of the derivative.
    size = standardised(gap, log_scale) * gap.detach().sign()
    return size + log_scale + math.log(2.0)


@laplace_nll.definition
def _(x, t, m):
    median, log_scale = x
    return m.log(2 * m.exp(log_scale)) + m.abs(t - median) / m.exp(log_scale)


@laplace_nll.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    median, log_scale = prediction.unbind(-1)
    z = standardised(target - median, log_scale)
    return torch.stack([standardised(-z.sign(), log_scale), 1.0 - z.abs()], -1)
