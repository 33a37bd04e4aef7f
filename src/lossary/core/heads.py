"""The last layer a loss asks of a network: as many outputs as it takes, starting at the best constant prediction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sized
from typing import Any

import torch
from torch import Tensor, nn

from . import answers
from .constant import best_constant
from .declaration import Loss
from .domains import PerClass, Whole
from .errors import DomainError, DtypeError, OptionError, ShapeError, sentence
from .function import LossFunction
from .kinds import Form
from .unit import Unit

#: The class index that no call counts.
IGNORED = -100
#: Components of a mixture, or members of an ensemble, where nobody says how many.
MEMBERS = 5


class Head(nn.Module):
    """A linear layer with a loss's outputs.

    Its weights start small and its bias at the best constant, so that training begins where the features say nothing.

    Attributes:
        linear: the layer from features to outputs, or to one score that all outputs share.
        bias: what is added to each output.
        shared: how the score enters each output, None where each output has weights of its own.
    """

    shared: Tensor | None

    def __init__(
        self, in_features: int, bias: Tensor, shared: Tensor | None = None, squeeze: bool = False
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, len(bias) if shared is None else 1, bias=False)
        nn.init.normal_(self.linear.weight, std=0.01 / math.sqrt(in_features))
        self.bias = nn.Parameter(bias.to(self.linear.weight.dtype))
        self.register_buffer("shared", shared)
        self.squeeze = squeeze

    def forward(self, features: Tensor) -> Tensor:
        """Raw outputs of the shape the loss takes, from features (..., in_features)."""
        found: Tensor = self.linear(features)
        found = (found if self.shared is None else found * self.shared) + self.bias
        return found.squeeze(-1) if self.squeeze else found

    def extra_repr(self) -> str:
        return f"outputs={len(self.bias)}" + (", one shared score" if self.shared is not None else "")


def head(
    function: LossFunction,
    in_features: int,
    *,
    outputs: int | None = None,
    target: Tensor | None = None,
    hyper: Mapping[str, Any] | None = None,
) -> Head:
    """The final layer for a loss.

    Args:
        in_features: features that reach the layer.
        outputs: how many classes, labels, components, members or numbers are predicted; ``target`` tells it where
            given, a mixture or an ensemble has ``MEMBERS`` unless it is said, and a loss on numbers takes one for each
            target without an axis of its own.
        target: targets of the training rows, (N,) or (N, ...): the bias starts at the constant of least cost on them.
        hyper: the loss's hyper-parameters.

    Raises:
        OptionError: the loss predicts nothing a linear layer could, nobody says how many outputs there are, or a
            hyper-parameter is unknown or missing.
        DomainError, DtypeError, ShapeError: numbers of features or outputs, or targets, that no layer has.
    """
    loss = function.loss
    settled = answers.settle(loss, hyper or {}, complete=target is not None)
    target = _kept(loss, target)
    _check(loss, in_features, outputs, target)
    width, squeeze = _width(loss, outputs, target, settled)
    start = torch.zeros(width)
    if target is not None:
        start = best_constant(function, target, width, settled, squeeze)
    shared = loss.facts.shared(width) if loss.facts.shared is not None else None
    return Head(in_features, start, shared, squeeze)


def _check(loss: Loss, in_features: object, outputs: object, target: object) -> None:
    """Whole numbers of features and outputs, and targets that are a tensor with something in it."""
    least = Whole(1 + loss.inputs[0].kind.fewer)
    for name, value, domain in (("in_features", in_features, Whole(1)), ("outputs", outputs, least)):
        if value is not None and not (isinstance(value, int) and domain.holds(value)):
            subject = f"{loss.name}.card.head({name}=...)"
            raise DomainError(
                sentence(subject, expected=domain.says, got=repr(value), remedy="choose one inside")
            )
    if target is None:
        return
    if not isinstance(target, Tensor):
        raise DtypeError(
            sentence(
                f"{loss.name}.card.head(target=...)",
                expected="a tensor",
                got=type(target).__name__,
                remedy="pass torch.as_tensor(target)",
            )
        )
    rows = loss.classed and (target.is_floating_point() or loss.has(Form.LABELS))
    if target.numel() == 0 or target.ndim < 1 + rows:
        raise ShapeError(
            sentence(
                f"{loss.name}.card.head(target=...)",
                expected="the targets of at least one row" + (", classes or labels last" if rows else ""),
                got=f"shape {tuple(target.shape)}",
                remedy="pass (N, classes), or class indices as integers" if rows else "leave target= out",
            )
        )


def _kept(loss: Loss, target: Any) -> Any:
    """Targets without those that say "ignore"."""
    indices = isinstance(target, Tensor) and not target.is_floating_point() and loss.has(Form.CLASS)
    return target[target != IGNORED] if indices and bool((target == IGNORED).any()) else target


def _width(
    loss: Loss, outputs: int | None, target: Tensor | None, hyper: Mapping[str, Any]
) -> tuple[int, bool]:
    """How many raw outputs the layer has, and whether their axis is dropped."""
    kind = loss.inputs[0].kind
    if len(loss.required) != 2 or kind.limited or kind.form in (Form.FEATURES, Form.SAMPLES, Form.CLOUD):
        raise OptionError(
            sentence(
                f"{loss.name}.card.head",
                expected="a loss of one network's raw outputs and a target",
                got=f"inputs {', '.join(each.name for each in loss.required)}",
                remedy="build the layer to the shape of its inputs",
            )
        )
    if kind.form is Form.COLUMNS:
        if not kind.columns or kind.blocks:
            return (outputs or MEMBERS) * max(len(kind.columns), 1), False
        if outputs not in (None, len(kind.columns)):
            raise OptionError(
                sentence(
                    f"{loss.name}.card.head(outputs=...)",
                    expected=f"{len(kind.columns)} per row: {', '.join(kind.columns)}",
                    got=repr(outputs),
                    remedy="leave it out",
                )
            )
        return len(kind.columns), False
    if loss.classed:
        return _classes(loss, outputs, target, hyper) - kind.fewer, False
    many = hyper.get(loss.extra_axis) if loss.extra_axis is not None else None
    if isinstance(many, Sized):
        return len(many), False
    if outputs is None:
        own = target is not None and target.ndim > 1 and loss.unit is not Unit.REGION
        return (target.shape[-1] if own else 1), not own  # type: ignore[union-attr]
    return outputs, False


def _classes(loss: Loss, outputs: int | None, target: Tensor | None, hyper: Mapping[str, Any]) -> int:
    told = [len(hyper[each.name]) for each in loss.hyper
            if isinstance(each.domain, PerClass) and hyper.get(each.name) is not None]  # fmt: skip
    indices = target is not None and not target.is_floating_point() and not loss.has(Form.LABELS)
    classes = outputs if outputs is not None else told[0] if told else None
    if classes is not None:
        if indices and target is not None and int(target.max()) >= classes:
            raise ShapeError(
                sentence(
                    f"{loss.name}.card.head(target=...)",
                    expected=f"class indices below {classes}",
                    got=str(int(target.max())),
                    remedy="give the layer more outputs",
                )
            )
        return classes
    if target is None:
        raise OptionError(
            sentence(
                f"{loss.name}.card.head",
                expected="outputs= or target=",
                got="neither",
                remedy="say how many classes or labels there are",
            )
        )
    # A single class so far is one of at least two.
    return max(int(target.max()) + 1, 1 + loss.inputs[0].kind.fewer) if indices else target.shape[-1]
