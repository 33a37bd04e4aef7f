"""Losses over all pairs of a batch, a few anchors at a time: no table of differences, no graph of it.

What is kept for the backward pass is linear in the batch; each chunk of the table is made again there, by matrix
products. A second derivative goes through the eager math, with its memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from lossary.core import probes
from lossary.core.backends import Asked, Kernel
from lossary.core.declaration import Loss
from lossary.core.function import LossFunction
from lossary.losses.metric import multi_similarity as similarity
from lossary.losses.metric import pairs
from lossary.losses.metric.distance import direction, length
from lossary.losses.multilabel.zlpr import above_zero

from .derivatives import one_at_a_time
from .exponential import exp_
from .kept import kept, put_back
from .wants import EXEMPT, lacks

Found = tuple[Tensor, Tensor, None]

#: Entries of a chunk of the table: a handful of them in float32 stay in a last-level cache.
CHUNK = 2**19
#: Pairs whose difference is taken entry by entry at a time.
NEAR = 2**15
#: Bytes of the table of differences from which chunks are faster.
WORTH = 2**20


def contrastive_batch(
    embeddings: Tensor, labels: Tensor, *, margin: float, distance: str, keep: Tensor | None = None
) -> Found:
    """Each sample's mean cost over its pairs; see the block."""

    def run(x: Tensor, labels: Tensor) -> Tensor:
        x = direction(x) if distance == "cosine" else x
        found: Tensor = _Contrastive.apply(x, labels, margin, distance)  # type: ignore[no-untyped-call]
        return found

    values, many = _each(run, embeddings, labels, keep)
    return values, many, None


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

    def run(x: Tensor, labels: Tensor) -> Tensor:
        found: Tensor = _Similar.apply(direction(x), labels, alpha, beta, base, epsilon)  # type: ignore[no-untyped-call]
        return found

    values, many = _each(run, embeddings, labels, keep)
    return values, many > 0, None


def _each(
    run: Callable[[Tensor, Tensor], Tensor], x: Tensor, labels: Tensor, keep: Tensor | None
) -> tuple[Tensor, Tensor]:
    """One value per sample and how many others it is compared with, among those that take part."""
    place, (x, labels) = kept(keep, x, labels)
    many = torch.full((len(x),), max(len(x) - 1, 0), device=x.device)
    return put_back(run(x, labels), place, keep), put_back(many, place, keep)


