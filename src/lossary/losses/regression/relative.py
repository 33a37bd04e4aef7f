"""Errors in proportion: to the target, to both numbers, or on a logarithmic scale."""

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    Link,
    NonZeroTarget,
    Paper,
    PerElement,
    Prediction,
    PredictionAboveMinusOne,
    TargetAboveMinusOne,
    Task,
    loss,
)


@loss(
    title="Mean absolute percentage error",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=Elicits.OWN,
    constant="the median of the targets, each counting 1 / |target| times; on 0, 0, 1, 10 it is 0, for else it is inf",
    claims=Claims(convex=True, lower=0.0),
    example=Example((3.0, 4.0), 0.25, "|3 - 4| is a quarter of 4"),
    use_when="Errors are judged in per cent of targets that are all well away from 0, as with prices or totals.",
    avoid_when="Targets come near 0 (at 0 an error costs inf, none costs 0) or vary much: the answer is biased low.",
    aliases=("mean_absolute_percentage_error", "absolute_percentage_error"),
    elsewhere={
        "sklearn.metrics.mean_absolute_percentage_error": 1.0,
        "torchmetrics.functional.mean_absolute_percentage_error": 1.0,
        "keras.losses.MeanAbsolutePercentageError": 0.01,
        "catboost MAPE": "no factor: it divides by max(1, |target|)",
        "lightgbm mape": "no factor: it divides by max(1, |target|)",
    },
    paper=Paper(
        "Hyndman and Koehler",
        2006,
        "Another look at measures of forecast accuracy",
        doi="10.1016/j.ijforecast.2006.03.001",
    ),
)
def mape(prediction: Prediction, target: NonZeroTarget) -> PerElement:
    """The error as a share of the target.

    At a target of 0 every error is infinitely large in proportion, so the loss is inf there, with an infinite gradient;
    a prediction of 0 is right and costs 0. Other libraries divide by a small number instead.
    """
    size, scale = (prediction - target).abs(), target.abs()
    return size / torch.where((size == 0) & (scale == 0), 1.0, scale)


@mape.definition
def _(x, t, m):
    if t == 0:
        return 0 * x if x == 0 else float("inf")
    return m.abs(x - t) / m.abs(t)


@mape.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    sign = (prediction - target).sign()
    return sign / torch.where((sign == 0) & (target == 0), 1.0, target.abs())


@loss(
    title="Symmetric mean absolute percentage error",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=Elicits.OWN,
    constant="no mean or quantile: it jumps to 0 once enough targets are 0; on 0, 0, 1, 10 it is 0",
    claims=Claims(lower=0.0, upper=2.0),
    example=Example((3.0, 1.0), 1.0, "|3 - 1| over (3 + 1) / 2 is 1"),
    use_when="A forecast is scored by it, as in the M3 and M4 competitions, on targets that are above 0.",
    avoid_when="Signs may differ or targets be 0: there it is 2 whatever the size of the error, and pulls on nothing.",
    aliases=("symmetric_mean_absolute_percentage_error",),
    elsewhere={
        "torchmetrics.functional.symmetric_mean_absolute_percentage_error": 1.0,
        "darts.metrics.smape": "not run: 100 times ours by its documentation",
    },
    paper=Paper(
        "Makridakis",
        1993,
        "Accuracy measures: theoretical and practical concerns",
        doi="10.1016/0169-2070(93)90079-3",
    ),
)
def smape(prediction: Prediction, target: NonZeroTarget) -> PerElement:
    """The error as a share of the mean size of prediction and target, from 0 to 2; 0 where both are 0."""
    a, b = prediction.abs(), target.abs()
    high, low = torch.maximum(a, b), torch.minimum(a, b)
    # Of two signs the error is the sum of the sizes, so that nothing depends on either.
    low = torch.where(prediction.sign() * target.sign() > 0, low, 0.0)
    total = torch.where(high == 0, 1.0, high + low)
    # 2·(high - low)/total is 2 - 4·low/total: each is taken where neither it nor its derivative cancels.
    near = (2.0 * low >= high) | (high == 0)
    return torch.where(near, 0.0, 2.0) + torch.where(near, 2.0 * (high - low), -4.0 * low) / total


@smape.definition
def _(x, t, m):
    if t == 0 and x == 0:
        return 0 * x
    return 2 * m.abs(x - t) / (m.abs(x) + m.abs(t))


@smape.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    alike = prediction.sign() * target.sign() > 0
    total = torch.where(alike, prediction.abs() + target.abs(), 1.0)
    return torch.where(alike, (prediction - target).sign() * 4.0 * (target.abs() / total) / total, 0.0)


@loss(
    title="Mean squared logarithmic error",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=Elicits.OWN,
    constant="exp(mean of log(1 + target)) - 1; on 0, 0, 1, 10 it is 1.165737",
    claims=Claims(lower=0.0, smooth=True),
    example=Example((3.0, 1.0), 0.4804530139182014, "(log(1 + 3) - log(1 + 1))² = (log 2)² = 0.48045"),
    use_when="Counts and sums over several orders of magnitude, where a factor matters and a difference does not.",
    avoid_when="Totals must come out right: its answer lies below the mean, and the last layer must keep above -1.",
    aliases=("mean_squared_logarithmic_error", "mean_squared_log_error", "squared_log_error"),
    elsewhere={
        "sklearn.metrics.mean_squared_log_error": 1.0,
        "keras.losses.MeanSquaredLogarithmicError": "no factor: numbers below 1e-7, negative ones too, are 1e-7 there",
        "torchmetrics.functional.mean_squared_log_error": 1.0,
        "xgboost reg:squaredlogerror": 2.0,
    },
)
def msle(prediction: PredictionAboveMinusOne, target: TargetAboveMinusOne) -> PerElement:
    """Squared difference of log(1 + prediction) and log(1 + target)."""
    gap, base = prediction - target, 1.0 + target
    near = gap.abs() < 0.5 * base
    close = torch.log1p(torch.where(near, gap, 0.0) / base)
    # A quotient of roots does not overflow where that of the numbers does.
    apart = 2.0 * torch.log(torch.sqrt(1.0 + prediction) / torch.sqrt(base))
    return torch.where(near, close, apart).square()


@msle.definition
def _(x, t, m):
    return (m.log(1 + x) - m.log(1 + t)) ** 2


@msle.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    return 2.0 * (torch.log1p(prediction) - torch.log1p(target)) / (1.0 + prediction)
