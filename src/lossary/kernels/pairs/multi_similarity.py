"""Multi-similarity: of every anchor two sums of exponentials, over similarities that are one matrix product."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lossary.core import probes
from lossary.losses.metric import multi_similarity as similarity
from lossary.losses.metric.distance import direction
from lossary.losses.multilabel.zlpr import above_zero

from ..derivatives import one_at_a_time
from ..exponential import exp_
from .calls import Found, among, chunked, others
from .table import chunks, roles


def multi_similarity(
    embeddings: Tensor,
    labels: Tensor,
    *,
    alpha: float,
    beta: float,
    base: float,
    epsilon: float | None,
    keep: Tensor | None = None,
) -> Found:
    """Each sample's positives and negatives; see the block."""

    def run(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        found: Tensor = _Similar.apply(direction(x), labels, alpha, beta, base, epsilon)  # type: ignore[no-untyped-call]
        return found, others(x) > 0

    return among(run, embeddings, labels, keep)


class _Similar(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, u: Tensor, labels: Tensor, alpha: float, beta: float, base: float, epsilon: float | None
    ) -> Tensor:
        pulls, pushes = u.new_zeros(len(u)), u.new_zeros(len(u))
        for rows in chunks(len(u)):
            similar, near, far = _similarities(u, labels, rows, epsilon)
            pulls[rows] = above_zero(alpha * (base - similar), near)
            pushes[rows] = above_zero(beta * (similar - base), far)
        ctx.save_for_backward(u, labels, pulls, pushes)
        ctx.hyper = alpha, beta, base, epsilon
        return pulls / alpha + pushes / beta

    @staticmethod
    def backward(ctx: Any, by_values: Tensor) -> tuple[Any, ...]:
        one_at_a_time(by_values)
        u, labels, pulls, pushes = ctx.saved_tensors
        alpha, beta, base, epsilon = ctx.hyper
        if torch.is_grad_enabled():
            # For a second derivative, the graph of the math, as beside.
            hyper = dict(zip(("alpha", "beta", "base", "epsilon"), ctx.hyper, strict=True))
            with probes.without_autocast(u):
                values, _, _ = similarity.multi_similarity.loss.block(u, labels, **hyper)
                return *torch.autograd.grad(values, u, by_values, create_graph=True), *(None,) * 5
        found = torch.zeros_like(u)
        with probes.without_autocast(u):
            for rows in chunks(len(u)):
                similar, near, far = _similarities(u, labels, rows, epsilon)
                push = exp_((beta * (similar - base)).sub_(pushes[rows].unsqueeze(1)))
                pull = exp_(similar.sub_(base).mul_(-alpha).sub_(pulls[rows].unsqueeze(1)))
                weights = torch.where(far, push, 0.0).sub_(torch.where(near, pull, 0.0))
                weights.mul_(by_values[rows].unsqueeze(1))
                found[rows] += weights @ u
                found += weights.t() @ u[rows]
        return found, *(None,) * 5


def _similarities(
    u: Tensor, labels: Tensor, rows: slice, epsilon: float | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Similarities of a chunk of anchors, and which of them are to its positives and to its negatives."""
    similar = u[rows] @ u.t()
    near, far = roles(labels, rows)
    if epsilon is not None:
        near, far = similarity.mined(similar, near, far, epsilon)
    return similar, near, far


KERNEL = chunked(multi_similarity, 2**20)
