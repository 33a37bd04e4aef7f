"""One training step of a two-weight network, by the real loss, autograd and torch's own optimisers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.core.checks import checks
from lossary.core.errors import OptionError, sentence
from lossary.core.function import LossFunction

from .example import with_required
from .lesson import lesson
from .plan import Lesson, Numbers

RATE = 0.05
WEIGHTS = (0.5, 0.25)
BETAS = (0.9, 0.999)  # torch's defaults, as is EPSILON
EPSILON = 1e-8


@dataclass(frozen=True)
class Moved:
    """What one optimiser made of the gradient.

    Attributes:
        name: SGD or Adam.
        weights: after the step.
        outputs: of the network after the step.
        loss: after the step.
    """

    name: str
    weights: Numbers
    outputs: Numbers
    loss: float


@dataclass(frozen=True)
class Step:
    """One training step, number by number.

    Attributes:
        lesson: the network, its inputs and its target.
        settings: hyper-parameters that were chosen, and those of the example for what a call must give.
        rate: the learning rate of both optimisers.
        weights: before the step.
        outputs: the network's, before the step.
        loss: before the step.
        slopes: derivative of the loss in each output.
        gradient: derivative of the loss in each weight.
        moved: after the step, by each optimiser.
    """

    lesson: Lesson
    settings: Mapping[str, object]
    rate: float
    weights: Numbers
    outputs: Numbers
    loss: float
    slopes: Numbers
    gradient: Numbers
    moved: tuple[Moved, ...]


def step(
    function: LossFunction,
    settings: Mapping[str, object] | None = None,
    *,
    rate: float = RATE,
    x: Sequence[float] | None = None,
    target: Sequence[float] | None = None,
    weights: Sequence[float] = WEIGHTS,
) -> Step:
    """Take one step with SGD and one with Adam from the same start, in float64.

    Raises:
        OptionError: numbers that do not fit the network, or a loss no two weights can feed.
        DomainError: a target or a setting outside its domain.
    """
    chosen = with_required(function.loss, settings or {})
    if len(weights) != 2:
        raise OptionError(
            sentence(
                "--weights", expected="2 numbers", got=str(len(weights)), remedy="write --weights 0.5,0.25"
            )
        )
    if not 0.0 < rate < float("inf"):
        raise OptionError(
            sentence("--lr", expected="a finite number above 0", got=f"{rate:g}", remedy="write --lr 0.05")
        )
    plan = lesson(function.loss, chosen, x, target)
    factors = torch.tensor([each.factors for each in plan.outputs], dtype=torch.float64)

    def value(outputs: Tensor) -> Tensor:
        if not function.loss.required[0].kind.limited:
            return function(*plan.inputs(outputs), **chosen)
        # A step of two weights goes past the ends of a cosine, where the formula goes on.
        with checks("off"):
            return function(*plan.inputs(outputs), **chosen)

    start = torch.tensor(list(weights), dtype=torch.float64, requires_grad=True)
    outputs = factors @ start
    outputs.retain_grad()
    loss = value(outputs)
    loss.backward()  # type: ignore[no-untyped-call]
    assert outputs.grad is not None and start.grad is not None
    # Beside the other outputs' slopes one of 3e-33 is what rounding left of 0.
    slopes = _without_rounding(outputs.grad, outputs.grad.unsqueeze(1))
    slope = _without_rounding(start.grad, factors * slopes.unsqueeze(1))
    moved = []
    for name in ("SGD", "Adam"):
        weight = torch.nn.Parameter(start.detach().clone())
        optimiser: torch.optim.Optimizer = (
            torch.optim.SGD([weight], lr=rate)
            if name == "SGD"
            else torch.optim.Adam([weight], lr=rate, betas=BETAS, eps=EPSILON)
        )
        weight.grad = slope.clone()
        optimiser.step()
        after = factors @ weight
        moved.append(Moved(name, _numbers(weight), _numbers(after), value(after).item()))
    return Step(
        plan, chosen, rate, _numbers(start), _numbers(outputs), loss.item(), _numbers(slopes),
        _numbers(slope), tuple(moved),
    )  # fmt: skip


def _without_rounding(total: Tensor, terms: Tensor) -> Tensor:
    """A sum, 0 where it is no more than its terms' roundings: nobody learns from 6.7e-16."""
    rounding = 4 * torch.finfo(terms.dtype).eps * terms.abs().sum(0)
    return torch.where(total.abs() <= rounding, 0.0, total)


def step_json(taken: Step, name: str) -> dict[str, object]:
    """The step as plain data."""
    plan = taken.lesson
    return {
        "loss": name,
        "settings": {key: value if isinstance(value, (int, float, str, bool)) else str(value)
                     for key, value in taken.settings.items()},
        "network": plan.network,
        "x": list(plan.x),
        "target": list(plan.truth),
        "learning_rate": taken.rate,
        "weights": list(taken.weights),
        "outputs": {each.name: value for each, value in zip(plan.outputs, taken.outputs, strict=True)},
        "loss_before": taken.loss,
        "d_loss_d_outputs": {each.name: value for each, value in zip(plan.outputs, taken.slopes, strict=True)},
        "gradient": list(taken.gradient),
        "after": [
            {"optimiser": each.name, "weights": list(each.weights), "outputs": list(each.outputs), "loss": each.loss}
            for each in taken.moved
        ],
    }  # fmt: skip


def _numbers(tensor: Tensor) -> Numbers:
    return tuple(tensor.detach().tolist())
