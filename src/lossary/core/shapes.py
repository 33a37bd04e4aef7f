"""Shapes of a call, judged before any value is read.

Each input is the *sample axes* plus at most one axis of its own (classes, features, levels, samples of a set). So one
rule serves every loss: take away each input's own axis, and what is left must be the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Size, Tensor

from .declaration import Input, Loss
from .errors import DtypeError, OptionError, ShapeError, sentence
from .kinds import Form
from .unit import Unit


class Frame(NamedTuple):
    """Where things are in a call.

    Attributes:
        samples: the sample axes, which weights and masks are a prefix of.
        axes: for each input, the position of its own axis, or None.
        classes: size of the class axis, 0 where there is none.
    """

    samples: Size
    axes: tuple[int | None, ...]
    classes: int


_CLASS_AXIS = (Form.LOGITS, Form.DISTRIBUTION)
_LAST_AXIS = (Form.FEATURES, Form.SAMPLES, Form.MASS)
_OWN = {
    Form.LOGITS: "class axis",
    Form.DISTRIBUTION: "class axis",
    Form.CLASS: "class axis",
    Form.FEATURES: "feature axis",
    Form.SAMPLES: "last axis",
    Form.MASS: "last axis",
    Form.REAL: "level axis",
}


def frame(
    loss: Loss, inputs: tuple[Tensor | None, ...], hyper: Mapping[str, object], class_dim: int
) -> Frame:
    """Check dtypes, devices and shapes, and find every axis.

    Raises:
        DtypeError, ShapeError, OptionError: as CONTRACT 14 and 15 say.
    """
    first = inputs[0]
    assert first is not None
    return _usual(loss, inputs, first, class_dim) or _any(loss, inputs, first, hyper, class_dim)


def _usual(loss: Loss, inputs: tuple[Tensor | None, ...], first: Tensor, class_dim: int) -> Frame | None:
    """The frame of a call in which everything is as it mostly is, at a fraction of the price; None if it is not."""
    target = inputs[1] if len(inputs) == 2 else None
    if target is None or not first.is_floating_point() or target.device != first.device:
        return None
    shape = first.shape
    if loss.elementwise:
        usual = target.dtype == first.dtype and target.shape == shape and loss.unit is not Unit.REGION
        return Frame(shape, (None, None), 0) if usual else None
    if loss.indexed and target.dtype == torch.int64 and 0 < class_dim < len(shape):
        samples = shape[:class_dim] + shape[class_dim + 1 :]
        return Frame(samples, (class_dim, None), shape[class_dim]) if target.shape == samples else None
    return None


def _any(
    loss: Loss, inputs: tuple[Tensor | None, ...], first: Tensor, hyper: Mapping[str, object], class_dim: int
) -> Frame:
    axes: list[int | None] = []
    samples: Size | None = None
    classes = 0
    sizes: dict[str, int] = {}
    for each, tensor in zip(loss.inputs, inputs, strict=True):
        if tensor is None:
            axes.append(None)
            continue
        _check_dtype(loss, each, tensor, first)
        axis = _own_axis(loss, each, tensor, hyper, class_dim, first)
        axes.append(axis)
        shape = tensor.shape
        if axis is not None:
            own = shape[axis]
            shape = Size(shape[:axis] + shape[axis + 1 :])
            name = _OWN[each.kind.form]
            if name == "class axis":
                classes = own
            group = f"{name} {'' if each.kind.form is not Form.SAMPLES else each.name}"
            if each.kind.form is Form.MASS:
                group = f"last axis {each.name.removesuffix('_weight')}"
            if sizes.setdefault(group, own) != own:
                raise _mismatch(loss, inputs, f"{name}s of one size")
        if samples is None:
            samples = shape
        elif shape != samples:
            raise _mismatch(loss, inputs, "inputs that belong together without broadcasting")
    assert samples is not None
    if loss.unit is Unit.REGION and not samples:
        raise ShapeError(
            sentence(
                f"{loss.name}({loss.inputs[0].name})",
                expected="a batch axis and at least one more",
                got=f"shape {tuple(first.shape)}",
                remedy="add a batch axis with .unsqueeze(0)",
            )
        )
    if loss.unit is Unit.ANCHOR and len(samples) != 1:
        raise ShapeError(
            sentence(
                f"{loss.name}({loss.inputs[0].name})",
                expected="shape (batch, features)",
                got=f"shape {tuple(first.shape)}",
                remedy="reshape it to two axes",
            )
        )
    return Frame(samples, tuple(axes), classes)


def _check_dtype(loss: Loss, each: Input, tensor: Tensor, first: Tensor) -> None:
    form = each.kind.form
    if each.kind.floating:
        if not tensor.is_floating_point():
            raise DtypeError(
                sentence(
                    f"{loss.name}({each.name})",
                    expected="a floating tensor",
                    got=f"{tensor.dtype}",
                    remedy=f"pass {each.name}.to({first.dtype if first.is_floating_point() else 'torch.float32'})",
                )
            )
    elif tensor.is_complex() or (form is Form.LABEL and tensor.is_floating_point()):
        wanted = "an integer tensor" if form is Form.LABEL else "an integer, boolean or floating tensor"
        raise DtypeError(
            sentence(
                f"{loss.name}({each.name})",
                expected=wanted,
                got=f"{tensor.dtype}",
                remedy=f"pass {each.name}.long()",
            )
        )
    if tensor.device != first.device:
        raise DtypeError(
            sentence(
                f"{loss.name}({each.name})",
                expected=f"a tensor on {first.device}, where {loss.inputs[0].name} is",
                got=f"one on {tensor.device}",
                remedy=f"move it with {each.name}.to({str(first.device)!r})",
            )
        )


def _own_axis(
    loss: Loss, each: Input, tensor: Tensor, hyper: Mapping[str, object], class_dim: int, first: Tensor
) -> int | None:
    form = each.kind.form
    if form in _CLASS_AXIS:
        return _class_axis(loss, each, tensor, class_dim)
    if form is Form.CLASS:
        return _target_axis(loss, each, tensor, class_dim, first)
    if form in _LAST_AXIS or (
        each.kind.extra_axis and not isinstance(hyper[each.kind.extra_axis], (int, float))
    ):
        if tensor.ndim == 0:
            raise ShapeError(
                sentence(
                    f"{loss.name}({each.name})",
                    expected="at least one axis",
                    got="a number",
                    remedy="add the axis with .unsqueeze(0)",
                )
            )
        if each.kind.extra_axis:
            levels = hyper[each.kind.extra_axis]
            assert isinstance(levels, (list, tuple))
            if tensor.shape[-1] != len(levels):
                raise ShapeError(
                    sentence(
                        f"{loss.name}({each.name})",
                        expected=f"a last axis of {len(levels)} levels",
                        got=f"shape {tuple(tensor.shape)}",
                        remedy="give one prediction per level on the last axis",
                    )
                )
        return tensor.ndim - 1
    return None


def _class_axis(loss: Loss, each: Input, tensor: Tensor, class_dim: int) -> int:
    if tensor.ndim == 0:
        raise ShapeError(
            sentence(
                f"{loss.name}({each.name})",
                expected="a class axis",
                got="a number",
                remedy="pass one logit per class",
            )
        )
    if tensor.ndim == 1:
        return 0
    if not -tensor.ndim <= class_dim < tensor.ndim:
        raise OptionError(
            sentence(
                f"{loss.name}(class_dim=...)",
                expected=f"an axis of a tensor with {tensor.ndim} axes",
                got=f"{class_dim}",
                remedy="give the axis on which the classes lie",
            )
        )
    return class_dim % tensor.ndim


def _target_axis(loss: Loss, each: Input, tensor: Tensor, class_dim: int, first: Tensor) -> int | None:
    if tensor.is_floating_point():
        if tensor.shape == first.shape:
            return _class_axis(loss, each, tensor, class_dim)
        if tensor.ndim == first.ndim - 1:
            raise DtypeError(
                sentence(
                    f"{loss.name}({each.name})",
                    expected="class indices as integers",
                    got=f"{tensor.dtype}",
                    remedy=f"pass {each.name}.long()",
                )
            )
    elif tensor.shape == first.shape:
        raise DtypeError(
            sentence(
                f"{loss.name}({each.name})",
                expected="indices without the class axis, or floating probabilities",
                got=f"{tensor.dtype} with the class axis, shape {tuple(tensor.shape)}",
                remedy=f"pass {each.name}.to({first.dtype}) if it is one-hot",
            )
        )
    return None


def _mismatch(loss: Loss, inputs: tuple[Tensor | None, ...], expected: str) -> ShapeError:
    given = [(each, tensor) for each, tensor in zip(loss.inputs, inputs, strict=True) if tensor is not None]
    shapes = " and ".join(f"{each.name} {tuple(tensor.shape)}" for each, tensor in given)
    (one, a), (two, b) = given[0], given[-1]
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1 and a.shape[:-1] == b.shape:
        remedy = f"pass {one.name}.squeeze(-1)"
    elif b.ndim == a.ndim + 1 and b.shape[-1] == 1 and b.shape[:-1] == a.shape:
        remedy = f"pass {two.name}.squeeze(-1)"
    elif a.numel() == b.numel() and one.kind.form is not Form.LOGITS:
        remedy = f"pass {two.name}.reshape({one.name}.shape)"
    else:
        remedy = "give them the same sample axes; nothing is broadcast"
    return ShapeError(sentence(loss.name, expected=expected, got=shapes, remedy=remedy))
