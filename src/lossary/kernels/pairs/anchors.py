"""What a function makes of every anchor's distances, a chunk of them at a time.

The function is the math of a loss over rows of a table; it is differentiated by autograd, a chunk at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lossary.core import probes
from lossary.losses.metric.distance import between, direction

from ..derivatives import one_at_a_time
from .table import Table, chunks, roles

#: (distances, near, far, shared, anchors) to something per anchor: (A, N) three times to (A, ...).
Row = Callable[[Tensor, Tensor, Tensor, Tensor, slice], Tensor]


def over_anchors(x: Tensor, labels: Tensor, distance: str, row: Row, shared: Tensor | None = None) -> Tensor:
    """What ``row`` makes of the distances of each sample from all, and of a tensor that all of them see. (N, ...)"""
    x = direction(x) if distance == "cosine" else x
    shared = x.new_zeros(0) if shared is None else shared
    found: Tensor = _Anchors.apply(x, labels, shared, distance, row)  # type: ignore[no-untyped-call]
    return found


class _Anchors(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, labels: Tensor, shared: Tensor, distance: str, row: Row) -> Tensor:
        ctx.save_for_backward(x, labels, shared)
        ctx.distance, ctx.row = distance, row
        table = Table(x, distance)
        parts = list(chunks(len(x))) or [slice(0, 0)]  # an empty batch has the shape of the others
        return torch.cat([row(table.apart(here)[0], *roles(labels, here), shared, here) for here in parts])

    @staticmethod
    def backward(ctx: Any, by_values: Tensor) -> tuple[Any, ...]:
        one_at_a_time(by_values)
        x, labels, shared = ctx.saved_tensors
        with probes.without_autocast(x):
            slope = _graph if torch.is_grad_enabled() else _slope
            return *slope(x, labels, shared, ctx.distance, ctx.row, by_values), None, None


def _slope(
    x: Tensor, labels: Tensor, shared: Tensor, distance: str, row: Row, by_values: Tensor
) -> tuple[Tensor, None, Tensor]:
    table, by_x, by_shared = Table(x, distance), torch.zeros_like(x), torch.zeros_like(shared)
    for here in chunks(len(x)):
        chunk = table.apart(here)
        with torch.enable_grad():
            apart, seen = chunk[0].detach().requires_grad_(), shared.detach().requires_grad_()
            values = row(apart, *roles(labels, here), seen, here)
            weights, more = torch.autograd.grad(
                values, (apart, seen), by_values[here], allow_unused=True, materialize_grads=True
            )
        table.pull(here, chunk, weights.contiguous(), by_x)
        by_shared += more
    return by_x, None, by_shared


def _graph(
    x: Tensor, labels: Tensor, shared: Tensor, distance: str, row: Row, by_values: Tensor
) -> tuple[Tensor, None, Tensor | None]:
    """For a second derivative, through the whole table of differences.

    Unit vectors are brought to length 1 once more, which changes neither them nor any derivative of the whole.
    """
    whole = slice(0, len(x))
    apart = between(x.unsqueeze(1), x.unsqueeze(0), distance)
    values = row(apart, *roles(labels, whole), shared, whole)
    wanted = (x, shared) if shared.requires_grad else (x,)
    by_x, *by_shared = torch.autograd.grad(
        values, wanted, by_values, create_graph=True, allow_unused=True, materialize_grads=True
    )
    return by_x, None, by_shared[0] if by_shared else None
