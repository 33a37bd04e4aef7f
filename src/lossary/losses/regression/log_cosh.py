"""The logarithm of the hyperbolic cosine."""

import math

import torch
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
    Task,
    loss,
)


@loss(
    title="Log-cosh loss",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    elicits=Elicits.BETWEEN,
    constant="mostly between median and mean: where the pulls tanh(c - y) balance; on 0, 0, 1, 10 about 0.73814",
    claims=Claims(convex=True, lower=0.0, lipschitz=1.0, smooth=True),
    example=Example((1.0, 0.0), 0.4337808304830271, "log cosh 1 = log((e + 1/e)/2) = 0.43378"),
    use_when="A robust loss with a second derivative everywhere is wanted, as for Newton steps and boosted trees.",
    avoid_when="The scale at which errors become gross is not about 1 in the target's units; Huber lets you set it.",
    aliases=("logcosh",),
    elsewhere={"keras.losses.LogCosh": 1.0, "optax.losses.log_cosh": 1.0},
    paper=Paper(
        "Green", 1990, "Bayesian reconstructions from emission tomography data", doi="10.1109/42.52985"
    ),
)
def log_cosh(prediction: Prediction, target: RealTarget) -> PerElement:
    """Half the square for small errors, the absolute error less log 2 for large ones, smooth throughout."""
    gap = prediction - target
    size = gap.abs()
    # cosh d - 1 = 2·sinh²(d/2) keeps small errors exact; the clamp keeps sinh finite where it is not used.
    near = torch.log1p(2.0 * torch.sinh(0.5 * gap.clamp(-1.0, 1.0)).square())
    far = size + torch.log1p(torch.exp(-2.0 * size)) - math.log(2.0)
    return torch.where(size < 1.0, near, far)


@log_cosh.definition
def _(x, t, m):
    return m.log(m.cosh(x - t))


@log_cosh.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    return torch.tanh(prediction - target)
