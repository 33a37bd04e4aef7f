"""Regions: a weight or mask either weighs a region from outside or reaches inside its sums.

One that stops at the batch axis weighs the sample's regions; one with any axis summed over goes inside. Inside a
region everything has the classes last: (N, ..., C), or (N, ...) for a loss of one class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from . import prepare, values
from .declaration import Loss
from .keeping import labelled, silence, weighted
from .measure import both, fit, product
from .options import Options
from .shapes import Frame


def measure(
    loss: Loss,
    inputs: tuple[Tensor | None, ...],
    hyper: Mapping[str, Any],
    options: Options,
    where_is: Frame,
    live: bool,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Value, measure and keep per region."""
    mask, mask_inside = _place(loss, "mask", options.mask, inputs, where_is)
    weight, weight_inside = _place(loss, "weight", options.weight, inputs, where_is)
    if weight is not None and mask is not None:
        seen = mask if weight_inside or not mask_inside else _any_inside(mask, where_is).reshape(weight.shape)
        weight = torch.where(seen, weight, 0.0)
    labels, _ = labelled(loss, inputs, where_is, options, live)
    if labels is not None and where_is.classes:
        labels = labels.unsqueeze(-1)
    keep = both(both(mask, labels), weighted(loss, weight, live))
    if keep is not None:
        inputs = silence(loss, inputs, where_is, keep.any(-1) if where_is.classes else keep)
    if live:
        values.judge(loss, inputs, where_is.axes, where_is.classes, options.inputs, options.target_inputs)
    arguments, class_factor, dtype = prepare.prepare(loss, inputs, where_is, options, live)
    inner = _inner(keep, weight if weight_inside else None, mask_inside or labels is not None, dtype)
    found = loss.apply(arguments, hyper, inner=inner)
    counts = None if keep is None else _any_inside(keep, where_is).expand(found.shape)
    outer = None
    if weight is not None and not weight_inside:
        outer = weight.flatten(1, len(where_is.samples) - 1)[:, 0]
    if class_factor is not None:
        class_factor = class_factor.unsqueeze(0)
    return found, product(outer, class_factor, found.shape, dtype), counts


def _place(
    loss: Loss, name: str, tensor: Tensor | None, inputs: tuple[Tensor | None, ...], where_is: Frame
) -> tuple[Tensor | None, bool]:
    """A weight or mask with the classes last, and whether it reaches inside the sums."""
    if tensor is None:
        return None, False
    first = inputs[0]
    assert first is not None
    fitted = fit(loss, name, tensor, first, where_is.samples)
    axis = where_is.axes[0]
    if axis is not None:
        fitted = fitted.movedim(axis, -1) if fitted.ndim == first.ndim else fitted.unsqueeze(-1)
    return fitted, tensor.ndim > 1


def _inner(keep: Tensor | None, weight: Tensor | None, cut: bool, dtype: torch.dtype) -> Tensor | None:
    """How much each element counts inside its region; None where all count alike."""
    if weight is not None:
        weight = weight.to(dtype)
        return weight if keep is None else torch.where(keep, weight, 0.0)
    return keep.to(dtype) if cut and keep is not None else None


def _any_inside(keep: Tensor, where_is: Frame) -> Tensor:
    """Whether anything of a region counts: (N, C or 1), or (N,) for a loss of one class."""
    inside = tuple(range(1, len(where_is.samples)))
    return keep.flatten(1, len(inside)).any(1)
