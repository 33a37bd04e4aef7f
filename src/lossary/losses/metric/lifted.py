"""Lifted structure: every pair of a label against all negatives of both its samples."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Embedding,
    Example,
    Interval,
    Keep,
    Labels,
    Link,
    Paper,
    PerAnchor,
    Task,
    loss,
)

from .distance import WAY, Distance, between, distance_of
from .partners import distances, log_sum, mean_over, partners, positives, sides

Finite = Interval("a finite number", -float("inf"), float("inf"), False, False, (-0.5, 0.0, 0.5, 1.0, 2.0))
MARGIN = "how far apart samples of different labels should be"


def _pairs(e, labels, i, m, margin, distance):
    """For every partner the pair's excess before it is cut at 0, and the sum of the sizes it is made of."""
    near, far = sides(labels, i)
    if not near or not far:
        return []

    def away(j):
        return [margin - distance_of(e[j], e[k], m, distance) for k in far]

    found = []
    for j in near:
        own, others = distance_of(e[i], e[j], m, distance), [*away(i), *away(j)]
        size = own + abs(margin) + max(margin - each for each in others) + m.log(1 + len(others))
        found.append((own + m.log(m.sum([m.exp(each) for each in others])), size))
    return found


@loss(
    title="Lifted structure loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare with the loss's own distance",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all gives (margin + log(2·Q))²/2, with Q samples of other labels, "
             "or 0 where that sum is negative",
    claims=Claims(lower=0.0),
    cancels=lambda e, labels, i, m, margin, distance: m.sum(
        [size**2 / 2 for _, size in _pairs(e, labels, i, m, margin, distance)]
    ),
    counts=positives,
    symbolic=False,
    formula=r"\frac{1}{2 |P_i|} \sum_{j \in P_i} [J_{ij}]_+^2 \text{ with } J_{ij} = d_{ij} + \log\left("
            r"\sum_{k \in N_i} e^{m - d_{ik}} + \sum_{k \in N_j} e^{m - d_{jk}}\right), P_i \text{ the samples "
            r"of its label and } N_i \text{ those of others}",
    derivative=r"\frac{1}{|P_i|} \sum_{j \in P_i} [J_{ij}]_+ \left(\nabla d_{ij} - \sum_k (q_{ik} \nabla "
               r"d_{ik} + q_{jk} \nabla d_{jk})\right) \text{ with } q \text{ the softmax of both sums' exponents}",
    example=Example(
        (((0.0, 0.0), (3.0, 4.0), (3.0, 0.0)), (0, 0, 1), 0), 5.488851504988052,
        "distances 5, 3 and 4: 5 + log(exp(1 - 3) + exp(1 - 4)) = 3.31326, and half its square",
        {"margin": 1.0},
    ),
    use_when="A batch holds several samples of each label, and all its pairs are to be used.",
    avoid_when="Distances are large: the square of what a single pair lacks then outweighs the rest of the batch.",
    aliases=("lifted_structure", "lifted_structured", "lifted_struct"),
    elsewhere={
        "pytorch_metric_learning.losses.LiftedStructureLoss": "no factor: by default it scales embeddings to length 1",
        "pytorch_metric_learning.losses.LiftedStructureLoss, LpDistance without normalize_embeddings": (
            lambda distance: 1.0 if distance == "euclidean" else "no factor: its distance is euclidean"
        ),
        "tensorflow_addons.losses.lifted_struct_loss": (
            lambda distance: 1.0 if distance == "euclidean" else "no factor: its distance is euclidean"
        ),
    },
    paper=Paper("Song, Xiang, Jegelka and Savarese", 2016, "Deep Metric Learning via Lifted Structured Feature "
                "Embedding", equation="4", arxiv="1511.06452"),
)  # fmt: skip
def lifted(
    embeddings: Embedding,
    labels: Labels,
    *,
    margin: Annotated[float, Finite, MARGIN] = 1.0,
    distance: Annotated[str, Distance, WAY] = "euclidean",
    keep: Keep = None,
) -> PerAnchor:
    """Half the squared excess of each pair's distance over a soft minimum of both samples' distances to negatives.

    Shapes: embeddings (N, D), labels (N,); per unit (N,): the mean over a sample's partners, which counts as often as
    there are partners.
    """
    positive, negative = partners(labels, keep)
    apart = between(embeddings.unsqueeze(1), embeddings.unsqueeze(0), distance)
    nearest = log_sum(margin - apart, negative)
    pairs = positive & negative.any(1, keepdim=True)
    return structured(apart, pairs, nearest, nearest), pairs.sum(1), None


