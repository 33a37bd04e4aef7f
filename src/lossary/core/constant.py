"""The best constant: the raw outputs that cost least on all rows together when every row gets the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sized
from typing import Any

import torch
from torch import Tensor, nn

from . import answers
from .card import Link
from .declaration import Loss
from .errors import ShapeError, sentence
from .function import LossFunction
from .kinds import Form

#: Most steps of a descent; where the loss is smooth it stops long before.
_STEPS = 200
#: Below this share of its first gradient a descent has arrived; where it starts at the least, below its square.
_ARRIVED = 1e-2
#: Shares of the targets below a number that a descent starts from: some losses are flat far away.
_QUANTILES = (0.5, 0.1, 0.9)


def best_constant(
    function: LossFunction, target: Tensor, width: int, hyper: Mapping[str, Any], squeeze: bool
) -> Tensor:
    """Raw outputs (width,) that cost least on all targets together; ``squeeze`` says that they have no axis.

    Logits stay within reach of those that say the classes' shares: a loss may be least at infinity, where nothing
    learns, and N rows cannot tell a probability below 1/(2N) from 0.

    Raises:
        ShapeError: no constant has a finite cost.
    """
    loss = function.loss
    options = {"class_dim": -1} if "class_dim" in loss.options else {}
    target = target.double() if target.is_floating_point() else target
    levels = loss.extra_axis is not None and isinstance(hyper.get(loss.extra_axis), Sized)
    starts, rows = _starts(loss, target, width, hyper, levels), _rows(loss, target, width, squeeze, levels)
    units = _units(loss, target, width)
    logits = loss.inputs[0].kind.form in (Form.LOGIT, Form.LOGITS)
    reach = math.log(2 * target.numel()) + max(each.abs().max().item() for each in starts)

    # A prediction that must be positive, say, is no less than the least target.
    floor = target.min().item() if loss.inputs[0].kind.domain is not None else -math.inf

    def raw(at: Tensor) -> Tensor:
        return reach * torch.tanh(at / reach) if logits else (units * at).clamp(min=floor)

    def cost(at: Tensor) -> Tensor:
        return function(raw(at).expand(rows), target, **hyper, **options)

    descents = [
        _Descent(cost, reach * torch.atanh(each / reach) if logits else each / units) for each in starts
    ]
    value, at = min(descents, key=lambda each: each.value).polished(loss.facts.claims.smooth is True)
    start = raw(at).float()
    if not (math.isfinite(value) and bool(start.isfinite().all())):
        raise ShapeError(
            sentence(
                f"{loss.name}.card.head",
                expected="targets on which some constant has a finite cost",
                got=f"a cost of {value:g} at {start.tolist()}",
                remedy="leave target= out",
            )
        )
    return start


def _rows(loss: Loss, target: Tensor, width: int, squeeze: bool, levels: bool) -> tuple[int, ...]:
    """The shape of raw outputs for these targets, with the classes or columns last."""
    if squeeze:
        return tuple(target.shape)
    indices = loss.has(Form.CLASS) and not target.is_floating_point()
    adds = indices or loss.inputs[0].kind.form is Form.COLUMNS or levels
    return (*(target.shape if adds else target.shape[:-1]), width)


def _columns(loss: Loss, width: int) -> list[str]:
    """What each output of a loss on columns is called; a member of an ensemble has no name."""
    names = loss.inputs[0].kind.columns or ("",)
    return [name for name in names for _ in range(width // len(names))]


def _logarithmic(column: str) -> bool:
    return column.startswith(("log", "weight"))


def _units(loss: Loss, target: Tensor, width: int) -> Tensor:
    """Steps of a descent in each output: the targets' spread where it is in their unit, 1 where it is a logarithm."""
    ones = torch.ones(width, dtype=torch.float64)
    kind = loss.inputs[0].kind
    if kind.form is not Form.COLUMNS and (kind.form is not Form.REAL or loss.facts.link is not Link.IDENTITY):
        return ones
    spread = target.double().std(correction=0).item() or 1.0
    if kind.form is Form.REAL:
        return ones * spread
    return torch.tensor([1.0 if _logarithmic(each) else spread for each in _columns(loss, width)]).double()


