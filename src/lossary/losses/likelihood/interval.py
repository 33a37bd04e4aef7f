"""The interval score: narrow where it can be, and fined where the truth lies outside."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    Link,
    OpenUnit,
    Paper,
    PerRow,
    RealTarget,
    Relative,
    Task,
    columns,
    loss,
)


def _normal(row: Tensor, alpha: float) -> torch.distributions.Normal:
    """One of the distributions whose quantiles are the two ends: the score says no more of the shape."""
    lower, upper = row.unbind(-1)
    width = torch.special.ndtri(torch.tensor(1.0 - 0.5 * alpha, dtype=row.dtype))
    return torch.distributions.Normal(0.5 * (lower + upper), 0.5 * (upper - lower) / width)


@loss(
    title="Interval score",
    task=Task.REGRESSION,
    link=Link.COLUMNS,
    outputs="2: the lower and the upper end",
    decode="the interval itself; sort the ends if they cross",
    elicits=Elicits.QUANTILE,
    constant="the quantiles of the targets at alpha/2 and 1 - alpha/2; on 0, 1, 2, ..., 100 at 0.1 it is (5, 95)",
    claims=Claims(convex=True, proper=True, lower=0.0, lipschitz=lambda alpha: 2**0.5 * (2.0 / alpha - 1.0)),
    symbolic=False,
    formula=r"u - l + \frac{2}{\alpha}\max(l - t, 0) + \frac{2}{\alpha}\max(t - u, 0)",
    derivative=r"\left(\frac{2}{\alpha}[t < l] - 1,\ 1 - \frac{2}{\alpha}[t > u]\right) \text{ by } l \text{ and } u",
    example=Example(((1.0, 3.0), 4.0), 22.0, "3 - 1 wide, and (2/0.1)·(4 - 3) = 20 for missing by 1", {"alpha": 0.1}),
    relatives=(
        Relative("quantile", "4/alpha times it at both ends", ours={"alpha": 0.5}, theirs={"level": [0.25, 0.75]},
                 factor=8.0),
    ),
    decoded=lambda row: row.sort(-1).values,
    law=lambda row, alpha: _normal(row, alpha),
    use_when="A central interval of a stated coverage is the answer, and no shape is to be assumed.",
    avoid_when="alpha is so small that hardly a sample lies outside: the ends then rest on a handful of points.",
    aliases=("winkler_score", "winkler", "mean_interval_score"),
    elsewhere={"scoringrules.interval_score": 1.0},
    paper=Paper("Gneiting and Raftery", 2007, "Strictly proper scoring rules, prediction, and estimation",
                equation="43", doi="10.1198/016214506000001437"),
)  # fmt: skip
def interval_score(
    prediction: Annotated[Tensor, columns("lower", "upper")],
    target: RealTarget,
    *,
    alpha: Annotated[
        float, OpenUnit, "share of targets that should lie outside, half of it on each side"
    ] = 0.1,
) -> PerRow:
    """The interval's width, and 2/alpha times the distance by which the target lies outside it.

    Shapes: prediction (..., 2), target (...); per unit (...).
    """
    lower, upper = prediction.unbind(-1)
    # The width is taken from the target to each end, so that no terms of two signs meet and ends may cross.
    above, below = target - lower, upper - target
    inside = torch.relu(above) + torch.relu(below)
    return inside + (2.0 / alpha - 1.0) * (torch.relu(-above) + torch.relu(-below))


@interval_score.definition
def _(x, t, m, *, alpha):
    lower, upper = x
    return upper - lower + 2 / alpha * m.max(lower - t, 0) + 2 / alpha * m.max(t - upper, 0)


@interval_score.slope
def _(prediction: Tensor, target: Tensor, *, alpha: float) -> Tensor:
    lower, upper = prediction.unbind(-1)
    fine = 2.0 / alpha - 1.0
    above, below = target - lower, upper - target
    at_lower, at_upper = (torch.where(each < 0, fine, -each.sign()) for each in (above, below))
    return torch.stack([at_lower, -at_upper], -1)
