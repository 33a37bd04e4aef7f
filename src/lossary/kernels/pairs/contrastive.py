"""The contrastive loss over a batch: a pair's slope is known in closed form."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lossary.core import probes
from lossary.losses.metric import pairs
from lossary.losses.metric.distance import direction

from ..derivatives import one_at_a_time
from .calls import Found, among, chunked, others
from .table import Table, chunks


def contrastive_batch(
    embeddings: Tensor, labels: Tensor, *, margin: float, distance: str, keep: Tensor | None = None
) -> Found:
    """Each sample's mean cost over its pairs; see the block."""

    def run(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        x = direction(x) if distance == "cosine" else x
        found: Tensor = _Contrastive.apply(x, labels, margin, distance)  # type: ignore[no-untyped-call]
        return found, others(x)

    return among(run, embeddings, labels, keep)


class _Contrastive(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, labels: Tensor, margin: float, distance: str) -> Tensor:
        ctx.save_for_backward(x, labels)
        ctx.margin, ctx.distance = margin, distance
        table, values = Table(x, distance), x.new_zeros(len(x))
        for rows in chunks(len(x)):
            far, _, _ = table.apart(rows)
            alike = labels[rows].unsqueeze(1) == labels
            cost = torch.where(alike, far, torch.relu(margin - far)).square_()
            values[rows] = cost.sum(1)  # a sample is 0 away from itself
        return values.mul_(0.5 / max(len(x) - 1, 1))

    @staticmethod
    def backward(ctx: Any, by_values: Tensor) -> tuple[Any, ...]:
        one_at_a_time(by_values)
        x, labels = ctx.saved_tensors
        with probes.without_autocast(x):
            if torch.is_grad_enabled():
                # For a second derivative, the graph of the math. Unit vectors are brought to length 1 once more there,
                # which changes neither them nor any derivative of the whole.
                block = pairs.contrastive_batch.loss.block
                values, _, _ = block(x, labels, margin=ctx.margin, distance=ctx.distance)
                return *torch.autograd.grad(values, x, by_values, create_graph=True), None, None, None
            return _slope(x, labels, ctx.margin, ctx.distance, by_values), None, None, None


def _slope(x: Tensor, labels: Tensor, margin: float, distance: str, by_values: Tensor) -> Tensor:
    table, found = Table(x, distance), torch.zeros_like(x)
    by_values = by_values / max(len(x) - 1, 1)
    for rows in chunks(len(x)):
        chunk = table.apart(rows)
        alike = labels[rows].unsqueeze(1) == labels
        weights = torch.where(alike, chunk[0], torch.relu(margin - chunk[0]).neg_())
        weights.mul_(by_values[rows].unsqueeze(1))
        table.pull(rows, chunk, weights, found)
    return found


KERNEL = chunked(contrastive_batch, 2**20)
