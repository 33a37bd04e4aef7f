"""Alignment and uniformity: positive pairs close together, and everything else spread over the sphere."""

from typing import Annotated

import torch

from lossary.declare import (
    AtLeastOne,
    Claims,
    Elicits,
    Embedding,
    Example,
    Keep,
    Link,
    Paper,
    PerAnchor,
    PerRow,
    Positive,
    Relative,
    Task,
    loss,
)

from ..metric.distance import apart, direction, length, unit
from ..metric.partners import EXEMPT, log_sum
from .cosine import turned


@loss(
    title="Alignment",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding at length 1",
    elicits=Elicits.EMBEDDING,
    constant="any vector: where all are the same, every pair is aligned",
    claims=Claims(lower=0.0, upper=lambda alpha: 2.0**alpha),
    cancels=lambda x, z, m, alpha: (2 + 2 * m.sum([abs(each) for each in turned(x, z, m)])) ** (alpha / 2),
    symbolic=False,
    formula=r"\|u - v\|^{\alpha} \text{ with } u = x/\|x\| \text{ and } v = y/\|y\|",
    derivative=r"\frac{\alpha\,\|u - v\|^{\alpha - 2}}{\|x\|} \left((u \cdot v)\,u - v\right)",
    example=Example(((3.0, 4.0), (0.0, 2.0)), 0.4, "(0.6 - 0)² + (0.8 - 1)² = 0.36 + 0.04 = 0.4"),
    relatives=(Relative("byol", "the squared distance", ours={"alpha": 2.0}),),
    use_when="Two views of a sample should agree; beside uniformity, which keeps the others apart.",
    avoid_when="Nothing keeps other samples apart: the same embedding for all of them is then the best.",
    aliases=("align_loss", "alignment_loss"),
    elsewhere={
        "align_uniform.align_loss of vectors of length 1": 1.0,
    },
    paper=Paper("Wang and Isola", 2020, "Understanding Contrastive Representation Learning through Alignment and "
                "Uniformity on the Hypersphere", arxiv="2005.10242"),
)  # fmt: skip
def alignment(
    x: Embedding,
    y: Embedding,
    *,
    alpha: Annotated[
        float, AtLeastOne, "power of the distance; below 1 the slope at vectors that agree would be infinite"
    ] = 2.0,
) -> PerRow:
    """The distance between two vectors at length 1, to the power alpha.

    Shapes: both (..., D), row by row the two views of a sample; per unit (...).
    """
    gap = direction(x) - direction(y)
    return gap.square().sum(-1) if alpha == 2.0 else length(gap) ** alpha


@alignment.definition
def _(x, z, m, *, alpha):
    return apart(unit(x, m), unit(z, m), m) ** (alpha / 2)


def _exponents(e, m, t):
    u = [unit(x, m) for x in e]
    return [-t * apart(u[i], u[j], m) for i in range(len(e)) for j in range(i)]


@loss(
    title="Uniformity",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding at length 1",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="every constant costs 0, the most that can be",
    claims=Claims(upper=0.0),
    cancels=lambda e, i, m, t: 4 * t + m.log(1 + len(e)),
    symbolic=False,
    formula=r"\log \frac{1}{n (n - 1)} \sum_{i} \sum_{j \ne i} e^{-t |u_i - u_j|^2} \text{ with } "
            r"u = x / |x|",
    derivative=r"\frac{4 t \sum_j w_{ij} (1 - u_i u_i^\top) u_j}{|x_i|} \text{ with } w \text{ the terms of the sum "
               r"over their total}",
    example=Example(
        (((2.0, 0.0), (0.0, 1.0), (0.0, 3.0)), 0), -1.0626359889199164,
        "three pairs, at squared distances 2, 2 and 0: log((2·exp(-4) + 1)/3)",
    ),
    use_when="Embeddings should fill the sphere, so that different samples can be told apart; beside alignment.",
    avoid_when="Samples of one batch belong together: it drives them apart like any others.",
    aliases=("uniform_loss", "uniformity_loss"),
    elsewhere={"align_uniform.uniform_loss of vectors of length 1": 1.0},
    exempt=EXEMPT,
    paper=Paper("Wang and Isola", 2020, "Understanding Contrastive Representation Learning through Alignment and "
                "Uniformity on the Hypersphere", arxiv="2005.10242"),
)  # fmt: skip
def uniformity(
    embeddings: Embedding,
    *,
    t: Annotated[float, Positive, "how fast the price of nearness fades with the squared distance"] = 2.0,
    keep: Keep = None,
) -> PerAnchor:
    """The logarithm of the mean of exp(-t·distance²) over all pairs of a batch, at length 1.

    Shapes: embeddings (N, D); per unit (N,): every sample of a batch has the batch's one value, 0 where it is alone.
    The least that can be, for many samples spread evenly, lies the closer to -2·t the more dimensions there are.
    """
    count = len(embeddings)
    there = embeddings.new_ones(count, dtype=torch.bool) if keep is None else keep
    u = direction(embeddings)
    square = u.square().sum(-1)
    exponents = -t * (square.unsqueeze(1) + square - 2.0 * (u @ u.mT))
    pairs = (there.unsqueeze(1) & there & ~torch.eye(count, dtype=torch.bool, device=there.device)).flatten()
    value = log_sum(exponents.flatten(), pairs) - pairs.sum().clamp(min=1).to(u.dtype).log()
    return value.expand(count), torch.ones_like(there), None


@uniformity.definition
def _(e, i, m, *, t):
    exponents = _exponents(e, m, t)
    return m.log(m.sum([m.exp(each) for each in exponents]) / len(exponents)) if exponents else 0
