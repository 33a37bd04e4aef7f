"""The hardest positive and negative of each anchor, found on products and settled on differences.

A product loses the last digits of a distance, and its error has a bound. Whatever is within that bound of the best is
measured again from its difference, as the loss's own math measures all pairs; so both choose the same samples.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from lossary.core.backends import Kernel
from lossary.losses.metric.distance import between, direction
from lossary.losses.metric.triplet import of_chosen

from ..wants import EXEMPT, lacks
from .points import centre, pairs, scale
from .roles import classes
from .when import worth

#: Keys in a tile: four megabytes of float32. A product is the faster the more anchors it has.
KEYS = 2**20


def _run(
    embeddings: Tensor, labels: Tensor, *, margin: float | None, distance: str, keep: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    farthest = torch.zeros_like(labels, dtype=torch.int64)
    nearest, complete = farthest.clone(), torch.zeros_like(labels, dtype=torch.bool)
    places = torch.arange(len(labels), device=labels.device) if keep is None else keep.nonzero().squeeze(1)
    if len(places):
        with torch.no_grad():
            far, near, both = _mine(embeddings[places], labels[places], distance)
        farthest[places], nearest[places], complete[places] = places[far], places[near], both
    return of_chosen(embeddings, farthest, nearest, complete, margin, distance)


def _mine(embeddings: Tensor, labels: Tensor, distance: str) -> tuple[Tensor, Tensor, Tensor]:
    """Places of each sample's farthest positive and nearest negative, and whether it has both."""
    found = classes(labels)
    order, start, size, count = found.order, found.start, found.size, len(labels)
    points, slack = _products(direction(embeddings) if distance == "cosine" else embeddings)
    points, slack = points[order], slack[order]
    squares, starts = points.square().sum(1), start.tolist()
    endless = squares.isinf().nonzero().squeeze(1)
    ends = (start + size).tolist()
    hardest: list[list[Tensor]] = [[], []]
    for first in range(0, count, step := max(1, KEYS // count)):
        last = min(first + step, count)
        here = slice(first, last)
        # Of |a - b|² the anchor's own |a|² changes no order. Samples of these anchors' labels stand beside each other.
        key = torch.addmm(squares, points[here], points.T, alpha=-2.0)
        if len(endless):
            # The product of an infinite vector is no number; it is infinitely far, and its own distances are all alike.
            key[:, endless] = torch.inf
        band = slice(starts[first], ends[last - 1])
        alike = start[here].unsqueeze(1) == start[band]
        near = torch.where(alike, key[:, band], -torch.inf)
        near.diagonal(first - starts[first])[:] = -torch.inf
        key[:, band].masked_fill_(alike, torch.inf)
        anchors = order[here]
        hardest[0].append(_best(embeddings, distance, anchors, near.neg_(), order[band], slack[here], -1.0))
        hardest[1].append(_best(embeddings, distance, anchors, key, order, slack[here], 1.0))
    farthest, nearest = (torch.empty_like(order).scatter(0, order, torch.cat(each)) for each in hardest)
    alike_too = found.alike()
    return farthest, nearest, (alike_too > 1) & (alike_too < count)


def _products(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Vectors near the origin and of size 1, and how far a product of each may be from the truth, (N, D) and (N,)."""
    raw = vectors.double()
    moved = raw - centre(raw)
    moved = moved / scale(moved)
    if torch.get_float32_matmul_precision() == "highest":
        moved = moved.to(vectors.dtype)
    reach = moved.square().sum(1).sqrt()
    # Of D products and their sum, D roundings of |a||b| at most, |b|² as many; each number was rounded once before.
    roundings = (vectors.shape[1] + 16) * torch.finfo(vectors.dtype).eps
    largest = torch.nan_to_num(reach, nan=0.0, posinf=0.0).amax()
    return moved, roundings * (reach + largest).square()


def _best(
    embeddings: Tensor,
    distance: str,
    anchors: Tensor,
    key: Tensor,
    others: Tensor,
    slack: Tensor,
    sign: float,
) -> Tensor:
    """The sample with the least key for each anchor, where the key is ``sign`` times a distance.

    Of samples within the slack, differences decide, and of equal ones the first in the batch.
    """
    least = key.amin(1, keepdim=True)
    bound = torch.where(least < torch.inf, least + 2.0 * slack.unsqueeze(1), -torch.inf)
    anchor, sample = (key <= bound).nonzero(as_tuple=True)
    many = torch.bincount(anchor, minlength=len(anchors))
    found = torch.zeros_like(anchors)
    none = many == 0
    if bool(none.any()):  # nobody to choose from, or a NaN, which must be found and not passed over
        found[none] = others[key[none].argmin(1)]
    alone = many[anchor] == 1
    found[anchor[alone]] = others[sample[alone]]
    if len(anchor) == int(alone.sum()):
        return found
    anchor, sample = anchor[~alone], others[sample[~alone]]
    apart = torch.cat(
        [
            between(embeddings[a], embeddings[b], distance)
            for a, b in pairs(anchors[anchor], sample, embeddings.shape[1])
        ]
    )
    apart = apart * sign
    best = apart.new_full((len(anchors),), torch.inf).scatter_reduce(0, anchor, apart, "amin")
    ties = apart == best[anchor]
    first = torch.full_like(found, len(embeddings)).scatter_reduce(0, anchor[ties], sample[ties], "amin")
    return torch.where(many > 1, first, found)


HARD = Kernel("chunked", "math", _run, lacks, partial(worth, least=128), exempt=EXEMPT)
