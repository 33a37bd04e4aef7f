"""What counts and what does not, and silence for what does not."""

from __future__ import annotations

import math

from torch import Tensor

from . import values
from .declaration import Loss
from .errors import OptionError, sentence
from .kinds import Form
from .options import AUTO, Options
from .selection import select
from .shapes import Frame


def labelled(
    loss: Loss, inputs: tuple[Tensor | None, ...], where_is: Frame, options: Options, live: bool
) -> tuple[Tensor | None, bool]:
    """Which units have a label, where an index says "ignore"; None where every unit has one.

    Also whether every index was found to be legal, so that nobody looks again.
    """
    ignore = options.ignore_index
    if ignore is None or not loss.labelled:
        return None, False
    position = loss.target
    target = inputs[position]
    assert target is not None
    holds_indices = loss.inputs[position].kind.form is Form.CLASS and where_is.axes[position] is None
    if ignore == AUTO:
        if not holds_indices:
            return None, False
        ignore = -100
    elif where_is.axes[position] is not None:
        raise OptionError(
            sentence(
                f"{loss.name}(ignore_index=...)",
                expected="a target of class indices",
                got="a soft target",
                remedy="leave rows out with mask=",
            )
        )
    assert isinstance(ignore, int)
    if holds_indices:
        target = target.long()  # a narrow integer has no -100 to compare with
    if live and holds_indices:
        # One pass finds that nothing is ignored, and saves the copies that silence would make.
        low, high = values.span(target)
        if not low <= ignore <= high:
            # Of a third input, as a teacher's distribution, the labels say nothing.
            return None, low >= 0 and high < where_is.classes and len(inputs) == 2 and not loss.bounded
    return target != ignore, False


def weighted(loss: Loss, weight: Tensor | None, live: bool) -> Tensor | None:
    """Which units have a weight that is not 0; None where none is 0.

    A weight that requires grad is never a reason to silence: its own gradient is the value it weighs. In a coupled
    loss a weight weighs the outer mean alone, and its sample keeps its other roles.
    """
    if weight is None:
        return None
    least = values.weights(f"{loss.name}(weight)", weight) if live else 0.0
    if least > 0 or weight.requires_grad or loss.facts.coupled:
        return None
    return weight.bool()


def silence(
    loss: Loss,
    inputs: tuple[Tensor | None, ...],
    where_is: Frame,
    keep: Tensor,
    options: Options,
    live: bool,
) -> tuple[Tensor | None, ...]:
    """Replace what does not count by each kind's neutral value. ``keep`` is of the sample axes."""
    silenced: list[Tensor | None] = []
    for each, tensor, axis in zip(loss.inputs, inputs, where_is.axes, strict=True):
        if tensor is None:
            silenced.append(None)
            continue
        stand_in = each.neutral
        if stand_in is None:
            stand_in = _uniform(each.kind.form, tensor, axis, options)
        there = keep if axis is None else keep.unsqueeze(axis)
        there = there.unsqueeze(-1) if each.kind.form is Form.CLOUD else there
        silenced.append(select(there, tensor, stand_in, live))
    return tuple(silenced)


def _uniform(form: Form, tensor: Tensor, axis: int | None, options: Options) -> float:
    """The entry of the uniform distribution on the scale that an input is given in; class 0 for an index."""
    if not tensor.is_floating_point():
        return 0
    classes = 2 if axis is None else max(tensor.shape[axis], 1)
    scale = {Form.CLASS: "probabilities", Form.DISTRIBUTION: options.target_inputs}.get(form, options.inputs)
    return {"logits": 0.0, "probabilities": 1.0 / classes}.get(scale, -math.log(classes))
