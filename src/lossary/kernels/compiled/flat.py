"""One shape for many: what is a list of units is given to the graph as a list, so that it serves any batch shape."""

from __future__ import annotations

from torch import Size, Tensor

from lossary.core.declaration import Loss
from lossary.core.kinds import Form
from lossary.core.measure import Inputs
from lossary.core.options import Options
from lossary.core.shapes import Frame
from lossary.core.unit import Unit


def flatten(
    loss: Loss, inputs: Inputs, options: Options, where_is: Frame, learned: bool
) -> tuple[Inputs, int, bool]:
    """Inputs, weight and mask with one sample axis where that costs no copy; the class axis; whether axis 0 may vary.

    Args:
        learned: whether a setting is a tensor, which may belong to an axis.
    """
    tensors = (*inputs, options.weight, options.mask)
    samples = where_is.samples
    plain = loss.unit in (Unit.ELEMENT, Unit.ROW) and not loss.facts.coupled and not learned
    if plain and len(samples) != 1 and _is_list(loss, inputs, options, where_is):
        many = samples.numel()
        own = (*where_is.axes, None, None)
        return (
            tuple(
                None if each is None else each.reshape(many) if axis is None else each.reshape(many, -1)
                for each, axis in zip(tensors, own, strict=True)
            ),
            1,
            many > 1,
        )
    first = inputs[0]
    assert first is not None
    return tensors, options.class_dim, where_is.axes[0] != 0 and bool(samples) and samples[0] > 1


def _is_list(loss: Loss, inputs: Inputs, options: Options, where_is: Frame) -> bool:
    """Whether every tensor is contiguous, its own axis last, and weight and mask are of the full shape."""
    for each, tensor, axis in zip(loss.inputs, inputs, where_is.axes, strict=True):
        if tensor is None:
            continue
        if each.kind.form is Form.CLOUD or not tensor.is_contiguous():
            return False
        if axis is not None and axis != tensor.ndim - 1:
            return False
    return _full(options.weight, where_is.samples) and _full(options.mask, where_is.samples)


def _full(tensor: Tensor | None, samples: Size) -> bool:
    return tensor is None or (tensor.shape == samples and tensor.is_contiguous())