def _starts(loss: Loss, target: Tensor, width: int, hyper: Mapping[str, Any], levels: bool) -> list[Tensor]:
    """Outputs to descend from, the likeliest first: of equal costs the first is taken."""
    zero = torch.zeros(width, dtype=torch.float64)
    found: list[Tensor | None] = []
    if loss.has(Form.CLASS):
        classes = width + loss.inputs[0].kind.fewer
        soft = target.is_floating_point()
        rows = target if soft else nn.functional.one_hot(target[target >= 0].long(), classes).double()
        # Half a row of every class, so that one that never occurs does not start at minus infinity.
        shares = rows.reshape(-1, classes).sum(0) + 0.5
        found = [answers.raw(loss, shares / shares.sum(), hyper), zero]
    elif loss.has(Form.BINARY, Form.LABELS):
        there = target.double().reshape(-1, width)
        found = [
            answers.raw(loss, (there.sum(0) + 0.5) / (len(there) + 1), hyper),
            zero,
            zero + 1.0,
            zero - 1.0,
        ]
    elif loss.inputs[0].kind.form is Form.COLUMNS:
        found = [_by_column(loss, target.double().flatten(), width)]
    else:
        there = (
            target.double().reshape(-1, 1).expand(-1, width) if levels else target.double().reshape(-1, width)
        )
        answer = [there.mean(0), *(there.quantile(share, 0) for share in _QUANTILES)]
        found = [*(answers.raw(loss, each, hyper) for each in answer), zero]
    return [
        each
        for each in found
        if each is not None and each.shape == zero.shape and bool(each.isfinite().all())
    ]


def _by_column(loss: Loss, target: Tensor, width: int) -> Tensor:
    """The targets' quantiles in order for outputs in their unit, their mean or spread for the logarithm of one."""
    columns = _columns(loss, width)
    places = sum(not _logarithmic(each) for each in columns)
    shares = torch.linspace(0.1, 0.9, places).double() if places > 1 else torch.full((places,), 0.5).double()
    quantiles = iter(target.quantile(shares).tolist())
    spread, mean = target.std(correction=0).item(), target.mean().item()

    def start(column: str) -> float:
        if not _logarithmic(column):
            return float(next(quantiles))
        size = (
            mean
            if "mean" in column
            else spread
            if "scale" in column or "standard deviation" in column
            else 1.0
        )
        return math.log(size) if size > 0 else 0.0

    return torch.tensor([start(each) for each in columns], dtype=torch.float64)


class _Descent:
    """A way down from a start, and the least cost met on it."""

    def __init__(self, cost: Callable[[Tensor], Tensor], start: Tensor) -> None:
        self.cost = cost
        self.at = start.clone().requires_grad_()
        self.value, self.least = cost(start).item(), start
        self.size = abs(self.value) or 1.0
        self.slopes: list[float] = []
        if math.isfinite(self.value):
            torch.optim.LBFGS([self.at], max_iter=_STEPS, line_search_fn="strong_wolfe").step(self.step)  # type: ignore[no-untyped-call]

    def step(self) -> Tensor:
        """Value and gradient in units of the first cost: where a descent stops does not depend on the targets' unit."""
        value = self.cost(self.at)
        (self.at.grad,) = torch.autograd.grad(value / self.size, [self.at])
        self.slopes.append(self.at.grad.norm().item())
        if value.item() < self.value:
            self.value, self.least = value.item(), self.at.detach().clone()
        return value.detach() / self.size

    def polished(self, smooth: bool) -> tuple[float, Tensor]:
        """The least cost and where, after ever smaller steps if the line search stopped halfway.

        It does at a kink of several outputs, and where a loss holds a weight fixed, so that its gradient is not that of
        its value. Of a smooth loss it must be the latter: training then seeks the gradient's zero, not the least value.
        """
        arrived = not self.slopes or self.slopes[-1] <= _ARRIVED * max(self.slopes[0], _ARRIVED)
        if arrived or len(self.at) == 1:
            return self.value, self.least
        self.at.data.copy_(self.least)
        optimizer = torch.optim.Adam([self.at], lr=0.1)
        for _ in range(2 * _STEPS):
            optimizer.step(self.step)
            optimizer.param_groups[0]["lr"] *= 0.98
        return (self.cost(self.at).item(), self.at.detach()) if smooth else (self.value, self.least)
