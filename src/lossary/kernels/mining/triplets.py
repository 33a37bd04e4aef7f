"""All triplets and semi-hard triplets, tile by tile: sorted distances, counts, and two products for the gradient."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lossary.core.backends import Kernel
from lossary.losses.metric.distance import direction

from ..derivatives import one_at_a_time
from ..kept import kept, put_back
from ..wants import EXEMPT, lacks
from .points import Points, Tile, pairs, points
from .roles import Classes, Roles, classes, tiles
from .rules import every, semi_hard
from .when import worth

#: Rule: distances of a tile, roles, margin, the inputs' dtype -> values and slopes.
Rule = Callable[[Tensor, Roles, float | None, torch.dtype], tuple[Tensor, Tensor]]

#: Slopes are kept for the backward pass up to so many, 16 MB of float32, and made again beyond.
KEPT = 2**22


class Pull(NamedTuple):
    """What a tile's anchors do to the points, for a derivative of 1 of each value.

    Attributes:
        rows: places of the anchors.
        weights: (c, N): anchor i moves by weights (i, j) times (i - j), and j by as much the other way; these are
            differences of the moved points, and moved back only where a distance is not in their unit.
        ones, others: near pairs, which the weights leave out.
        slopes: and the derivatives of their distances.
    """

    rows: Tensor
    weights: Tensor
    ones: Tensor
    others: Tensor
    slopes: Tensor


class _Tiled(torch.autograd.Function):
    """Values of all anchors, (N,)."""

    @staticmethod
    def forward(
        ctx: Any, vectors: Tensor, labels: Tensor, rule: Rule, margin: float | None, kind: str
    ) -> Tensor:
        ctx.how = rule, margin, kind
        batch = points(vectors, kind)
        values = torch.zeros_like(vectors[:, 0] if vectors.shape[1] else vectors.sum(1))
        keeping = ctx.needs_input_grad[0] and len(vectors) ** 2 <= KEPT
        kept: list[Tensor] = []
        for roles in tiles(classes(labels)):
            tile = batch.tile(roles.rows)
            found, slopes = rule(tile.apart, roles, margin, vectors.dtype)
            values[roles.rows] = found.to(values.dtype)
            if keeping:
                kept += _pull(batch, tile, roles.rows, slopes, vectors.dtype)
        ctx.save_for_backward(vectors, labels, *kept)
        return values

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor | None, ...]:
        (upstream,) = grads
        one_at_a_time(upstream)
        vectors, labels, *kept = ctx.saved_tensors
        rule, margin, kind = ctx.how
        if torch.is_grad_enabled():
            found = _differentiable(vectors, labels, upstream, rule, margin, kind)
            return found, None, None, None, None
        batch = points(vectors, kind)
        total, upstream = torch.zeros_like(batch.raw), upstream.double()
        if kept:
            for start in range(0, len(kept), len(Pull._fields)):
                _add(total, batch, Pull(*kept[start : start + len(Pull._fields)]), upstream)
        else:
            for roles in tiles(classes(labels)):
                tile = batch.tile(roles.rows)
                slopes = rule(tile.apart, roles, margin, vectors.dtype)[1]
                _add(total, batch, _pull(batch, tile, roles.rows, slopes, vectors.dtype), upstream)
        return total.to(vectors.dtype), None, None, None, None


def _pull(batch: Points, tile: Tile, rows: Tensor, slopes: Tensor, dtype: torch.dtype) -> Pull:
    """From slopes of distances to weights of differences."""
    anchor, sample = tile.near
    aside = slopes[anchor, sample]
    if batch.kind == "euclidean":
        slopes = slopes / (tile.apart / batch.unit)
    elif batch.kind == "squared":
        slopes = slopes * 2.0
    if len(anchor):
        slopes = slopes.index_put((anchor, sample), slopes.new_zeros(()))
    return Pull(rows, slopes.to(dtype), rows[anchor], sample, aside.to(dtype))


def _add(total: Tensor, batch: Points, pull: Pull, upstream: Tensor) -> None:
    """Add a tile's part of the gradient to ``total``."""
    rows, unit = pull.rows, 1.0 if batch.kind == "euclidean" else batch.unit
    weights = pull.weights * upstream[rows].unsqueeze(1)
    mine = weights.sum(1, keepdim=True) * batch.moved[rows] - weights @ batch.moved
    theirs = weights.sum(0).unsqueeze(1) * batch.moved - weights.T @ batch.moved[rows]
    total.add_(theirs * unit).index_add_(0, rows, mine * unit)
    start = 0
    for ones, others in pairs(pull.ones, pull.others, batch.raw.shape[1]):
        gap = batch.raw[ones] - batch.raw[others]
        rate = pull.slopes[start : start + len(ones)].double() * upstream[ones]
        start += len(ones)
        if batch.kind == "euclidean":
            gap = direction(gap)
        elif batch.kind == "squared":
            gap = gap * 2.0
        gap = gap * rate.unsqueeze(1)
        total.index_add_(0, ones, gap).index_add_(0, others, -gap)


def _differentiable(
    vectors: Tensor, labels: Tensor, upstream: Tensor, rule: Rule, margin: float | None, kind: str
) -> Tensor:
    """The gradient as a function that can be differentiated once more; it holds all pairs, and no triplets."""
    batch = points(vectors, kind)
    apart, along = [], []
    for roles in tiles(classes(labels)):
        apart.append(batch.tile(roles.rows).apart)
        slopes = rule(apart[-1], roles, margin, vectors.dtype)[1]
        along.append(slopes * upstream[roles.rows].unsqueeze(1).double())
    if not apart:
        return vectors * 0.0
    return torch.autograd.grad(apart, vectors, along, create_graph=True)[0]


def _run(
    embeddings: Tensor,
    labels: Tensor,
    *,
    margin: float | None,
    distance: str,
    keep: Tensor | None,
    rule: Rule,
    count: Callable[[Classes], Tensor],
) -> tuple[Tensor, Tensor, None]:
    place, (embeddings, labels) = kept(keep, embeddings, labels)
    vectors = direction(embeddings) if distance == "cosine" else embeddings
    values: Tensor = _Tiled.apply(vectors, labels, rule, margin, distance)  # type: ignore[no-untyped-call]
    return put_back(values, place, keep), put_back(count(classes(labels)), place, keep), None


def _triplets(found: Classes) -> Tensor:
    alike = found.alike()
    return (alike - 1) * (len(alike) - alike)


def _pairs(found: Classes) -> Tensor:
    alike = found.alike()
    return (alike - 1) * (alike < len(alike))


ALL = Kernel(
    "chunked",
    "math",
    partial(_run, rule=every, count=_triplets),
    lacks,
    partial(worth, least=64),
    exempt=EXEMPT,
)
SEMI_HARD = Kernel(
    "chunked",
    "math",
    partial(_run, rule=semi_hard, count=_pairs),
    lacks,
    partial(worth, least=64),
    exempt=EXEMPT,
)
