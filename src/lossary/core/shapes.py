"""Shapes of a call, judged before any value is read.

Each input is the *sample axes* plus at most one axis of its own (classes, features, levels, samples of a set). So one
rule serves every loss: take away each input's own axis, and what is left must be the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Size, Tensor

from . import axes, dtypes
from .declaration import Input, Loss
from .errors import ShapeError, sentence
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


#: What an input's own axis is called, and the axes that must be of one size. Sets of samples may differ in size.
_NAMES = {
    Form.LOGITS: "class",
    Form.DISTRIBUTION: "class",
    Form.CLASS: "class",
    Form.SCORES: "class",
    Form.LABELS: "class",
    Form.COLUMNS: "column",
    Form.CLOUD: "feature",
    Form.FEATURES: "feature",
    Form.REAL: "level",
}


def frame(
    loss: Loss, inputs: tuple[Tensor | None, ...], hyper: Mapping[str, object], class_dim: int
) -> Frame:
    """Check dtypes, devices and shapes, and find every axis.

    Raises:
        DtypeError, ShapeError, OptionError: as CONTRACT 14 and 15 say.
    """
    many = loss.extra_axis is not None and not isinstance(hyper[loss.extra_axis], (int, float))
    found = None if many else usual(loss, inputs, class_dim)
    return _any(loss, inputs, hyper, class_dim) if found is None else found


def usual(loss: Loss, inputs: tuple[Tensor | None, ...], class_dim: int) -> Frame | None:
    """The frame of a call in which everything is as it mostly is, at a fraction of the price; None if it is not."""
    if not (loss.simple or loss.paired):
        return None
    first, other = inputs[0], inputs[1]
    if not (isinstance(first, Tensor) and isinstance(other, Tensor) and first.is_floating_point()):
        return None
    if other.device != first.device:
        return None
    shape = first.shape
    if loss.paired:
        return _paired(loss, first, other, class_dim)
    if loss.indexed:
        if other.dtype != torch.int64 or not 0 < class_dim < len(shape):
            return None
        samples = shape[:class_dim] + shape[class_dim + 1 :]
        if other.shape != samples or (loss.unit is Unit.REGION and len(samples) < 2):
            return None
        return Frame(samples, (class_dim, None), shape[class_dim])
    if other.dtype != first.dtype or other.shape != shape:
        return None
    if loss.elementwise:
        return Frame(shape, (None, None), 0) if loss.unit is not Unit.REGION or len(shape) > 1 else None
    if not shape or shape[-1] == 0 or not _like(inputs[2:], first):
        return None
    return Frame(shape[:-1], (len(shape) - 1,) * len(inputs), 0)


def _paired(loss: Loss, first: Tensor, other: Tensor, class_dim: int) -> Frame | None:
    shape = first.shape
    if loss.unit is Unit.ANCHOR:
        known = other.dtype == torch.int64 and len(shape) == 2 and other.shape == shape[:1]
        return Frame(shape[:1], (1, None), 0) if known else None
    if other.dtype != first.dtype or other.shape != shape or not 0 < class_dim < len(shape):
        return None
    return Frame(shape[:class_dim] + shape[class_dim + 1 :], (class_dim, class_dim), shape[class_dim])


def _like(others: tuple[object, ...], first: Tensor) -> bool:
    """Whether each is left out, or a tensor of the same shape, dtype and device as the first."""
    for each in others:
        if each is None:
            continue
        if not isinstance(each, Tensor) or each.shape != first.shape:
            return False
        if each.dtype != first.dtype or each.device != first.device:
            return False
    return True


def _any(loss: Loss, inputs: tuple[Tensor | None, ...], hyper: Mapping[str, object], class_dim: int) -> Frame:
    first = inputs[0]
    dtypes.check(loss, loss.inputs[0], first, first)  # type: ignore[arg-type]
    assert first is not None
    found: list[int | None] = []
    samples: Size | None = None
    classes = 0
    sizes: dict[str, int] = {}
    for each, tensor in zip(loss.inputs, inputs, strict=True):
        if tensor is None and each.optional:
            found.append(None)
            continue
        dtypes.check(loss, each, tensor, first)
        assert tensor is not None
        axis = axes.own(loss, each, tensor, hyper, class_dim, first)
        found.append(axis)
        shape = tensor.shape
        if axis is not None:
            cloud = each.kind.form is Form.CLOUD
            size = each.kind.classes(shape[-1] if cloud else shape[axis], hyper)
            shape = shape[:axis] if cloud else Size(shape[:axis] + shape[axis + 1 :])
            name = _NAMES.get(each.kind.form) or each.name.removesuffix("_weight")
            classes = size if name == "class" else classes
            if sizes.setdefault(name, size) != size:
                raise _mismatch(loss, inputs, found, f"one size of the {name} axis{_but(loss, each)}")
        if samples is None:
            samples = shape
        elif shape != samples:
            raise _mismatch(loss, inputs, found, "inputs that belong together without broadcasting")
    assert samples is not None
    _check_depth(loss, first, samples)
    return Frame(samples, tuple(found), classes)


def _but(loss: Loss, other: Input) -> str:
    """How the first input's class axis differs from the other's."""
    one = loss.inputs[0]
    if one.kind.several:
        return f", {one.kind.several} times that for {one.name}"
    return f", less {one.kind.fewer} for {one.name}" if one.kind.fewer and not other.kind.fewer else ""


def _check_depth(loss: Loss, first: Tensor, samples: Size) -> None:
    """A region needs an axis to sum over, a batch exactly one axis of samples."""
    if loss.unit is Unit.REGION and len(samples) < 2:
        expected, remedy = (
            "a batch axis and at least one axis to sum over",
            "add the batch axis with .unsqueeze(0)",
        )
    elif loss.unit is Unit.ANCHOR and len(samples) != 1:
        axis = "classes" if loss.classed else "features"
        expected, remedy = f"shape (batch, {axis})", "reshape it to two axes"
    else:
        return
    name = f"{loss.name}({loss.inputs[0].name})"
    raise ShapeError(sentence(name, expected=expected, got=f"shape {tuple(first.shape)}", remedy=remedy))


def _mismatch(
    loss: Loss, inputs: tuple[Tensor | None, ...], found: list[int | None], expected: str
) -> ShapeError:
    """The error that names all shapes, and the fix where there is a plain one. The last of ``found`` disagrees."""
    given = [
        (each, tensor) for each, tensor in zip(loss.inputs, inputs, strict=True) if isinstance(tensor, Tensor)
    ]
    shapes = " and ".join(f"{each.name} {tuple(tensor.shape)}" for each, tensor in given)
    one, a = loss.inputs[0], inputs[0]
    two, b = loss.inputs[len(found) - 1], inputs[len(found) - 1]
    assert a is not None and b is not None
    remedy = _remedy(one, _without(a, found[0]), two, _without(b, found[-1]))
    if one.kind.fewer and a.shape == b.shape and found[-1] is None:
        remedy = f"pass {one.name}.unsqueeze(-1) if there is one threshold"
    return ShapeError(sentence(loss.name, expected=expected, got=shapes, remedy=remedy))


def _without(tensor: Tensor, axis: int | None) -> tuple[int, ...]:
    return tuple(size for position, size in enumerate(tensor.shape) if position != axis)


def _remedy(one: Input, a: tuple[int, ...], two: Input, b: tuple[int, ...]) -> str:
    if a == (*b, 1):
        return f"pass {one.name}.squeeze(-1)"
    if b == (*a, 1):
        return f"pass {two.name}.squeeze(-1)"
    if a != b and sorted(a) == sorted(b):
        return f"bring {two.name} into the order of {one.name} with .movedim"
    return "give them the same sample axes; nothing is broadcast"