def _chunks(count: int) -> Iterator[slice]:
    step = max(CHUNK // max(count, 1), 8)
    for top in range(0, count, step):
        yield slice(top, min(top + step, count))


def _eagerly(
    function: LossFunction, x: Tensor, labels: Tensor, hyper: Mapping[str, Any], by_values: Tensor
) -> Tensor:
    """The gradient as a graph, for a second derivative: that of the math.

    Unit vectors are brought to length 1 once more there, which changes neither them nor any derivative of the whole.
    """
    with probes.without_autocast(x):
        values, _, _ = function.loss.block(x, labels, **hyper)
        return torch.autograd.grad(values, x, by_values, create_graph=True)[0]


class _Table:
    """Distances of chunks of anchors from all samples.

    |a - b|² = |a|² + |b|² - 2ab is exact enough for pairs that are far from each other beside their lengths. The
    others, and vectors whose squares leave the range of the dtype, are compared entry by entry.
    """

    def __init__(self, x: Tensor, cosine: bool) -> None:
        self.x, self.cosine = x, cosine
        sizes = x.square().sum(1)
        limits = torch.finfo(x.dtype)
        tame = (sizes > limits.tiny * 2.0**40) & (sizes < limits.max * 2.0**-10) | (sizes == 0)
        self.sizes = torch.where(tame, sizes, torch.nan)

    def apart(self, rows: slice) -> tuple[Tensor, Tensor, Tensor]:
        """Distances of the chunk (rows, N), and the places of the pairs that were compared entry by entry."""
        sums = self.sizes[rows].unsqueeze(1) + self.sizes
        squares = torch.addmm(sums, self.x[rows], self.x.t(), alpha=-2.0)
        near = ~(4.0 * squares > sums)
        near.diagonal(rows.start).fill_(False)
        row, column = near.nonzero(as_tuple=True)
        found = squares.mul_(0.5) if self.cosine else squares.clamp_(min=0.0).sqrt_()
        for part in range(0, len(row), NEAR):
            here = slice(part, part + NEAR)
            gap = self.gap(rows, row[here], column[here])
            found[row[here], column[here]] = 0.5 * gap.square().sum(1) if self.cosine else length(gap)
        found.diagonal(rows.start).fill_(0.0)
        return found, row, column

    def gap(self, rows: slice, row: Tensor, column: Tensor) -> Tensor:
        return self.x[rows.start + row] - self.x[column]


class _Contrastive(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, labels: Tensor, margin: float, distance: str) -> Tensor:
        ctx.save_for_backward(x, labels)
        ctx.margin, ctx.distance = margin, distance
        table, values = _Table(x, distance == "cosine"), x.new_zeros(len(x))
        for rows in _chunks(len(x)):
            far, _, _ = table.apart(rows)
            alike = labels[rows].unsqueeze(1) == labels
            cost = torch.where(alike, far, torch.relu(margin - far)).square_()
            values[rows] = cost.sum(1)  # a sample is 0 away from itself
        return values.mul_(0.5 / max(len(x) - 1, 1))

    @staticmethod
    def backward(ctx: Any, by_values: Tensor) -> tuple[Any, ...]:
        one_at_a_time(by_values)
        x, labels = ctx.saved_tensors
        if torch.is_grad_enabled():
            hyper = {"margin": ctx.margin, "distance": ctx.distance}
            return _eagerly(pairs.contrastive_batch, x, labels, hyper, by_values), None, None, None
        with probes.without_autocast(x):
            return _pull(x, labels, ctx.margin, ctx.distance == "cosine", by_values), None, None, None


def _pull(x: Tensor, labels: Tensor, margin: float, cosine: bool, by_values: Tensor) -> Tensor:
    """Σ w_ij (x_i - x_j), taken to x_i and from x_j.

    w is the slope of a pair's cost in its distance, over the distance where that is Euclidean.
    """
    table, found = _Table(x, cosine), torch.zeros_like(x)
    by_values = by_values / max(len(x) - 1, 1)
    for rows in _chunks(len(x)):
        far, row, column = table.apart(rows)
        alike = labels[rows].unsqueeze(1) == labels
        weights = torch.where(alike, far, torch.relu(margin - far).neg_())
        weights.mul_(by_values[rows].unsqueeze(1))
        weights.diagonal(rows.start).fill_(0.0)
        for part in range(0, len(row), NEAR):
            one, other = row[part : part + NEAR], column[part : part + NEAR]
            gap = table.gap(rows, one, other)
            step = weights[one, other].unsqueeze(1) * (gap if cosine else direction(gap))
            found.index_add_(0, one + rows.start, step).index_add_(0, other, step, alpha=-1.0)
        weights[row, column] = 0.0
        if not cosine:
            weights = torch.where(far == 0, 0.0, weights.div_(far))
        found[rows] += weights.sum(1, keepdim=True) * x[rows] - weights @ x
        found += weights.sum(0).unsqueeze(1) * x - weights.t() @ x[rows]
    return found


class _Similar(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, u: Tensor, labels: Tensor, alpha: float, beta: float, base: float, epsilon: float | None
    ) -> Tensor:
        pulls, pushes = u.new_zeros(len(u)), u.new_zeros(len(u))
        for rows in _chunks(len(u)):
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
            hyper = dict(zip(("alpha", "beta", "base", "epsilon"), ctx.hyper, strict=True))
            return _eagerly(similarity.multi_similarity, u, labels, hyper, by_values), *(None,) * 5
        found = torch.zeros_like(u)
        with probes.without_autocast(u):
            for rows in _chunks(len(u)):
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
    near = labels[rows].unsqueeze(1) == labels
    far = ~near
    near.diagonal(rows.start).fill_(False)
    if epsilon is not None:
        near, far = similarity.mined(similar, near, far, epsilon)
    return similar, near, far


def _worth(loss: Loss, asked: Asked) -> str | None:
    first = asked[0][0]
    if not isinstance(first, Tensor) or first.ndim != 2:
        return None
    count, width = first.shape
    size = count * count * width * max(first.element_size(), torch.float32.itemsize)
    if size < WORTH:
        return None
    return f"a table of {count} x {count} differences takes {size / 2**20:,.1f} MiB, a chunk of it a few"


contrastive_batch_chunked = Kernel("chunked", "math", contrastive_batch, lacks, _worth, exempt=EXEMPT)
multi_similarity_chunked = Kernel("chunked", "math", multi_similarity, lacks, _worth, exempt=EXEMPT)
