"""Multi-similarity loss: every positive and negative weighed by how it compares with the others."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    AnyNumber,
    Claims,
    Elicits,
    Embedding,
    Example,
    Keep,
    Labels,
    Link,
    Paper,
    PerAnchor,
    Positive,
    Task,
    loss,
)

from ..multilabel.zlpr import above_zero
from .distance import direction, unit
from .partners import partners


def _similarities(e, i, m):
    units = [unit(x, m) for x in e]
    return {j: m.dot(units[i], each) for j, each in enumerate(units) if j != i}


def _chosen(e, labels, i, m, epsilon):
    """Similarities of the sample's positives and negatives that enter."""
    found = _similarities(e, i, m)
    near = [s for j, s in found.items() if labels[j] == labels[i]]
    far = [s for j, s in found.items() if labels[j] != labels[i]]
    if epsilon is None:
        return near, far
    if not near or not far:
        return [], []
    lowest, highest = min(near), max(far)
    return [s for s in near if s - epsilon < highest], [s for s in far if s + epsilon > lowest]


def _sizes(e, labels, i, m, *, alpha, beta, base, epsilon):
    """What one rounding of every similarity, and of its difference from the base, leaves undecided."""
    near, far = _chosen(e, labels, i, m, epsilon)
    found = []
    for rate, gaps in ((alpha, [base - s for s in near]), (beta, [s - base for s in far])):
        raised = [m.exp(rate * gap) for gap in gaps]
        found.append(m.sum(raised) / (1 + m.sum(raised)) * (1 + abs(base)))
    return m.sum(found)


@loss(
    title="Multi-similarity loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare by cosine similarity",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all: a similarity of 1 to positives and negatives alike",
    claims=Claims(lower=0.0, smooth=lambda epsilon: epsilon is None),
    counts=lambda labels, i: int(len(labels) > 1),
    cancels=_sizes,
    symbolic=False,
    formula=r"\frac{1}{\alpha} \log\left(1 + \sum_{k \in P_i} e^{-\alpha (s_{ik} - \lambda)}\right) + "
    r"\frac{1}{\beta} \log\left(1 + \sum_{k \in N_i} e^{\beta (s_{ik} - \lambda)}\right) \text{ with } s_{ik} = "
    r"\cos(x_i, x_k), P_i \text{ the samples of its label and } N_i \text{ those of others}",
    derivative=r"\sum_{k \in N_i} q_k \nabla s_{ik} - \sum_{k \in P_i} p_k \nabla s_{ik} \text{ with } p, q "
    r"\text{ the share of each exponential in its } 1 + \sum",
    example=Example(
        (((3.0, 4.0), (4.0, 3.0), (-4.0, 3.0)), (0, 0, 1), 0),
        0.16770692446514304,
        "similarities 24/25 to its like and 0 to the other: log(1 + exp(-0.92))/2 + log(1 + exp(-25))/50",
    ),
    use_when="A batch holds several samples of each of many labels, and few pairs still teach something.",
    avoid_when="Labels are noisy: the least similar positives weigh most.",
    aliases=("ms",),
    elsewhere={
        "pytorch_metric_learning.losses.MultiSimilarityLoss, after MultiSimilarityMiner unless epsilon is None": 1.0,
    },
    paper=Paper("Wang, Han, Huang, Dong and Scott", 2019,
                "Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning", arxiv="1904.06627"),
)  # fmt: skip
def multi_similarity(
    embeddings: Embedding,
    labels: Labels,
    *,
    alpha: Annotated[float, Positive, "how sharply the least similar positives are preferred"] = 2.0,
    beta: Annotated[float, Positive, "how sharply the most similar negatives are preferred"] = 50.0,
    base: Annotated[
        float, AnyNumber, "the similarity above which positives, and below which negatives, cost little"
    ] = 0.5,
    epsilon: Annotated[
        float | None,
        Positive,
        "pairs that are worse than the sample's worst pair of the other kind, or better by less than this, enter; "
        "the paper mines with 0.1; None: all pairs",
    ] = None,
    keep: Keep = None,
) -> PerAnchor:
    """Positives below a base similarity and negatives above it cost, the worst of each sample's most.

    Shapes: embeddings (N, D), labels (N,); per unit (N,). Every sample counts that is not alone; one from which no
    pair is mined is 0.
    """
    if not len(labels):
        empty = embeddings.sum(-1)
        return empty, empty > 0, None
    units = direction(embeddings)
    # Not by a matrix product, whose backward pass autocast would do in half precision.
    similar = (units.unsqueeze(1) * units.unsqueeze(0)).sum(-1)
    near, far = partners(labels, keep)
    many = (near | far).any(1)
    if epsilon is not None:
        near, far = mined(similar.detach(), near, far, epsilon)
    values = above_zero(alpha * (base - similar), near) / alpha
    values = values + above_zero(beta * (similar - base), far) / beta
    return values, many, None


def mined(similar: Tensor, near: Tensor, far: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Positives that are not clearly nearer than every negative, and negatives not clearly farther than every positive.

    Shapes: all (A, N), the similarities of A anchors and which are of each kind; so are both results.
    """
    lowest = torch.where(near, similar, torch.inf).amin(1, keepdim=True)
    highest = torch.where(far, similar, -torch.inf).amax(1, keepdim=True)
    return near & (similar - epsilon < highest), far & (similar + epsilon > lowest)


@multi_similarity.definition
def _(e, labels, i, m, *, alpha, beta, base, epsilon):
    if len(e) < 2:
        return None
    near, far = _chosen(e, labels, i, m, epsilon)
    pull = m.log(1 + m.sum([m.exp(-alpha * (s - base)) for s in near])) / alpha
    return pull + m.log(1 + m.sum([m.exp(beta * (s - base)) for s in far])) / beta
