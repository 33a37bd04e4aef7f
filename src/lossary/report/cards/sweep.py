"""The curve of a loss: one number is moved, all else stays, and the real loss and its autograd answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.core.declaration import Loss
from lossary.core.function import LossFunction
from lossary.core.kinds import Form
from lossary.core.unit import Unit

POINTS = 801  # odd, so that the middle is a point; dense enough that a terminal shows no step of its own
REACH = 4.0  # how far from the middle the number is moved


@dataclass(frozen=True)
class Sweep:
    """Loss and gradient of one unit along one number.

    Attributes:
        says: what is moved and what stays.
        x: the number, ascending.
        loss: the unit's value.
        gradient: its derivative in the number.
    """

    says: str
    x: tuple[float, ...]
    loss: tuple[float, ...]
    gradient: tuple[float, ...]


@dataclass(frozen=True)
class _Scene:
    says: str
    inputs: Callable[[Tensor], tuple[Tensor, ...]]
    low: float = -REACH
    alone: bool = False  # whether each point is a call of its own, since points of one call would meet


def sweep(function: LossFunction, settings: Mapping[str, object], points: int = POINTS) -> Sweep | None:
    """The curve of a loss at the given hyper-parameters, or None for a shape of inputs it has no scene for."""
    scene = _levels(function.loss, settings) or _scene(function.loss)
    if scene is None:
        return None
    x = torch.linspace(scene.low, REACH, points, dtype=torch.float64).requires_grad_()
    if scene.alone:
        each = [function(*scene.inputs(one), reduction="none", **settings).flatten()[0] for one in x]
        values = torch.stack(each)
    else:
        values = function(*scene.inputs(x), reduction="none", **settings)
    values = values.reshape(points, -1)[:, 0]
    (slope,) = torch.autograd.grad(values.sum(), x)
    numbers = (tuple(tensor.detach().tolist()) for tensor in (x, values, slope))
    return Sweep(scene.says, *numbers)


def _levels(loss: Loss, settings: Mapping[str, object]) -> _Scene | None:
    """Of several levels, one prediction for all of them."""
    axis = loss.required[0].kind.extra_axis
    levels = settings.get(axis) if axis is not None else None
    if not isinstance(levels, (list, tuple)):
        return None
    count = len(levels)
    return _Scene(
        "the prediction of all levels less target",
        lambda x: (x.unsqueeze(-1).expand(-1, count), torch.zeros_like(x)),
    )


def _scene(loss: Loss) -> _Scene | None:
    forms = tuple(each.kind.form for each in loss.required)
    if loss.unit is Unit.ELEMENT and len(forms) == 2:
        if forms[1] is Form.BINARY:
            what = "logit" if forms[0] is Form.LOGIT else "score"
            return _Scene(f"{what} x, target 1", lambda x: (x, torch.ones_like(x)))
        return _Scene("prediction less target", lambda x: (x, torch.zeros_like(x)))
    if loss.unit is Unit.ROW and forms[0] is Form.LOGITS:
        return _Scene("logit of the true class, the two others at 0", _row(forms[1]))
    if loss.unit is Unit.REGION:
        return _Scene(
            "logit of the region's elements, less that of the others: from missed to found", _region(forms[0])
        )
    return _far(loss.unit, forms)


def _far(unit: Unit, forms: tuple[Form, ...]) -> _Scene | None:
    if unit is Unit.TRIPLET:
        return _Scene("distance of the positive, the negative being at 2", _triplet, low=0.01)
    if unit is Unit.ANCHOR and forms[1] is Form.LABEL:
        return _Scene("distance of the positive, the negative being at 2", _batch, low=0.01, alone=True)
    if unit is Unit.DISTRIBUTION:
        return _Scene("shift of three numbers against the same three", _samples)
    return None


def _row(target: Form) -> Callable[[Tensor], tuple[Tensor, ...]]:
    def inputs(x: Tensor) -> tuple[Tensor, ...]:
        logits = torch.stack([x, torch.zeros_like(x), torch.zeros_like(x)], 1)
        if target is Form.CLASS:
            return logits, torch.zeros(len(x), dtype=torch.int64)
        return logits, torch.tensor([0.8, 0.1, 0.1], dtype=x.dtype).expand(len(x), 3)

    return inputs


def _region(form: Form) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """Two elements within the region, two outside."""
    inside = torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=torch.float64)

    def inputs(x: Tensor) -> tuple[Tensor, ...]:
        logits = x.unsqueeze(1) * (inside - 0.5)
        if form is Form.LOGIT:
            return logits, inside.expand(len(x), 4)
        return torch.stack([logits, torch.zeros_like(logits)], 1), (1 - inside).long().expand(len(x), 4)

    return inputs


def _triplet(x: Tensor) -> tuple[Tensor, ...]:
    zero = torch.zeros_like(x)
    return torch.stack([zero, zero], 1), torch.stack([x, zero], 1), torch.stack([zero, zero + 2.0], 1)


def _batch(x: Tensor) -> tuple[Tensor, ...]:
    zero = torch.zeros_like(x)
    rows = [torch.stack([zero, zero]), torch.stack([x, zero]), torch.stack([zero, zero + 2.0])]
    return torch.stack(rows), torch.tensor([0, 0, 1])


def _samples(x: Tensor) -> tuple[Tensor, ...]:
    three = torch.tensor([-1.0, 0.0, 2.0], dtype=x.dtype)
    return x.unsqueeze(1) + three, three.expand(len(x), 3)