def structured(apart: Tensor, pairs: Tensor, own: Tensor, nearest: Tensor) -> Tensor:
    """The mean cost of each row's pairs; ``own`` and ``nearest`` are by how much negatives are too near. (A, N) to (A,)

    Shapes: own (A,), of the rows; nearest (N,), of all samples.
    """
    excess = torch.relu(apart + torch.logaddexp(own.unsqueeze(1), nearest))
    return mean_over(0.5 * excess.square(), pairs)


@lifted.definition
def _(e, labels, i, m, *, margin, distance):
    pairs = _pairs(e, labels, i, m, margin, distance)
    return m.sum([m.max(each, 0) ** 2 / 2 for each, _ in pairs]) / len(pairs) if pairs else None


def _sums(e, labels, i, m, margin, distance):
    """The soft maximum of the distances within, that of the margins across, and the sizes they are made of."""
    here, there = distances(e, labels, i, m, distance)
    if not here or not there:
        return None
    within, across = m.log(m.sum([m.exp(d) for d in here])), m.log(m.sum([m.exp(margin - d) for d in there]))
    return within + across, max(here) + max(there) + abs(margin) + 2 * m.log(len(e))


def _general_sizes(e, labels, i, m, *, margin, distance):
    found = _sums(e, labels, i, m, margin, distance)
    return found[1] if found else 0


@loss(
    title="Generalized lifted structure loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare with the loss's own distance",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all gives margin + log(P·Q), with P partners and Q samples of other "
             "labels, or 0 where that is negative",
    claims=Claims(lower=0.0),
    cancels=_general_sizes,
    symbolic=False,
    formula=r"\left[\log \sum_{j \in P_i} e^{d_{ij}} + \log \sum_{k \in N_i} e^{m - d_{ik}}\right]_+ "
            r"\text{ with } P_i \text{ the samples of its label and } N_i \text{ those of others}",
    derivative=r"\sum_j p_j \nabla d_{ij} - \sum_k q_k \nabla d_{ik} \text{ where the value is positive, with } p, q "
               r"\text{ the softmax of the exponents}",
    example=Example(
        (((0.0, 0.0), (3.0, 4.0), (0.0, 4.5)), (0, 0, 1), 0), 1.5, "one of each: 5 + 1 - 4.5 = 1.5",
    ),
    use_when="Batch-hard mining is too nervous: it is batch-hard with soft maxima, so all partners have a say.",
    avoid_when="Batches hold many negatives: their number enters the value as its logarithm, and the margin must grow.",
    aliases=("generalised_lifted", "generalized_lifted_structure", "lifted_embedding"),
    elsewhere={
        "pytorch_metric_learning.losses.GeneralizedLiftedStructureLoss": "no factor: by default it scales embeddings "
        "to length 1",
        "pytorch_metric_learning.losses.GeneralizedLiftedStructureLoss, LpDistance without normalize_embeddings, every "
        "sample with both partners": (
            lambda distance: 1.0 if distance == "euclidean" else "no factor: its distance is euclidean"
        ),
    },
    paper=Paper("Hermans, Beyer and Leibe", 2017, "In Defense of the Triplet Loss", arxiv="1703.07737"),
)  # fmt: skip
def generalized_lifted(
    embeddings: Embedding,
    labels: Labels,
    *,
    margin: Annotated[float, Finite, MARGIN] = 1.0,
    distance: Annotated[str, Distance, WAY] = "euclidean",
    keep: Keep = None,
) -> PerAnchor:
    """Each sample's soft farthest partner against its soft nearest negative, by a margin.

    Shapes: embeddings (N, D), labels (N,); per unit (N,). A sample without a partner of its label, or without one of
    another, does not count.
    """
    positive, negative = partners(labels, keep)
    apart = between(embeddings.unsqueeze(1), embeddings.unsqueeze(0), distance)
    return widest(apart, positive, negative, margin), positive.any(1) & negative.any(1), None


def widest(apart: Tensor, near: Tensor, far: Tensor, margin: float) -> Tensor:
    """By how much the soft farthest of each row's near is beyond the soft nearest of its far. (A, N) to (A,)"""
    return torch.relu(log_sum(apart, near) + log_sum(margin - apart, far))


@generalized_lifted.definition
def _(e, labels, i, m, *, margin, distance):
    found = _sums(e, labels, i, m, margin, distance)
    return None if found is None else m.max(found[0], 0)
