"""The checks of values inside a kernel: one flag instead of a pass over every input.

The flag says that something may be wrong; what it is, eager says. So it may be raised for nothing, at the price of
a second look, but never fail to be raised.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lossary.core.declaration import Input, Loss
from lossary.core.domains import ROW_SLACK, Interval
from lossary.core.kinds import Form
from lossary.core.measure import Inputs
from lossary.core.options import Options
from lossary.core.shapes import Frame


def suspect(loss: Loss, inputs: Inputs, where_is: Frame, options: Options) -> list[Tensor]:
    """Flags of which any says that a value may lie outside its domain. ``inputs`` are silenced."""
    found: list[Tensor] = []
    for each, tensor, axis in zip(loss.inputs, inputs, where_is.axes, strict=True):
        if tensor is not None:
            found += _one(loss, each, tensor, axis, where_is.classes, options)
    if options.weight is not None:
        # Also where nothing else counts: a look too many.
        found.append(~((options.weight >= 0) & (options.weight < torch.inf)).all())
    return found


def harmless(loss: Loss, inputs: Inputs, where_is: Frame) -> Inputs:
    """Inputs of which no index reaches out of its row. A kernel that reads there would end the process."""
    made = list(inputs)
    for i, (each, tensor, axis) in enumerate(zip(loss.inputs, inputs, where_is.axes, strict=True)):
        if tensor is not None and each.kind.form is Form.CLASS and axis is None:
            tensor = tensor.long()
            made[i] = torch.where((tensor >= 0) & (tensor < where_is.classes), tensor, 0)
    return tuple(made)


def _one(
    loss: Loss, each: Input, tensor: Tensor, axis: int | None, classes: int, options: Options
) -> list[Tensor]:
    form = each.kind.form
    if form in (Form.BINARY, Form.LABELS):
        if tensor.dtype is torch.bool:
            return []
        flags = [((tensor < 0) | (tensor > 1)).any()]
        if loss.facts.soft is None and tensor.is_floating_point():
            flags.append(((tensor > 0) & (tensor < 1)).any())
        return flags
    if form is Form.CLASS and axis is None:
        index = tensor.long()
        return [((index < 0) | (index >= classes)).any()]
    if form in (Form.CLASS, Form.LOGITS, Form.DISTRIBUTION):
        scale = {Form.LOGITS: options.inputs, Form.DISTRIBUTION: options.target_inputs}.get(
            form, "probabilities"
        )
        assert axis is not None
        return _rows(tensor, axis, scale)
    if form is Form.LOGIT:
        if options.inputs == "probabilities":
            return [((tensor < 0) | (tensor > 1)).any()]
        return [(tensor > 0).any()] if options.inputs == "log_probabilities" else []
    if form is Form.MASS:
        return [~((tensor >= 0) & (tensor < torch.inf)).all(), ~(tensor.sum(-1) > 0).all()]
    return [] if each.kind.domain is None else _numbers(tensor, each.kind.domain)


def _rows(tensor: Tensor, axis: int, scale: str) -> list[Tensor]:
    if scale == "logits":
        return []
    slack = 4 * torch.finfo(tensor.dtype).eps + ROW_SLACK
    if scale == "probabilities":
        total = tensor.sum(axis, dtype=torch.float64) - 1.0
        return [((tensor < 0) | (tensor > 1 + slack)).any(), (total.abs() > slack).any()]
    return [(tensor.to(torch.float64).logsumexp(axis).abs() > slack).any()]


def _numbers(tensor: Tensor, domain: Interval) -> list[Tensor]:
    low = tensor < domain.low if domain.closed_low else tensor <= domain.low
    high = tensor > domain.high if domain.closed_high else tensor >= domain.high
    flags = [(low | high).any()]
    if domain.whole and tensor.is_floating_point():
        flags.append(((tensor != tensor.floor()) & ~tensor.isnan()).any())
    return flags
