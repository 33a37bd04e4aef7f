"""Regions: a weight or mask either weighs a region from outside or reaches inside its sums.

One that stops at the batch axis weighs the sample's regions; one with any axis summed over goes inside. Inside a
region everything has the classes last: (N, ..., C), or (N, ...) for a loss of one class.
"""

from __future__ import annotations

import torch
from torch import Size, Tensor

from . import prepare, values
from .declaration import Loss
from .keeping import labelled, silence, weighted
from .kinds import Form
from .measure import Judge, Settled, both, fit, product
from .options import Options
from .shapes import Frame


def settle(
    loss: Loss,
    inputs: tuple[Tensor | None, ...],
    options: Options,
    where_is: Frame,
    live: bool,
    judge: Judge | None = None,
) -> Settled:
    """Everything of a call on regions that comes before the math."""
    mask = _place(loss, "mask", options.mask, inputs, where_is)
    weight = _place(loss, "weight", options.weight, inputs, where_is)
    labels, legal = labelled(loss, inputs, where_is, options, live)
    if labels is not None and where_is.classes:
        labels = labels.unsqueeze(-1)
    sure = both(mask, labels)
    inside = options.weight is not None and options.weight.ndim > 1
    if weight is not None and sure is not None and inside:
        weight = torch.where(sure, weight, 0.0)
    keep = both(sure, weighted(loss, weight, live))
    if keep is not None:
        inputs = _silence(loss, inputs, where_is, keep, options, live)
    if judge is not None or (live and (options.inputs != "logits" or not legal)):
        # A row of which some classes do not count is no distribution any more, and is not judged as one.
        judged = (
            inputs if keep is None else silence(loss, inputs, where_is, _whole(keep, where_is), options, live)
        )
        if judge is not None:
            inputs = judge(where_is, judged, inputs)
        else:
            values.judge(loss, judged, where_is.axes, where_is.classes, options.inputs, options.target_inputs)
    arguments, class_factor, dtype = prepare.prepare(loss, inputs, where_is, options, live)
    shape = Size((*where_is.samples[:1], where_is.classes) if where_is.classes else where_is.samples[:1])
    counts = _counts(sure, weight if inside else None, shape)
    cut = labels is not None or (options.mask is not None and options.mask.ndim > 1)
    inner = _inner(keep, weight if inside else None, cut, dtype)
    outer = weight.flatten(1)[:, 0] if weight is not None and not inside else None
    made = product(outer, None if class_factor is None else class_factor.unsqueeze(0), shape, dtype)
    if made is not None and counts is not None:
        made = torch.where(counts, made, 0.0)
    return Settled(arguments, {"inner": inner}, made, counts, shape)


def _place(
    loss: Loss, name: str, tensor: Tensor | None, inputs: tuple[Tensor | None, ...], where_is: Frame
) -> Tensor | None:
    """A weight or mask with the classes last."""
    if tensor is None:
        return None
    first = inputs[0]
    assert first is not None
    fitted = fit(loss, name, tensor, first, where_is.samples)
    axis = where_is.axes[0]
    if axis is None:
        return fitted
    return fitted.movedim(axis, -1) if fitted.ndim == first.ndim else fitted.unsqueeze(-1)


def _silence(
    loss: Loss,
    inputs: tuple[Tensor | None, ...],
    where_is: Frame,
    keep: Tensor,
    options: Options,
    live: bool,
) -> tuple[Tensor | None, ...]:
    """Silence what counts for no class; of a soft target, also what does not count for its own class."""
    inputs = silence(loss, inputs, where_is, keep.any(-1) if where_is.classes else keep, options, live)
    if not where_is.classes or keep.shape[-1] == 1:
        return inputs
    return tuple(
        torch.where(keep.movedim(-1, axis), tensor, 0.0)
        if tensor is not None and axis is not None and each.kind.form is Form.CLASS
        else tensor
        for each, tensor, axis in zip(loss.inputs, inputs, where_is.axes, strict=True)
    )


def _whole(keep: Tensor, where_is: Frame) -> Tensor:
    """Which elements count for every class."""
    return keep.all(-1) if where_is.classes else keep


def _inner(keep: Tensor | None, weight: Tensor | None, cut: bool, dtype: torch.dtype) -> Tensor | None:
    """How much each element counts inside its region; None where all count alike."""
    if weight is not None:
        return weight.to(dtype)
    return keep.to(dtype) if cut and keep is not None else None


def _counts(sure: Tensor | None, weight: Tensor | None, shape: Size) -> Tensor | None:
    """Which regions hold anything that counts; None: all. A learned weight inside counts as any other."""
    there = both(sure, None if weight is None else weight.detach() != 0)
    if there is None:
        return None
    return there.flatten(1, there.ndim - len(shape)).any(1).expand(shape)
