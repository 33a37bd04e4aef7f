"""How far the centres of one class lie apart."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.core.kinds import Form, Kind
from lossary.declare import Claims, Elicits, Example, Link, Paper, PerRow, Task, loss

from ..metric.distance import direction, length

Centres = Annotated[
    Tensor,
    Kind(Form.CLOUD, "the centres of each class: centres and features on the last two axes", 0.375),
]


def _gaps(centres: Tensor) -> Tensor:
    """Differences of all pairs. (..., K, D) to (..., K·(K - 1)/2, D)"""
    members = centres.shape[-2]
    first, second = torch.triu_indices(members, members, 1, device=centres.device)
    return centres[..., first, :] - centres[..., second, :]


def _divisor(centres: Tensor) -> int:
    """K·(K - 1), and 1 for the one centre that has no pair."""
    return max(centres.shape[-2] * (centres.shape[-2] - 1), 1)


@loss(
    title="Sparse centres penalty",
    task=Task.PENALTY,
    link=Link.IDENTITY,
    outputs="none: it is a price on weights, the centres of each class",
    decode="centres of a class that end in one place may be merged",
    elicits=Elicits.OWN,
    constant="all centres of a class in one place",
    claims=Claims(convex=True, lower=0.0),
    symbolic=False,
    formula=r"\frac{1}{K (K - 1)} \sum_{j < k} \lVert x_j - x_k \rVert \text{ with } x_j \text{ the } K \text{ rows "
    r"of } x",
    derivative=r"\frac{1}{K (K - 1)} \sum_{j \ne i} \frac{x_i - x_j}{\lVert x_i - x_j \rVert}\text{, 0 where } x_i = "
    r"x_j",
    example=Example((((0.6, 0.8), (-0.6, 0.8)),), 0.6, "1.2 apart, one pair: 1.2/(2·1) = 0.6"),
    use_when="Classes of soft_triple have more centres than clusters: those that are not needed become one.",
    avoid_when="It weighs as much as the loss: then every class ends with a single centre.",
    elsewhere={
        "pytorch_metric_learning.regularizers.SparseCentersRegularizer": "no factor: it brings the centres to length 1 "
        "first; of centres of length 1 it is 1",
    },
    paper=Paper("Qian, Shang, Sun, Hu, Li and Jin", 2019, "SoftTriple Loss: Deep Metric Learning Without Triplet "
                "Sampling", arxiv="1909.05235"),
)  # fmt: skip
def sparse_centres(centres: Centres) -> PerRow:
    """Half the mean distance of two centres of a class, which draws centres together until they are one.

    Shapes: centres (classes, K, D), as the weight of ``soft_triple`` is with ``.unflatten(0, (-1, K))``; per unit
    (classes,). The paper's centres have length 1, where its root of 2 - 2·cos is this distance, and 0.2 is its weight.
    """
    return length(_gaps(centres)).sum(-1) / _divisor(centres)


@sparse_centres.definition
def _(x, m):
    apart = [
        m.sqrt(m.sum([(a - b) ** 2 for a, b in zip(r, s, strict=True)]))
        for i, r in enumerate(x)
        for s in x[:i]
    ]
    return m.sum(apart) / (len(x) * (len(x) - 1)) if apart else 0


@sparse_centres.slope
def _(centres: Tensor) -> Tensor:
    away = direction(centres.unsqueeze(-2) - centres.unsqueeze(-3))
    return away.sum(-2) / _divisor(centres)
