"""Losses that are a function of every anchor's row of distances, and at most of one number of all samples beside."""

from __future__ import annotations

import torch
from torch import Tensor

from lossary.losses.metric import fastap as ranked
from lossary.losses.metric import histogram as binned
from lossary.losses.metric import lifted as structure
from lossary.losses.metric.partners import log_sum

from .anchors import over_anchors
from .calls import Found, among, chunked

#: Bytes of the table of differences from which two walks over chunks of it are faster.
WORTH = 2**23


def _fellows(labels: Tensor) -> Tensor:
    """How many others of its label each sample has."""
    _, place, many = torch.unique(labels, return_inverse=True, return_counts=True)
    found: Tensor = many[place] - 1
    return found


def _pairs(labels: Tensor) -> Tensor:
    """How many others of its label each sample has, in a batch of several labels."""
    fellows = _fellows(labels)
    return torch.where(fellows + 1 < len(labels), fellows, 0)


def fastap(embeddings: Tensor, labels: Tensor, *, bins: int, keep: Tensor | None = None) -> Found:
    """One less each sample's average precision; see the block."""

    def run(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        values = over_anchors(
            x, labels, "cosine", lambda apart, near, far, *_: ranked.missed(apart, near, far, bins)
        )
        return values, _fellows(labels) > 0

    return among(run, embeddings, labels, keep)


def histogram(embeddings: Tensor, labels: Tensor, *, bins: int, keep: Tensor | None = None) -> Found:
    """How much of the batch's pairs of two labels is at least as alike; see the block."""

    def run(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        wrong = over_anchors(x, labels, "cosine", lambda apart, _, far, *__: binned.places(apart, far, bins))
        crossed = (len(labels) - 1 - _fellows(labels)).sum().clamp(min=1)
        values = over_anchors(
            x,
            labels,
            "cosine",
            lambda apart, near, _, risen, __: binned.outdone(apart, near, risen, bins),
            wrong.sum(0).cumsum(-1) / crossed,
        )
        return values, _pairs(labels)

    return among(run, embeddings, labels, keep)


def lifted(
    embeddings: Tensor, labels: Tensor, *, margin: float, distance: str, keep: Tensor | None = None
) -> Found:
    """Every pair of a label against all negatives of both its samples; see the block."""

    def run(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        pairs = _pairs(labels)
        nearest = over_anchors(x, labels, distance, lambda apart, _, far, *__: log_sum(margin - apart, far))
        values = over_anchors(
            x,
            labels,
            distance,
            lambda apart, near, far, nearest, here: structure.structured(
                apart, near & far.any(1, keepdim=True), nearest[here], nearest
            ),
            nearest,
        )
        return values, pairs

    return among(run, embeddings, labels, keep)


def generalized_lifted(
    embeddings: Tensor, labels: Tensor, *, margin: float, distance: str, keep: Tensor | None = None
) -> Found:
    """Each sample's soft farthest partner against its soft nearest negative; see the block."""

    def run(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        values = over_anchors(
            x, labels, distance, lambda apart, near, far, *_: structure.widest(apart, near, far, margin)
        )
        return values, _pairs(labels) > 0

    return among(run, embeddings, labels, keep)


FASTAP = chunked(fastap, WORTH)
HISTOGRAM = chunked(histogram, WORTH)
LIFTED = chunked(lifted, WORTH)
GENERALIZED_LIFTED = chunked(generalized_lifted, WORTH)
