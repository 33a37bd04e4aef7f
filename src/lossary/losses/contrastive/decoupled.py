"""Decoupled contrastive learning: NT-Xent whose denominator leaves the positive pair out."""

from typing import Annotated

import torch

from lossary.declare import (
    Claims,
    Elicits,
    Embedding,
    Example,
    Keep,
    Link,
    Paper,
    PerAnchor,
    Task,
    loss,
)

from ..metric.partners import EXEMPT
from .nt_xent import both, turns, views
from .pairs import MEANING, Temperature, Warmth


def _unsure(one, other, i, m, *, temperature):
    found = []
    for anchor, own, rest in turns(one, other, i, m):
        shares = m.softmax([m.dot(anchor, each) / temperature for each in rest])
        sizes = [m.dot(map(abs, anchor), map(abs, each)) / temperature for each in (own, *rest)]
        found.append(sizes[0] + m.dot(shares, sizes[1:]) + m.log(len(rest)))
    return m.sum(found) / 2


@loss(
    title="Decoupled contrastive loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare by cosine",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all costs log(2N - 2) in a batch of N",
    claims=Claims(),
    counts=lambda labels, i: int(len(labels) > 1),
    cancels=_unsure,
    symbolic=False,
    formula=r"\frac{\ell_{ab} + \ell_{ba}}{2} \text{ with } \ell_{ab} = \log \sum_{k \ne a, b} "
    r"\exp(s_{ak}/\tau) - s_{ab}/\tau \text{ over all } 2N \text{ views and their cosines } s",
    derivative=r"\frac{1}{\tau} \left(\sum_{k \ne a, b} p_{ak} \nabla s_{ak} - \nabla s_{ab}"
    r"\right) \text{ for } \ell_{ab} \text{, with the softmax } p \text{ over } k \ne a, b",
    example=Example(
        (((1.0, 0.0), (0.0, 1.0)), ((2.0, 0.0), (0.0, 3.0)), 0), -0.3068528194400547,
        "each view: cosine 1 with its other view and 0 with two of the other sample: log(1 + 1) - 1 = -0.3069",
        {"temperature": 1.0},
    ),
    use_when="Two views of each sample are at hand and batches are small: a pair that is found still pulls.",
    avoid_when="A loss of at least 0 is wanted: this one has no greatest lower bound for all temperatures.",
    aliases=("dcl", "decoupled_contrastive"),
    elsewhere={
        "pytorch_metric_learning.losses.NTXentLoss": "no factor: its denominator holds the positive pair",
        "lightly.loss.DCLLoss": 1.0,
    },
    exempt=EXEMPT,
    paper=Paper("Yeh et al.", 2022, "Decoupled Contrastive Learning", equation="6", arxiv="2110.06848"),
)  # fmt: skip
def decoupled(
    one: Embedding,
    other: Embedding,
    *,
    temperature: Annotated[Warmth, Temperature, MEANING] = 0.1,
    keep: Keep = None,
) -> PerAnchor:
    """A view's similarities to the views of other samples, softly the greatest, less that to its own other view.

    Shapes: both (N, D), row i of both are views of sample i; per unit (N,), the mean over the two views, which the
    paper adds up. A sample alone in its batch does not count.
    """
    rest, own, some = views(one, other, temperature, keep)
    return both(torch.where(some, rest - own, 0.0)), some[: len(one)], None


@decoupled.definition
def _(one, other, i, m, *, temperature):
    if len(one) == 1:
        return None
    found = []
    for anchor, own, rest in turns(one, other, i, m):
        raised = [m.exp(m.dot(anchor, each) / temperature) for each in rest]
        found.append(m.log(m.sum(raised)) - m.dot(anchor, own) / temperature)
    return m.sum(found) / 2
