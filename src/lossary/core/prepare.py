"""Canonical inputs of a call: what the math of every loss can rely on."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from . import canonical, values
from .declaration import Loss
from .domains import BelowOne
from .errors import DomainError, OptionError, sentence
from .kinds import Form
from .options import AUTO, Options
from .shapes import Frame
from .unit import Unit

SCALES = ("logits", "log_probabilities", "probabilities")


def check(loss: Loss, options: Options) -> None:
    """Refuse options that no loss knows: a scale, an index to ignore, a class axis, a smoothing outside [0, 1).

    Raises:
        OptionError, DomainError: naming the option.
    """
    if options.ignore_index not in (None, AUTO) and type(options.ignore_index) is not int:
        raise OptionError(
            sentence(
                f"{loss.name}(ignore_index=...)",
                expected="an integer or None",
                got=repr(options.ignore_index),
                remedy="-100 is common",
            )
        )
    if type(options.class_dim) is not int:
        raise OptionError(
            sentence(
                f"{loss.name}(class_dim=...)",
                expected="an integer",
                got=repr(options.class_dim),
                remedy="1 and -1 are common",
            )
        )
    for name in ("inputs", "target_inputs"):
        if getattr(options, name) not in SCALES:
            raise OptionError(
                sentence(
                    f"{loss.name}({name}=...)",
                    expected="'logits', 'log_probabilities' or 'probabilities'",
                    got=repr(getattr(options, name)),
                    remedy="choose one of them",
                )
            )
    if options.label_smoothing != 0.0 and not BelowOne.holds(options.label_smoothing):
        raise DomainError(
            sentence(
                f"{loss.name}(label_smoothing=...)",
                expected=BelowOne.says,
                got=repr(options.label_smoothing),
                remedy="0.1 is common",
            )
        )


def prepare(
    loss: Loss,
    inputs: tuple[Tensor | None, ...],
    where_is: Frame,
    options: Options,
    live: bool,
    least: torch.dtype = torch.float32,
) -> tuple[tuple[Any, ...], Tensor | None, torch.dtype]:
    """Inputs for the block, the factor that class weights put into the measure, and the dtype of both.

    Args:
        least: the dtype of a first input that stays aside and is None here.
    """
    first, other = inputs[0], inputs[1] if len(inputs) > 1 else None
    plain = options.class_weight is None and options.label_smoothing == 0.0
    if (
        plain
        and loss.simple
        and first is not None
        and other is not None
        and first.dtype in (torch.float32, torch.float64)
    ):
        if loss.indexed and other.dtype is torch.int64:
            axis = where_is.axes[0]
            assert axis is not None
            row = canonical.log_row(first, options.inputs, axis)
            if loss.unit is Unit.REGION:
                other = canonical.soften(other, where_is.classes, first.dtype)
            return (row, other), None, first.dtype
        if loss.as_given and all(each is None or each.dtype is first.dtype for each in inputs):
            return inputs, None, first.dtype
        if loss.elementwise and other.dtype is first.dtype:
            return (canonical.bernoulli(first, options.inputs), other), None, first.dtype
    dtype = (
        torch.float64
        if least is torch.float64 or any(each is not None and each.dtype is torch.float64 for each in inputs)
        else torch.float32
    )
    ready: list[Any] = []
    factor: Tensor | None = None
    for each, tensor, axis in zip(loss.inputs, inputs, where_is.axes, strict=True):
        form = each.kind.form
        if tensor is None or form is Form.LABEL:
            ready.append(tensor)
        elif form is Form.LOGIT:
            ready.append(canonical.bernoulli(tensor, options.inputs))
        elif form is Form.LOGITS:
            assert axis is not None
            ready.append(canonical.log_row(tensor, options.inputs, axis))
        elif form is Form.DISTRIBUTION:
            assert axis is not None
            ready.append(canonical.log_row(tensor, options.target_inputs, axis))
        elif form is Form.CLASS:
            target, factor = _classes(loss, tensor, axis, where_is.classes, dtype, options, live)
            ready.append(target)
        elif form is Form.BINARY:
            target, factor = _binary(loss, tensor, dtype, options, live)
            ready.append(target)
        elif form in (Form.SCORES, Form.LABELS):
            assert axis is not None
            there = tensor.to(dtype)
            ready.append(there if axis == there.ndim - 1 else there.movedim(axis, -1))
        else:
            ready.append(tensor.to(dtype))
    return tuple(ready), factor, dtype


def _classes(
    loss: Loss,
    target: Tensor,
    axis: int | None,
    classes: int,
    dtype: torch.dtype,
    options: Options,
    live: bool,
) -> tuple[Tensor, Tensor | None]:
    if axis is None:
        target = target.long()
    else:
        target = canonical.wide(target)
        target = target if axis == target.ndim - 1 else target.movedim(axis, -1)
    weights = class_weights(loss, options.class_weight, classes, target, live)
    if loss.unit is Unit.REGION:
        return canonical.soften(target, classes, dtype), weights
    if options.label_smoothing != 0.0:
        target = canonical.smooth_classes(target, classes, options.label_smoothing, dtype)
    if weights is None:
        return target, None
    if not target.is_floating_point():
        return target, canonical.of_class(weights, target)
    # A soft target is its classes in parts: each part counts as its class does, and the row counts as all parts.
    parts = target * weights
    factor = parts.sum(-1)
    return parts / torch.where(factor == 0, 1.0, factor).unsqueeze(-1), factor


def _binary(
    loss: Loss, target: Tensor, dtype: torch.dtype, options: Options, live: bool
) -> tuple[Tensor, Tensor | None]:
    target = canonical.smooth_binary(target.to(dtype), options.label_smoothing)
    weights = class_weights(loss, options.class_weight, 2, target, live)
    if weights is None:
        return target, None
    positive = target * weights[1]
    factor = positive + (1.0 - target) * weights[0]
    return positive / torch.where(factor == 0, 1.0, factor), factor


def class_weights(
    loss: Loss, weights: Tensor | None, classes: int, target: Tensor, live: bool
) -> Tensor | None:
    """A class weight as the measure takes it, checked; None where there is none."""
    if weights is None:
        return None
    values.class_weights(loss, weights, classes, target)
    if live:
        values.weights(f"{loss.name}(class_weight)", weights)
    return canonical.wide(weights)
