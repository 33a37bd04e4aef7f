"""Huber's loss: squared near zero, absolute far from it."""

from typing import Annotated

from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    Link,
    Paper,
    PerElement,
    Positive,
    Prediction,
    RealTarget,
    Relative,
    Task,
    loss,
)


@loss(
    title="Huber loss",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=Elicits.BETWEEN,
    constant="mostly between median and mean; on 0, 0, 1, 10 with delta = 1 it is 2/3, where the bounded pulls balance",
    claims=Claims(convex=True, lower=0.0, lipschitz=lambda delta: delta, smooth=True),
    example=Example((3.0, 1.0), 1.5, "|3 - 1| = 2 is above delta = 1: 1·(2 - 1/2) = 1.5"),
    relatives=(
        Relative("mse", "half of it while no residual exceeds delta", ours={"delta": 1e6}, factor=0.5),
    ),
    use_when="Most errors are small and a few are gross; delta is where an error starts to count as gross.",
    avoid_when="The targets' scale is unknown: delta is in their units; a wrong one makes it MSE or MAE in disguise.",
    elsewhere={
        "torch.nn.functional.huber_loss": 1.0,
        "torch.nn.functional.smooth_l1_loss": lambda delta: delta,
        "keras.losses.Huber": 1.0,
        "optax.losses.huber_loss": 1.0,
    },
    paper=Paper(
        "Huber",
        1964,
        "Robust estimation of a location parameter",
        equation="p. 75",
        doi="10.1214/aoms/1177703732",
    ),
)
def huber(
    prediction: Prediction,
    target: RealTarget,
    *,
    delta: Annotated[
        float, Positive, "size of an error, in units of the target, from which it counts linearly"
    ] = 1.0,
) -> PerElement:
    """Squared for small errors, absolute for large ones, joined smoothly at delta."""
    gap = prediction - target
    # With c the gap cut to ±delta both branches are c·(gap - c/2), and neither can overflow where it is not used.
    near = gap.clamp(-delta, delta)
    return near * (gap - 0.5 * near)


@huber.definition
def _(x, t, m, *, delta):
    size = m.abs(x - t)
    return m.where(size <= delta, size**2 / 2, delta * (size - delta / 2))


@huber.slope
def _(prediction: Tensor, target: Tensor, *, delta: float) -> Tensor:
    return (prediction - target).clamp(-delta, delta)
