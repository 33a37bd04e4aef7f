"""Barlow Twins: features of two views that agree one by one, and say nothing of each other."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Embedding,
    Example,
    Keep,
    Link,
    NonNegative,
    Paper,
    PerAnchor,
    Task,
    loss,
)

from ..metric.partners import EXEMPT
from .statistics import around, covariances, covered, standardised, variances


def _correlations(a, b, m):
    """The correlations of one view's features with the other's; 0 for a feature that does not vary."""

    def over(columns):
        return [1 / m.sqrt(square) if square != 0 else 1 for square in variances(columns, m)]

    one, two = around(a, m), around(b, m)
    shorter, narrower = over(one), over(two)
    return [
        [c * (r * s) for c, s in zip(row, narrower, strict=True)]
        for row, r in zip(covariances(one, two, m), shorter, strict=True)
    ]


def _sizes(a, b, i, m, *, redundancy):
    """A correlation is a sum whose terms may be of both signs, and add up to 1 at most."""
    return len(a[0]) * (4 + redundancy * (len(a[0]) - 1))


@loss(
    title="Barlow Twins",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the encoder's output before the projector",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="every constant costs 1 for each feature",
    claims=Claims(lower=0.0),
    cancels=_sizes,
    symbolic=False,
    formula=r"\sum_j (1 - C_{jj})^2 + \lambda \sum_j \sum_{k \ne j} C_{jk}^2 \text{ with } C_{jk} \text{ the "
            r"correlation over the batch of feature } j \text{ of one view and } k \text{ of the other}",
    derivative=r"\sum_k G_{jk} \nabla C_{jk} \text{ with } G_{jj} = -2 (1 - C_{jj}), "
               r"G_{jk} = 2 \lambda C_{jk}",
    example=Example(
        (((1.0, 0.0), (-1.0, 0.0), (1.0, 4.0), (-1.0, 4.0)), ((3.0, 1.0), (3.0, 2.0), (5.0, 1.0), (5.0, 2.0)), 0), 2.5,
        "C = (0, -1; 1, 0): (1 - 0)² twice, and 0.25·(1 + 1)", {"redundancy": 0.25},
    ),
    use_when="Views come without negatives, without a predictor and without a moving average; embeddings are wide.",
    avoid_when="Batches are small: a correlation over a few samples is mostly noise.",
    aliases=("barlow", "barlow_twins_loss"),
    elsewhere={
        "barlowtwins.main.BarlowTwins": "no factor: it adds 1e-5 to each variance",
        "lightly.loss.BarlowTwinsLoss": "no factor: it adds 1e-5 to each variance",
        "solo.losses.barlow.barlow_loss_func": "no factor: it adds 1e-5 to each variance, and scales the sum by 0.025",
    },
    exempt=EXEMPT,
    paper=Paper("Zbontar, Jing, Misra, LeCun and Deny", 2021,
                "Barlow Twins: Self-Supervised Learning via Redundancy Reduction", equation="1", arxiv="2103.03230"),
)  # fmt: skip
def barlow_twins(
    one: Embedding,
    other: Embedding,
    *,
    redundancy: Annotated[
        float, NonNegative, "price of correlation between different features; lambda in the paper"
    ] = 0.005,
    keep: Keep = None,
) -> PerAnchor:
    """The squared distance of two views' cross-correlations from the identity, those off the diagonal for less.

    Shapes: both (N, D), row i of one and of the other the views of a sample; per unit (N,): every sample of a batch has
    the batch's one value. A feature that does not vary is correlated with nothing.
    """
    there = covered(one, keep)
    if len(one) == 0:
        return (one.sum(-1) + other.sum(-1)), there, None
    a, b = (standardised(z, there) for z in (one, other))
    # 1 - C is taken from the distance, so that nothing cancels where the views agree; 1 where a feature is still.
    vary = 0.5 * ((a != 0).any(-1).to(a.dtype) + (b != 0).any(-1).to(a.dtype))
    same = 0.5 * (a - b).square().sum(-1) + (1.0 - vary)
    value = same.square().sum(-1) + redundancy * _off(a @ b.mT).square().sum((-2, -1))
    # Two samples correlate fully, wherever they are: there is no slope, and rounding is not to give one.
    value = torch.where(there.sum() > 2, value, value.detach())
    return value.expand(len(one)), torch.ones_like(there), None


def _off(table: Tensor) -> Tensor:
    """A square table with 0 on its diagonal."""
    eye = torch.eye(table.shape[-1], dtype=torch.bool, device=table.device)
    return torch.where(eye, 0.0, table)


@barlow_twins.definition
def _(a, b, i, m, *, redundancy):
    found = _correlations(a, b, m)
    return m.sum(
        [
            (1 - c) ** 2 if j == k else redundancy * c**2
            for j, row in enumerate(found)
            for k, c in enumerate(row)
        ]
    )
