"""Which axis of an input is its own: its classes, features, levels or samples."""

from __future__ import annotations

from collections.abc import Mapping, Sized

from torch import Tensor

from .declaration import Input, Loss
from .errors import DtypeError, OptionError, ShapeError, sentence
from .kinds import Form

_CLASSES = (Form.LOGITS, Form.DISTRIBUTION, Form.SCORES, Form.LABELS)
_LAST = (Form.FEATURES, Form.SAMPLES, Form.MASS)


def own(
    loss: Loss, each: Input, tensor: Tensor, hyper: Mapping[str, object], class_dim: int, first: Tensor
) -> int | None:
    """The position of an input's own axis, counted from the front; None where it has none.

    Raises:
        ShapeError, DtypeError, OptionError: the axis is missing, or the target's dtype contradicts its shape.
    """
    form = each.kind.form
    if form in _CLASSES:
        return _shared(loss, each, tensor, classes(loss, each, tensor, class_dim), hyper)
    if form is Form.CLASS:
        return _target(loss, each, tensor, hyper, class_dim, first)
    if form in _LAST:
        return _last(loss, each, tensor, None)
    if form is Form.COLUMNS:
        return _columns(loss, each, tensor)
    if form is Form.CLOUD:
        return _cloud(loss, each, tensor)
    if each.kind.extra_axis:
        many = hyper[each.kind.extra_axis]
        return _last(loss, each, tensor, len(many)) if isinstance(many, Sized) else None
    return None


def _last(loss: Loss, each: Input, tensor: Tensor, size: int | None) -> int:
    if tensor.ndim == 0 or (size is not None and tensor.shape[-1] != size):
        wanted = "at least one axis" if size is None else f"a last axis of {size} {each.kind.extra_axis}s"
        raise ShapeError(
            sentence(
                f"{loss.name}({each.name})",
                expected=wanted,
                got=f"shape {tuple(tensor.shape)}",
                remedy=f"put one number per {each.kind.extra_axis or 'entry'} on the last axis",
            )
        )
    if each.kind.form is Form.SAMPLES and tensor.shape[-1] == 0:
        raise ShapeError(
            sentence(
                f"{loss.name}({each.name})",
                expected="at least one sample in every set",
                got=f"shape {tuple(tensor.shape)}",
                remedy="leave empty sets out with mask=",
            )
        )
    return tensor.ndim - 1


def _columns(loss: Loss, each: Input, tensor: Tensor) -> int:
    names, size = each.kind.columns, tensor.shape[-1] if tensor.ndim else 0
    fits = (
        size > 0
        if not names
        else size > 0 and size % len(names) == 0
        if each.kind.blocks
        else size == len(names)
    )
    if not fits:
        many = "a multiple of " if each.kind.blocks else ""
        wanted = (
            f"a last axis {'whose size is ' if many else 'of '}{many}{len(names)}: {', '.join(names)}"
            if names
            else "at least one on the last axis"
        )
        per_row = (
            "a member for every column"
            if not names
            else f"{len(names)} per {'component' if each.kind.blocks else 'row'}"
        )
        remedy = f"let the network's last layer give {per_row}"
        if names and not each.kind.blocks and tensor.ndim > 1 and tensor.shape[1] == len(names):
            remedy = f"pass {each.name}.movedim(1, -1)"
        raise ShapeError(
            sentence(
                f"{loss.name}({each.name})",
                expected=wanted,
                got=f"shape {tuple(tensor.shape)}",
                remedy=remedy,
            )
        )
    return tensor.ndim - 1


def _cloud(loss: Loss, each: Input, tensor: Tensor) -> int:
    if tensor.ndim < 2 or tensor.shape[-2] == 0:
        rows = "members and features" if len(loss.inputs) > 1 else "rows and columns"
        raise ShapeError(
            sentence(
                f"{loss.name}({each.name})",
                expected=f"{rows} on the last two axes, and at least one of the first",
                got=f"shape {tuple(tensor.shape)}",
                remedy=f"pass (..., {rows.replace(' and', ',')})",
            )
        )
    return tensor.ndim - 2


def classes(loss: Loss, each: Input, tensor: Tensor, class_dim: int) -> int:
    """The position of a class axis."""
    if tensor.ndim == 0:
        raise ShapeError(
            sentence(
                f"{loss.name}({each.name})",
                expected="a class axis",
                got="a number",
                remedy="pass one logit per class",
            )
        )
    if tensor.ndim == 1 and class_dim == 1:
        return 0  # a row without a batch axis
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


def _shared(loss: Loss, each: Input, tensor: Tensor, axis: int, hyper: Mapping[str, object]) -> int:
    """The class axis again, if its entries can be shared out among classes."""
    if tensor.shape[axis] % each.kind.times(hyper) == 0:
        return axis
    name = each.kind.several
    raise ShapeError(
        sentence(
            f"{loss.name}({each.name})",
            expected=f"a class axis whose size is a multiple of {name}={hyper.get(name or '')!r}",
            got=f"shape {tuple(tensor.shape)}",
            remedy=f"pass {name}=, how many entries each class has there, side by side",
        )
    )


def _target(
    loss: Loss, each: Input, tensor: Tensor, hyper: Mapping[str, object], class_dim: int, first: Tensor
) -> int | None:
    if tensor.is_floating_point() and loss.facts.soft is None and tensor.ndim == first.ndim:
        raise DtypeError(
            sentence(
                f"{loss.name}({each.name})",
                expected="class indices, since this loss gives probabilities no meaning",
                got=f"{tensor.dtype} with the class axis, shape {tuple(tensor.shape)}",
                remedy=f"pass {each.name}.argmax({class_dim})",
            )
        )
    if tensor.is_floating_point():
        if tensor.ndim == first.ndim:
            return classes(loss, each, tensor, class_dim)
        raise DtypeError(
            sentence(
                f"{loss.name}({each.name})",
                expected="class indices as integers",
                got=f"{tensor.dtype}",
                remedy=f"pass {each.name}.long()",
            )
        )
    if tensor.ndim == first.ndim and _whole_rows(loss, tensor, hyper, class_dim, first):
        raise DtypeError(
            sentence(
                f"{loss.name}({each.name})",
                expected="indices without the class axis, or floating probabilities",
                got=f"{tensor.dtype} with the class axis, shape {tuple(tensor.shape)}",
                remedy=f"pass {each.name}.to({first.dtype}) if it is one-hot",
            )
        )
    return None


def _whole_rows(
    loss: Loss, tensor: Tensor, hyper: Mapping[str, object], class_dim: int, first: Tensor
) -> bool:
    """Whether a target has one entry per class where the first input has its class axis."""
    shape, kind = list(first.shape), loss.inputs[0].kind
    if (kind.fewer or kind.several) and shape:
        axis = class_dim if -len(shape) <= class_dim < len(shape) else -1
        shape[axis] = kind.classes(shape[axis], hyper)
    return list(tensor.shape) == shape
