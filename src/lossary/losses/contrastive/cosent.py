"""CoSENT: pairs that were judged more alike are to be more alike."""

from typing import Annotated

import torch

from lossary.declare import (
    Claims,
    Elicits,
    Embedding,
    Example,
    Judgement,
    Keep,
    Link,
    Paper,
    PerAnchor,
    Positive,
    Task,
    loss,
)

from ..metric.distance import direction, unit
from ..multilabel.zlpr import above_zero
from .statistics import covered


def _gaps(a, b, y, m, scale):
    """By how much a pair that was judged less alike leads one that was judged more alike, for all such two."""
    similar = [m.dot(unit(u, m), unit(v, m)) for u, v in zip(a, b, strict=True)]
    return [
        scale * (similar[j] - similar[i]) for i, high in enumerate(y) for j, low in enumerate(y) if low < high
    ]


def _sizes(a, b, y, i, m, *, scale):
    """Each gap is off by the rounding of two cosines, and counts by its share of 1 and all exponentials."""
    return 2 * scale if any(low < high for low in y for high in y) else 0


@loss(
    title="CoSENT loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding, of each of the two",
    decode="the embedding; compare by cosine similarity",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all gives log(1 + the number of pairs of pairs judged differently)",
    claims=Claims(),
    cancels=_sizes,
    symbolic=False,
    formula=r"\log\left(1 + \sum_{i, j: y_i > y_j} e^{\lambda (s_j - s_i)}\right) \text{ with } s_i = \cos(x_i, z_i) "
    r"\text{ of the two, } \lambda \text{ the scale}",
    derivative=r"\lambda \sum_{j: y_i > y_j} p_{ij} \left(\nabla s_j - \nabla s_i\right) \text{ with } p_{ij} \text{ "
    r"the share of each exponential in the } 1 + \sum",
    example=Example(
        (((1.0, 0.0), (0.0, 1.0)), ((3.0, 4.0), (4.0, 3.0)), (5.0, 2.0), 0), 0.6931471805599453,
        "cosines 0.6 and 0.6, of which the first was to be higher: log(1 + exp(0))",
    ),
    use_when="Pairs come with a grade of how alike they are, and only the order of the grades is to be trusted.",
    avoid_when="Pairs have one of two grades and batches are large: contrastive and InfoNCE losses use them better.",
    elsewhere={
        "sentence_transformers.losses.CoSENTLoss": "no factor: it runs the network too; of its embeddings 1",
    },
    paper=Paper("Huang et al.", 2024, "CoSENT: Consistent Sentence Embedding via Similarity Ranking"),
)  # fmt: skip
def cosent(
    first: Embedding,
    second: Embedding,
    target: Judgement,
    *,
    scale: Annotated[float, Positive, "what differences of cosines are multiplied by"] = 20.0,
    keep: Keep = None,
) -> PerAnchor:
    """Every two pairs that were judged differently cost where their cosines are in another order, or nearly.

    Shapes: first and second (N, D), row i of both a pair, target (N,); per unit (N,): every pair of a batch has the
    batch's one value. Targets on any scale: only which of two is greater counts, and equal ones are not compared.
    """
    there = covered(first, keep)
    if len(first) == 0:
        return first.sum(-1) + second.sum(-1), there, None
    similar = (direction(first) * direction(second)).sum(-1)
    # A judgement that is no number compares with none, and would not be missed.
    similar = torch.where(target.isnan(), torch.nan, similar)
    ahead = (target.unsqueeze(1) > target) | target.isnan()
    if keep is not None:
        ahead = ahead & keep & keep.unsqueeze(1)
    gaps = scale * (similar - similar.unsqueeze(1))
    value = above_zero(gaps.flatten(), ahead.flatten())
    return value.expand(len(first)), torch.ones_like(there), None


@cosent.definition
def _(a, b, y, i, m, *, scale):
    return m.log(1 + m.sum([m.exp(gap) for gap in _gaps(a, b, y, m, scale)]))
