"""Triplets of a batch by rule: all of them, or for each pair the negative that is just harder to tell apart."""

from collections.abc import Sequence
from typing import Annotated

import torch

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
    Task,
    loss,
)

from .distance import WAY, Distance
from .partners import distances, partners, positives
from .triplet import MARGIN, excess, excess_of, pairwise


def _all(labels: Sequence[int], i: int) -> int:
    alike = list(labels).count(labels[i])
    return (alike - 1) * (len(labels) - alike)


def _size(e, labels, i, m, margin, distance):
    """The mean size of the terms of an anchor's triplets."""
    near, far = distances(e, labels, i, m, distance)
    return m.sum(near) / max(len(near), 1) + m.sum(far) / max(len(far), 1) + (margin or 0)


@loss(
    title="Batch-all triplet loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare with the loss's own distance",
    coupled=True,
    counts=_all,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all gives the margin",
    claims=Claims(lower=0.0),
    cancels=_size,
    symbolic=False,
    formula=r"\frac{1}{|P_i|\,|N_i|} \sum_{j \in P_i} \sum_{k \in N_i} "
    r"\max\left(d_{ij} - d_{ik} + \text{margin},\ 0\right)",
    derivative=r"\frac{1}{|P_i|\,|N_i|} \sum_{j \in P_i} \sum_{k \in N_i} h_{jk} "
    r"\left(\nabla d_{ij} - \nabla d_{ik}\right) \text{ with } h_{jk} = 1 \text{ where the triplet costs "
    r"something, else } 0",
    example=Example(
        (((0.0, 0.0), (3.0, 4.0), (0.0, 4.5)), (0, 0, 1), 0),
        1.5,
        "its one triplet: 5 - 4.5 + 1 = 1.5",
    ),
    use_when="The hardest triplets of a batch are wrong labels, or collapse the training: Hermans et al. (2017).",
    avoid_when="Most triplets cost nothing already: a mean over all of them hardly moves.",
    aliases=("batch_all_triplet", "triplet_batch_all", "batch_all"),
    elsewhere={
        "pytorch_metric_learning.losses.TripletMarginLoss": "no factor: by default it scales embeddings to "
        "length 1, and takes the mean over the triplets that cost something",
        "pytorch_metric_learning.losses.TripletMarginLoss, LpDistance without normalize_embeddings, MeanReducer, "
        "smooth_loss and margin 0 for the soft margin": lambda distance: (
            1.0 if distance == "euclidean" else "no factor: its distance is euclidean"
        ),
    },
    paper=Paper(
        "Hermans, Beyer and Leibe", 2017, "In Defense of the Triplet Loss", equation="6", arxiv="1703.07737"
    ),
)
def triplet_all(
    embeddings: Embedding,
    labels: Labels,
    *,
    margin: Annotated[float | None, NonNegative, MARGIN] = 1.0,
    distance: Annotated[str, Distance, WAY] = "euclidean",
    keep: Keep = None,
) -> PerAnchor:
    """Each sample against every pair of one of its positives and one of its negatives in the batch.

    Shapes: embeddings (N, D), labels (N,); per unit (N,), the mean over the anchor's triplets, which counts as often
    as there are triplets: ``mean`` is the mean over all triplets of the batch, ``sum`` their sum, and ``none`` has
    the sum of each anchor's. The whole batch's N^3 triplets stand in memory unless ``backend`` is "chunked".
    """
    positive, negative = partners(labels, keep)
    apart = pairwise(embeddings, distance)
    costs = excess(apart.unsqueeze(2), apart.unsqueeze(1), margin)
    total = torch.where(positive.unsqueeze(2) & negative.unsqueeze(1), costs, 0.0).sum((1, 2))
    many = positive.sum(1) * negative.sum(1)
    return total / many.clamp(min=1), many, None


@triplet_all.definition
def _(e, labels, i, m, *, margin, distance):
    near, far = distances(e, labels, i, m, distance)
    if not near or not far:
        return None
    return m.sum([excess_of(p, n, m, margin) for p in near for n in far]) / (len(near) * len(far))


