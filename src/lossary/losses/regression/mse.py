"""Squared error."""

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
    title="Mean squared error",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=Elicits.MEAN,
    constant="the mean of the targets; on 0, 0, 1, 10 it is 2.75",
    claims=Claims(convex=True, proper=True, lower=0.0, smooth=True),
    example=Example((3.0, 1.0), 4.0, "(3 - 1)² = 4"),
    relatives=(
        Relative("huber", "half of it for a delta above every residual", theirs={"delta": 1e6}, factor=2.0),
    ),
    use_when="The conditional mean is wanted and errors are roughly symmetric with few gross outliers.",
    avoid_when="A few targets are wrong by a lot: each pulls with a force proportional to its error.",
    aliases=("mean_squared_error", "l2", "squared_error"),
    elsewhere={
        "torch.nn.functional.mse_loss": 1.0,
        "keras.losses.MeanSquaredError": 1.0,
        "optax.losses.squared_error": 1.0,
        "optax.losses.l2_loss": 2.0,
        "sklearn.metrics.mean_squared_error": 1.0,
    },
    paper=Paper("Gauss", 1809, "Theoria motus corporum coelestium", equation="§179"),
)
def mse(prediction: Prediction, target: RealTarget) -> PerElement:
    """Squared difference: large errors weigh far more than small ones."""
    return (prediction - target).square()


@mse.definition
def _(x, t, m):
    return (x - t) ** 2


@mse.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    return 2.0 * (prediction - target)
