"""InfoNCE: which of the batch's keys belongs to a query."""

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
from .pairs import (
    MEANING,
    Similarity,
    Temperature,
    Warmth,
    against,
    apart,
    scaled,
    similarities,
    surprise,
)
from .pairs import unsure as _unsure


def _unsure_of(query, key, i, m, *, temperature, similarity):
    anchor, *keys = scaled([query[i], *key], m, similarity)
    return _unsure(anchor, keys[i], [each for j, each in enumerate(keys) if j != i], m, temperature)


@loss(
    title="InfoNCE",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare by the loss's own similarity",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all costs log N in a batch of N",
    claims=Claims(
        convex=lambda similarity: similarity == "dot",
        lower=0.0,
        smooth=lambda similarity: similarity == "dot",
    ),
    cancels=_unsure_of,
    symbolic=False,
    formula=r"-\log \frac{\exp(s_{ii}/\tau)}{\sum_j \exp(s_{ij}/\tau)} \text{ with similarities } s",
    derivative=r"\frac{1}{\tau} \left(\sum_j p_{ij} \nabla s_{ij} - \nabla s_{ii}\right)"
    r" \text{ with } p_{ij} = \frac{\exp(s_{ij}/\tau)}{\sum_k \exp(s_{ik}/\tau)}",
    example=Example(
        (((1.0, 0.0), (0.0, 1.0)), ((2.0, 0.0), (0.0, 3.0)), 0), 0.31326168751822286,
        "cosines 1 with its own key and 0 with the other: -log(e/(e + 1)) = 0.3133", {"temperature": 1.0},
    ),
    use_when="Each query has one key, and the other keys of the batch may pass for wrong ones.",
    avoid_when="Batches are small, or hold several samples of one meaning: those are pushed apart.",
    aliases=("infonce", "info_nce_loss"),
    elsewhere={
        "pytorch_metric_learning.losses.SelfSupervisedLoss(NTXentLoss(), symmetric=False)": lambda similarity: (
            1.0 if similarity == "cosine" else "no factor: it scales embeddings to length 1"
        ),
        "info_nce.InfoNCE": lambda similarity: (
            1.0 if similarity == "cosine" else "no factor: it scales embeddings to length 1"
        ),
    },
    exempt=EXEMPT,
    paper=Paper("van den Oord, Li and Vinyals", 2018, "Representation Learning with Contrastive Predictive Coding",
                equation="4", arxiv="1807.03748"),
)  # fmt: skip
def info_nce(
    query: Embedding,
    key: Embedding,
    *,
    temperature: Annotated[Warmth, Temperature, MEANING] = 0.07,
    similarity: Annotated[str, Similarity, "how alike two embeddings are"] = "cosine",
    keep: Keep = None,
) -> PerAnchor:
    """Cross-entropy of each query's similarities to all keys of the batch, its own key being the right one.

    Shapes: both (N, D), row i of one belongs to row i of the other; per unit (N,).
    """
    z = similarities(query, key, temperature, similarity)
    rest, some = against(z, apart(len(z), keep, z.device))
    return surprise(rest, z.diagonal(), some), torch.ones_like(some), None


@info_nce.definition
def _(query, key, i, m, *, temperature, similarity):
    anchor, *keys = scaled([query[i], *key], m, similarity)
    z = [m.dot(anchor, each) / temperature for each in keys]
    return m.log(m.sum([m.exp(each) for each in z])) - z[i]
