"""The curve of a loss: one number is moved, all else stays, and the real loss and its autograd answer."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lossary.core.function import LossFunction

from .example import with_required
from .scenes import Sweep, scene_of

POINTS = 801  # odd, so that the middle is a point; dense enough that a terminal shows no step of its own
FEW = 161  # where each point is a call of its own


def sweep(function: LossFunction, settings: Mapping[str, object], points: int = POINTS) -> Sweep:
    """The curve of a loss at the given hyper-parameters; those a call must give are the example's."""
    given = with_required(function.loss, settings)
    scene = scene_of(function, given)
    points = min(points, FEW) if scene.alone else points
    x = torch.linspace(scene.low, scene.high, points, dtype=torch.float64).requires_grad_()
    if scene.alone:
        each = [function(*scene.inputs(one), reduction="none", **given).flatten() for one in x]
        values = torch.stack([one[scene.unit] for one in each])
    else:
        values = function(*scene.inputs(x), reduction="none", **given).reshape(points, -1)[:, 0]
    (slope,) = torch.autograd.grad(values.sum(), x)
    numbers = (tuple(tensor.detach().tolist()) for tensor in (x, values, slope))
    return Sweep(scene.says, *numbers)