def _jumps(e, labels, i, m, margin, distance):
    """The size of the terms, and how far the value jumps where two distances change their order.

    A negative as far as the positive is chosen or passed over: within a rounding of the distances the value moves by
    as much as negatives differ, so that much rounding is multiplied by near a tie.
    """
    near, far = distances(e, labels, i, m, distance)
    size = _size(e, labels, i, m, margin, distance)
    for p in near:
        for n in far:
            gap = abs(p - n)
            size = size + (max(far) - min(far)) * (p + n) / gap if gap > 0 else float("inf")
    return size


@loss(
    title="Semi-hard triplet loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare with the loss's own distance",
    coupled=True,
    counts=positives,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all gives the margin",
    claims=Claims(lower=0.0),
    cancels=_jumps,
    symbolic=False,
    formula=r"\frac{1}{|P_i|} \sum_{j \in P_i} \max\left(d_{ij} - d_{ik_j} + \text{margin},\ 0\right), \quad "
    r"d_{ik_j} = \min\{d_{ik} > d_{ij}: y_k \ne y_i\}, \text{ or } \max_{k: y_k \ne y_i} d_{ik} \text{ where none is}",
    derivative=r"\frac{1}{|P_i|} \sum_{j \in P_i} \left[d_{ij} - d_{ik_j} + \text{margin} > 0\right] "
    r"\left(\nabla d_{ij} - \nabla d_{ik_j}\right)",
    example=Example(
        (((0.0, 0.0), (3.0, 4.0), (0.0, 4.5), (0.0, 5.5)), (0, 0, 1, 1), 0),
        0.5,
        "the positive is at 5, the nearest negative beyond it at 5.5: 5 - 5.5 + 1 = 0.5",
    ),
    use_when="Training starts from scratch, where the hardest negatives can collapse the embedding: FaceNet, 3.2.",
    avoid_when="A continuous loss is needed: the value jumps where a negative passes a positive.",
    aliases=("semi_hard_triplet", "triplet_semihard", "batch_semi_hard"),
    elsewhere={
        "pytorch_metric_learning.losses.TripletMarginLoss + TripletMarginMiner(type_of_triplets='semihard')": (
            "no factor: it takes every negative between the positive and the margin"
        ),
        "tensorflow_addons.losses.triplet_semihard_loss": lambda margin: (
            1.0 if margin is not None else "no factor: it has no soft margin"
        ),
    },
    paper=Paper(
        "Schroff, Kalenichenko and Philbin", 2015, "FaceNet", equation="section 3.2", arxiv="1503.03832"
    ),
)
def triplet_semi_hard(
    embeddings: Embedding,
    labels: Labels,
    *,
    margin: Annotated[float | None, NonNegative, MARGIN] = 1.0,
    distance: Annotated[str, Distance, WAY] = "euclidean",
    keep: Keep = None,
) -> PerAnchor:
    """Each pair of a class against the nearest negative that is farther than the positive.

    Shapes: embeddings (N, D), labels (N,); per unit (N,), the mean over the anchor's positives, which counts as often
    as there are positives. Where no negative is strictly farther than the positive, the farthest negative stands in,
    as in TensorFlow Addons; of negatives equally far the first in the batch is taken.
    """
    positive, negative = partners(labels, keep)
    apart = pairwise(embeddings, distance)
    if not len(labels):
        return apart.sum(1), positive.sum(1), None
    still = apart.detach()
    # (anchor, positive, negative): what lies beyond the positive; a NaN does, so that it is seen
    beyond = negative.unsqueeze(1) & ~(still.unsqueeze(1) <= still.unsqueeze(2))
    # Who is infinitely far lies beyond all the same.
    within = still.clamp(max=torch.finfo(still.dtype).max)
    nearest = torch.where(beyond, within.unsqueeze(1), torch.inf).argmin(2)
    farthest = torch.where(negative, still, -torch.inf).argmax(1, keepdim=True)
    chosen = torch.where(beyond.any(2), nearest, farthest)
    costs = excess(apart, apart.gather(1, chosen), margin)
    many = positive.sum(1) * negative.any(1)
    return torch.where(positive, costs, 0.0).sum(1) / many.clamp(min=1), many, None


@triplet_semi_hard.definition
def _(e, labels, i, m, *, margin, distance):
    near, far = distances(e, labels, i, m, distance)
    if not near or not far:
        return None
    costs = []
    for p in near:
        beyond = [n for n in far if n > p]
        costs.append(excess_of(p, m.min(beyond) if beyond else m.max(far), m, margin))
    return m.sum(costs) / len(costs)
