"""Which axis of an input is its own: its classes, features, levels or samples."""

from __future__ import annotations

from collections.abc import Mapping, Sized

from torch import Tensor

from .declaration import Input, Loss
from .errors import DtypeError, OptionError, ShapeError, sentence
from .kinds import Form

_CLASSES = (Form.LOGITS, Form.DISTRIBUTION)
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
        return _classes(loss, each, tensor, class_dim)
    if form is Form.CLASS:
        return _target(loss, each, tensor, class_dim, first)
    if form in _LAST:
        return _last(loss, each, tensor, None)
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


def _classes(loss: Loss, each: Input, tensor: Tensor, class_dim: int) -> int:
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


def _target(loss: Loss, each: Input, tensor: Tensor, class_dim: int, first: Tensor) -> int | None:
    if tensor.is_floating_point() and loss.facts.soft is None and tensor.shape == first.shape:
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
            return _classes(loss, each, tensor, class_dim)
        raise DtypeError(
            sentence(
                f"{loss.name}({each.name})",
                expected="class indices as integers",
                got=f"{tensor.dtype}",
                remedy=f"pass {each.name}.long()",
            )
        )
    if tensor.ndim == first.ndim and tensor.shape == first.shape:
        raise DtypeError(
            sentence(
                f"{loss.name}({each.name})",
                expected="indices without the class axis, or floating probabilities",
                got=f"{tensor.dtype} with the class axis, shape {tuple(tensor.shape)}",
                remedy=f"pass {each.name}.to({first.dtype}) if it is one-hot",
            )
        )
    return None
