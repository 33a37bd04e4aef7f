"""The quantile (pinball) loss, at one level or many."""

from collections.abc import Sequence
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    LevelPrediction,
    Levels,
    Link,
    Paper,
    PerElement,
    RealTarget,
    Relative,
    Task,
    loss,
)


def _steepest(level: float | Sequence[float]) -> float:
    if isinstance(level, (int, float)):
        return max(level, 1.0 - level)
    return float(sum(max(each, 1.0 - each) ** 2 for each in level) ** 0.5 / len(level))


@loss(
    title="Quantile loss",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    outputs="1, or one per level",
    decode="the quantile; sort several levels if they cross",
    elicits=Elicits.QUANTILE,
    constant="the quantile of the targets; on 0, 0, 1, 10 at level 0.9 it is 10",
    claims=Claims(convex=True, proper=True, lower=0.0, lipschitz=_steepest),
    example=Example((1.0, 3.0), 1.8, "the truth is 2 above the prediction: 0.9·2 = 1.8", {"level": 0.9}),
    relatives=(Relative("mae", "half of it at level one half", ours={"level": 0.5}, factor=0.5),),
    use_when="Being too low and too high cost differently, or an interval is wanted: give its two ends as levels.",
    avoid_when="A level lies so far out that fewer than about ten samples are beyond it.",
    aliases=("pinball", "check"),
    elsewhere={"sklearn.metrics.mean_pinball_loss": 1.0},
    paper=Paper("Koenker and Bassett", 1978, "Regression quantiles", equation="2.4", doi="10.2307/1913643"),
)
def quantile(
    prediction: LevelPrediction,
    target: RealTarget,
    *,
    level: Annotated[
        float | Sequence[float], Levels, "share of targets that should lie below the prediction"
    ] = 0.5,
) -> PerElement:
    """Errors weigh by side: level for a truth above the prediction, 1 - level for one below.

    With a list of levels the prediction has a last axis with one number per level, and a unit's value is the mean
    over its levels.
    """
    if isinstance(level, (int, float)):
        gap = target - prediction
        return level * torch.relu(gap) + (1.0 - level) * torch.relu(-gap)
    gap = target.unsqueeze(-1) - prediction
    share = torch.tensor(level, dtype=gap.dtype, device=gap.device)
    return (share * torch.relu(gap) + (1.0 - share) * torch.relu(-gap)).mean(-1)


@quantile.definition
def _(x, t, m, *, level):
    if isinstance(level, (list, tuple)):
        return m.sum(
            [each * m.max(t - v, 0) + (1 - each) * m.max(v - t, 0) for v, each in zip(x, level, strict=True)]
        ) / len(x)
    return level * m.max(t - x, 0) + (1 - level) * m.max(x - t, 0)


@quantile.slope
def _(prediction: Tensor, target: Tensor, *, level: float | Sequence[float]) -> Tensor:
    if isinstance(level, (int, float)):
        sign = torch.sign(prediction - target)
        return torch.where(sign > 0, 1.0 - level, torch.where(sign < 0, -level, 0.0))
    sign = torch.sign(prediction - target.unsqueeze(-1))
    share = torch.tensor(level, dtype=sign.dtype, device=sign.device)
    return torch.where(sign > 0, 1.0 - share, torch.where(sign < 0, -share, 0.0)) / len(level)
