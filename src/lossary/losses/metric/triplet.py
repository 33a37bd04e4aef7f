"""Triplet losses: an anchor nearer to its positive than to its negative, by a margin."""

from typing import Annotated

import torch
from torch import Tensor
from torch.nn import functional as F

from lossary.declare import (
    Claims,
    Elicits,
    Embedding,
    Example,
    Keep,
    Labels,
    Link,
    NonNegative,
    Paper,
    PerAnchor,
    PerTriplet,
    Task,
    loss,
)

from .distance import WAY, Distance, between, distance_of
from .partners import distances, partners

MARGIN = "how much nearer the positive must be than the negative; None is the soft margin log(1 + exp(gap))"


def excess(near: Tensor, far: Tensor, margin: float | None) -> Tensor:
    """How far a triplet is from being right."""
    gap = near - far
    return -F.logsigmoid(-gap) if margin is None else torch.relu(gap + margin)


def excess_of(near, far, m, margin):
    """``excess`` over plain numbers, for definitions."""
    return m.log(1 + m.exp(near - far)) if margin is None else m.max(near - far + margin, 0)


@loss(
    title="Triplet loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare with the loss's own distance",
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all gives the margin",
    claims=Claims(lower=0.0),
    cancels=lambda a, p, n, m, margin, distance: (
        distance_of(a, p, m, distance) + distance_of(a, n, m, distance) + (margin or 0)
    ),
    example=Example(((0.0, 0.0), (3.0, 4.0), (0.0, 4.5)), 1.5, "5 - 4.5 + 1 = 1.5"),
    use_when="Triplets are given, or sampled by a rule of your own.",
    avoid_when="Only labels are given: mining within the batch finds triplets that still teach something.",
    aliases=("triplet_margin",),
    elsewhere={
        "torch.nn.functional.triplet_margin_loss": "no factor: it adds 1e-6 to every difference",
        "torch.nn.functional.triplet_margin_with_distance_loss": lambda margin: (
            1.0 if margin is not None and margin > 0 else "no factor: its margin is a number above 0"
        ),
    },
    paper=Paper(
        "Schroff, Kalenichenko and Philbin", 2015, "FaceNet", equation="section 3.1", arxiv="1503.03832"
    ),
)
def triplet(
    anchor: Embedding,
    positive: Embedding,
    negative: Embedding,
    *,
    margin: Annotated[float | None, NonNegative, MARGIN] = 1.0,
    distance: Annotated[str, Distance, WAY] = "euclidean",
) -> PerTriplet:
    """The positive must be nearer to the anchor than the negative, by a margin.

    Shapes: all three (..., D); per unit (...).
    """
    return excess(between(anchor, positive, distance), between(anchor, negative, distance), margin)


@triplet.definition
def _(a, p, n, m, *, margin, distance):
    return excess_of(distance_of(a, p, m, distance), distance_of(a, n, m, distance), m, margin)


@loss(
    title="Batch-hard triplet loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare with the loss's own distance",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all gives the margin",
    claims=Claims(lower=0.0),
    cancels=lambda e, labels, i, m, margin, distance: (
        sum(distance_of(e[i], other, m, distance) for other in e) + (margin or 0)
    ),
    symbolic=False,
    formula=r"\max\left(\max_{j: y_j = y_i} d_{ij} - \min_{k: y_k \ne y_i} d_{ik} + \text{margin},\ 0\right)",
    derivative=r"\nabla d_{ij^*} - \nabla d_{ik^*} \text{ where the value is positive, else } 0",
    example=Example(
        (((0.0, 0.0), (3.0, 4.0), (0.0, 4.5)), (0, 0, 1), 0),
        1.5,
        "hardest pair at 5 and 4.5: 5 - 4.5 + 1 = 1.5",
    ),
    use_when="A batch holds several samples of each of several labels.",
    avoid_when="Labels are noisy: the hardest positive is then the mislabelled one.",
    aliases=("batch_hard_triplet", "triplet_hard", "batch_hard"),
    elsewhere={
        "pytorch_metric_learning.losses.TripletMarginLoss + BatchHardMiner": "no factor: by default it scales "
        "embeddings to length 1, and takes the mean over the triplets that cost something",
        "pytorch_metric_learning.losses.TripletMarginLoss + BatchHardMiner, LpDistance without "
        "normalize_embeddings, MeanReducer": lambda margin, distance: (
            1.0 if margin is not None and distance == "euclidean" else "no factor: its distance is euclidean"
        ),
        "tensorflow_addons.losses.triplet_hard_loss, every sample with both partners": lambda margin: (
            1.0 if margin is not None else "1 with soft=True"
        ),
    },
    paper=Paper(
        "Hermans, Beyer and Leibe", 2017, "In Defense of the Triplet Loss", equation="5", arxiv="1703.07737"
    ),
)
def triplet_batch_hard(
    embeddings: Embedding,
    labels: Labels,
    *,
    margin: Annotated[float | None, NonNegative, MARGIN] = 1.0,
    distance: Annotated[str, Distance, WAY] = "euclidean",
    keep: Keep = None,
) -> PerAnchor:
    """Each sample against its farthest positive and its nearest negative in the batch.

    Shapes: embeddings (N, D), labels (N,); per unit (N,). A sample without a positive or without a negative does
    not count. ``.units(...)`` returns the members of each triplet as well, (N, 3): anchor, positive, negative.
    """
    if not len(labels):
        empty = embeddings.sum(-1)
        return empty, empty > 0, torch.zeros((0, 3), dtype=torch.int64, device=labels.device)
    positive, negative = partners(labels, keep)
    apart = pairwise(embeddings.detach(), distance)
    farthest = torch.where(positive, apart, -torch.inf).argmax(1)
    nearest = torch.where(negative, apart, torch.inf).argmin(1)
    complete = positive.any(1) & negative.any(1)
    return of_chosen(embeddings, farthest, nearest, complete, margin, distance)


def of_chosen(
    embeddings: Tensor,
    farthest: Tensor,
    nearest: Tensor,
    complete: Tensor,
    margin: float | None,
    distance: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """One triplet an anchor, chosen already; only the chosen pairs are differentiated.

    Args:
        farthest, nearest: the place of each anchor's positive and negative, (N,).
        complete: which anchors have both, (N,).
    """
    here = torch.arange(len(complete), device=complete.device)
    # A sample that is no triplet points to itself and is not counted.
    farthest = torch.where(complete, farthest, here)
    nearest = torch.where(complete, nearest, here)
    near = between(embeddings, embeddings[farthest], distance)
    far = between(embeddings, embeddings[nearest], distance)
    return excess(near, far, margin), complete, torch.stack([here, farthest, nearest], -1)


def pairwise(x: Tensor, distance: str) -> Tensor:
    """Distances of all pairs, from differences and not from products: nearness must not cancel. (N, D) to (N, N)."""
    return between(x.unsqueeze(1), x.unsqueeze(0), distance)


@triplet_batch_hard.definition
def _(e, labels, i, m, *, margin, distance):
    near, far = distances(e, labels, i, m, distance)
    if not near or not far:
        return None
    return excess_of(max(near), min(far), m, margin)
