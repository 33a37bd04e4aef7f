"""Similarities weighed by how far each is from where it should be."""

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
    OpenUnit,
    Paper,
    PerAnchor,
    Positive,
    Task,
    loss,
    softplus,
)

from .distance import direction, unit
from .partners import EXEMPT, log_sum, partners, sides

STILL = "the weight of a similarity is held constant when the loss is differentiated"


def _sizes(e, labels, i, m, *, gamma, margin):
    """What rounding a cosine leaves undecided in the exponents, as far as the loss follows them."""
    value = _value(e, labels, i, m, gamma, margin)
    return 0 if value is None else (1 - m.exp(-value)) * 2 * gamma * (2 + margin) ** 2


def _value(e, labels, i, m, gamma, margin):
    near, far = sides(labels, i)
    if not near or not far:
        return None
    u = [unit(x, m) for x in e]
    alike, other = ([m.dot(u[i], u[j]) for j in places] for places in (near, far))
    pull = m.sum([m.exp(-gamma * m.still(m.max(1 + margin - s, 0)) * (s - 1 + margin)) for s in alike])
    push = m.sum([m.exp(gamma * m.still(m.max(s + margin, 0)) * (s - margin)) for s in other])
    return m.log(1 + pull * push)


@loss(
    title="Circle loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare by cosine",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all gives log(1 + P·Q·exp(gamma·(1 - 2·margin²))), with P samples of "
             "the label and Q of others",
    claims=Claims(),
    cancels=_sizes,
    symbolic=False,
    formula=r"\log\left(1 + \sum_{k \in N_i} e^{\gamma a_k} \sum_{j \in P_i} e^{-\gamma b_j}\right) \text{ with } "
            r"a_k = [s_{ik} + m]_+ (s_{ik} - m), b_j = [1 + m - s_{ij}]_+ (s_{ij} - 1 + m) \text{, cosines } s, "
            r"P_i \text{ the samples of its label and } N_i \text{ those of others}",
    derivative=r"\sigma \gamma \left(\sum_k q_k [s_{ik} + m]_+ \nabla s_{ik} - \sum_j p_j [1 + m - s_{ij}]_+ "
               r"\nabla s_{ij}\right) \text{ with } q, p \text{ the exponents' softmax and } \sigma = 1 - e^{-\ell}",
    example=Example(
        (((1.0, 0.0), (2.0, 0.0), (0.0, 1.0)), (0, 0, 1), 0), 0.47407698418010669,
        "cosines 1 and 0: exponents -(1.5 - 1)·(1 - 0.5) = -0.25 and (0 + 0.5)·(0 - 0.5) = -0.25: log(1 + exp(-0.5))",
        {"gamma": 1.0, "margin": 0.5},
    ),
    use_when="A batch holds several samples of each label, and similarities that are right already should rest.",
    avoid_when="Labels are noisy: what is furthest from where it should be has the greatest weight.",
    aliases=("circle_loss",),
    elsewhere={
        "pytorch_metric_learning.losses.CircleLoss": 1.0,
    },
    exempt={"differentiates_twice": STILL, "gradients_at_kinks_are_subgradients": STILL, **EXEMPT},
    paper=Paper("Sun et al.", 2020, "Circle Loss: A Unified Perspective of Pair Similarity Optimization",
                arxiv="2002.10857"),
)  # fmt: skip
def circle(
    embeddings: Embedding,
    labels: Labels,
    *,
    gamma: Annotated[
        float, Positive, "scale of the exponents; 256 for faces in the paper, 80 for retrieval"
    ] = 80.0,
    margin: Annotated[
        float, OpenUnit, "a cosine should be above 1 - margin within a label, below margin across"
    ] = 0.4,
    keep: Keep = None,
) -> PerAnchor:
    """Cosines across labels against those within, each weighed by its distance from the best it could be.

    Shapes: embeddings (N, D), labels (N,); per unit (N,). A sample without a partner of its label, or without one of
    another, does not count. The weights are constants to the gradient, as in the paper's derivative.
    """
    positive, negative = partners(labels, keep)
    u = direction(embeddings)
    s = u @ u.mT
    pull = -torch.relu(1.0 + margin - s.detach()) * (s - (1.0 - margin))
    push = torch.relu(s.detach() + margin) * (s - margin)
    total = log_sum(gamma * pull, positive) + log_sum(gamma * push, negative)
    return softplus(total), positive.any(1) & negative.any(1), None


@circle.definition
def _(e, labels, i, m, *, gamma, margin):
    return _value(e, labels, i, m, gamma, margin)
