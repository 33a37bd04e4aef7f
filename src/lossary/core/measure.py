"""How much each unit counts: weight, class weight, mask and ignored labels, merged once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Size, Tensor

from .declaration import Loss
from .errors import DtypeError, ShapeError, sentence
from .shapes import Frame
from .unit import Unit

Inputs = tuple[Tensor | None, ...]
#: Is shown where things are, the inputs to be judged and those the math would receive; returns those it does receive.
Judge = Callable[[Frame, Inputs, Inputs], Inputs]


class Settled(NamedTuple):
    """A call ready for the math.

    Attributes:
        arguments: canonical inputs of the block, in its order.
        supplied: what the core gives the block beside them.
        measure: how much each unit counts, 0 where it does not; None: 1 each.
        keep: which units count at all; None: all.
        shape: the shape of the units.
    """

    arguments: tuple[Any, ...]
    supplied: Mapping[str, Any]
    measure: Tensor | None
    keep: Tensor | None
    shape: Size


def fit(loss: Loss, name: str, tensor: Tensor, first: Tensor, samples: Size) -> Tensor:
    """View a weight or mask so that it serves everything under the axes it has.

    Its shape is a prefix of the sample axes (for a region also the full shape of the input); it is never aligned
    from the right.

    Raises:
        ShapeError: it is neither. DtypeError: a mask that is not boolean, a complex weight, another device.
    """
    if not isinstance(tensor, Tensor):
        raise DtypeError(
            sentence(
                f"{loss.name}({name})",
                expected="a tensor",
                got=type(tensor).__name__,
                remedy=f"pass torch.tensor({name})",
            )
        )
    if name == "mask" and tensor.dtype is not torch.bool:
        raise DtypeError(
            sentence(
                f"{loss.name}(mask)",
                expected="a boolean tensor",
                got=f"{tensor.dtype}",
                remedy="pass mask != 0",
            )
        )
    if tensor.is_complex() or tensor.device != first.device:
        raise DtypeError(
            sentence(
                f"{loss.name}({name})",
                expected=f"a real tensor on {first.device}",
                got=f"{tensor.dtype} on {tensor.device}",
                remedy=f"pass {name}.to({loss.inputs[0].name}.device)",
            )
        )
    shape = tensor.shape
    if shape == samples or (loss.unit is Unit.REGION and shape == first.shape):
        return tensor
    depth = len(shape)
    if shape == samples[:depth]:
        return tensor.reshape(shape + (1,) * (len(samples) - depth))
    raise ShapeError(
        sentence(
            f"{loss.name}({name})",
            expected=f"shape {tuple(samples)} or the first axes of it",
            got=f"shape {tuple(shape)}",
            remedy="align it with the sample axes from the left",
        )
    )


def both(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    """one ∧ other, where None means everything counts."""
    if one is None:
        return other
    return one if other is None else one & other


def product(
    weight: Tensor | None, class_factor: Tensor | None, shape: Size, dtype: torch.dtype
) -> Tensor | None:
    """Weight times class weight for every unit, float32 or wider; None where neither was given."""
    if weight is None and class_factor is None:
        return None
    if weight is None or class_factor is None:
        merged = class_factor if weight is None else weight
        assert merged is not None
        merged = merged if merged.dtype is dtype else merged.to(dtype)
    else:
        merged = _beside(weight.to(dtype), class_factor) * _beside(class_factor.to(dtype), weight)
    return merged if merged.shape == shape else _beside(merged, shape).expand(shape)


def _beside(tensor: Tensor, other: Tensor | Size) -> Tensor:
    """``tensor`` with axes added on the right until it has as many as ``other``."""
    depth = len(other) if isinstance(other, Size) else other.ndim
    return tensor.reshape(tensor.shape + (1,) * (depth - tensor.ndim)) if tensor.ndim < depth else tensor
