"""Absolute error."""

from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    Link,
    Paper,
    PerElement,
    Prediction,
    RealTarget,
    Relative,
    Task,
    loss,
)


@loss(
    title="Mean absolute error",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=Elicits.MEDIAN,
    constant="the median of the targets; on 0, 0, 1, 10 any number from 0 to 1",
    claims=Claims(convex=True, proper=True, lower=0.0, lipschitz=1.0),
    example=Example((3.0, 1.0), 2.0, "|3 - 1| = 2"),
    relatives=(
        Relative("quantile", "twice the quantile loss at one half", theirs={"level": 0.5}, factor=2.0),
    ),
    use_when="The conditional median is wanted, or a share of the targets is grossly wrong.",
    avoid_when="The mean is what counts, as with totals and costs: the median of skewed data lies below it.",
    aliases=("mean_absolute_error", "l1", "absolute_error"),
    elsewhere={
        "torch.nn.functional.l1_loss": 1.0,
        "keras.losses.MeanAbsoluteError": 1.0,
        "sklearn.metrics.mean_absolute_error": 1.0,
    },
    paper=Paper("Boscovich", 1757, "De litteraria expeditione per pontificiam ditionem"),
)
def mae(prediction: Prediction, target: RealTarget) -> PerElement:
    """Absolute difference: every unit of error costs the same."""
    return (prediction - target).abs()


@mae.definition
def _(x, t, m):
    return m.abs(x - t)


@mae.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    return (prediction - target).sign()
