"""Errors up to a tolerance cost nothing."""

from typing import Annotated

import torch
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


def beyond(size: Tensor, threshold: float) -> Tensor:
    """What ``size`` exceeds the threshold by, of the right sign even where they differ by less than a float32 tells."""
    # 0.1 is no float32, so it is taken off in two parts that are: its first 24 bits, and the rest.
    shifted = threshold * (2.0**29 + 1.0)
    most = shifted - (shifted - threshold)
    return size - most - (threshold - most)


@loss(
    title="Epsilon-insensitive loss",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=lambda epsilon: Elicits.MEDIAN if epsilon == 0 else Elicits.OWN,
    constant="any c with as many targets above c + epsilon as below c - epsilon; "
    "on 0, 0, 1, 10 with epsilon = 0.1 any number from 0.1 to 0.9",
    claims=Claims(convex=True, proper=lambda epsilon: epsilon == 0, lower=0.0, lipschitz=1.0),
    cancels=lambda x, t, m, epsilon: abs(x - t) + epsilon,
    example=Example((3.0, 1.0), 1.5, "|3 - 1| = 2 is 1.5 above epsilon = 1/2", {"epsilon": 0.5}),
    relatives=(Relative("mae", "epsilon 0 is the absolute error", ours={"epsilon": 0.0}),),
    use_when="The targets are known to a tolerance, and within it a prediction is as good as any: support vectors.",
    avoid_when="Every bit of accuracy counts: an error within epsilon pulls on nothing.",
    aliases=("svr",),
    elsewhere={
        "sklearn.linear_model.SGDRegressor(loss='epsilon_insensitive')": 1.0,
        "sklearn.svm.LinearSVR": "what it minimises: the sum, times C, beside half of the squared slopes",
    },
    paper=Paper("Vapnik", 1995, "The nature of statistical learning theory", doi="10.1007/978-1-4757-2440-0"),
)
def epsilon_insensitive(
    prediction: Prediction,
    target: RealTarget,
    *,
    epsilon: Annotated[
        float, NonNegative, "size of an error, in units of the target, that costs nothing"
    ] = 0.1,
) -> PerElement:
    """What an error exceeds the tolerance by; nothing within it."""
    return torch.relu(beyond((prediction - target).abs(), epsilon))


@epsilon_insensitive.definition
def _(x, t, m, *, epsilon):
    return m.max(m.abs(x - t) - epsilon, 0)


@epsilon_insensitive.slope
def _(prediction: Tensor, target: Tensor, *, epsilon: float) -> Tensor:
    gap = prediction - target
    return torch.where(gap.abs() > epsilon, gap.sign(), 0.0)
