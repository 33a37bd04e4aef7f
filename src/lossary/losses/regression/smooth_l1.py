"""Smooth L1: Huber's loss with a slope of 1 far out, as object detectors use it."""

from typing import Annotated

from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    Link,
    NonNegative,
    Paper,
    PerElement,
    Prediction,
    RealTarget,
    Relative,
    Task,
    loss,
)


@loss(
    title="Smooth L1 loss",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=lambda beta: Elicits.MEDIAN if beta == 0 else Elicits.BETWEEN,
    constant="mostly between median and mean; on 0, 0, 1, 10 with beta = 1 it is 2/3, where the bounded pulls balance",
    claims=Claims(
        convex=True,
        proper=lambda beta: beta == 0,
        lower=0.0,
        lipschitz=1.0,
        smooth=lambda beta: beta > 0,
    ),
    example=Example((3.0, 1.0), 1.5, "|3 - 1| = 2 is above beta = 1: 2 - 1/2 = 1.5"),
    relatives=(
        Relative("huber", "the same at 1", ours={"beta": 1.0}, theirs={"delta": 1.0}),
        Relative("mae", "beta 0 is the absolute error", ours={"beta": 0.0}),
    ),
    use_when="Offsets of boxes or other coordinates are regressed: the pull of an error is at most 1 whatever beta is.",
    avoid_when="Small errors should keep one curvature while the bend is tuned: it is 1 / beta here, and 1 in Huber's.",
    elsewhere={
        "torch.nn.functional.smooth_l1_loss": 1.0,
        "torch.nn.functional.huber_loss": lambda beta: (
            1.0 / beta if beta else "no factor: its delta is above 0"
        ),
        "optax.losses.huber_loss": lambda beta: 1.0 / beta if beta else "no factor: at delta 0 it is 0",
    },
    paper=Paper("Girshick", 2015, "Fast R-CNN", equation="3", arxiv="1504.08083"),
)
def smooth_l1(
    prediction: Prediction,
    target: RealTarget,
    *,
    beta: Annotated[
        float, NonNegative, "size of an error, in units of the target, from which it counts linearly"
    ] = 1.0,
) -> PerElement:
    """Huber's loss over its bend: squared for small errors, the absolute error less beta / 2 for large ones."""
    gap = prediction - target
    if beta == 0.0:
        return gap.abs()
    # With c the gap cut to ±beta both branches are c·(gap - c/2)/beta; c/beta is at most 1, so nothing overflows.
    near = gap.clamp(-beta, beta)
    return (near / beta) * (gap - 0.5 * near)


@smooth_l1.definition
def _(x, t, m, *, beta):
    size = m.abs(x - t)
    if beta == 0:
        return size
    return m.where(size <= beta, size**2 / (2 * beta), size - beta / 2)


@smooth_l1.slope
def _(prediction: Tensor, target: Tensor, *, beta: float) -> Tensor:
    gap = prediction - target
    return gap.sign() if beta == 0.0 else gap.clamp(-beta, beta) / beta
