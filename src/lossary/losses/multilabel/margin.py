"""The multi-label margin loss: every present label above every absent one by 1."""

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    LabelScores,
    LabelTarget,
    Link,
    Paper,
    PerRow,
    Task,
    loss,
)


def only_nan(numbers: Tensor) -> Tensor:
    """0 for a row, and NaN where one of its scores or labels is: what is only compared hides nothing either."""
    return torch.where(numbers.isnan(), numbers, 0.0).sum(-1)


def _terms(x, t, m):
    """The terms of every pair that costs something: 1 and the difference of two scores, which may nearly cancel."""
    pairs = [w - v for v, y in zip(x, t, strict=True) if y == 1 for w, z in zip(x, t, strict=True) if z == 0]
    return m.sum([1 + m.abs(gap) for gap in pairs if 1 + gap > 0]) / len(x)


@loss(
    title="Multi-label margin loss",
    task=Task.MULTILABEL,
    link=Link.SIGN,
    outputs="one score per label",
    decode="the labels of the greatest scores; only their differences mean something, so held-out data choose the cut",
    elicits=Elicits.ORDER,
    constant="of independent labels, in the order of how often they are present; a number added to all changes nothing",
    claims=Claims(convex=True, lower=0.0),
    cancels=_terms,
    symbolic=False,
    formula=r"\sum_{j: t_j = 1} \sum_{k: t_k = 0} \max\left(0, 1 - x_j + x_k\right) / L \text{ with } L "
    r"\text{ the number of labels}",
    derivative=r"n_i / L \text{ where } t_i = 0, \text{ else } -n_i / L, \text{ with } n_i "
    r"\text{ the number of pairs of } i \text{ that cost something}",
    example=Example(
        ((1.0, 0.5, -1.0), (1.0, 0.0, 0.0)), 1 / 6, "(max(0, 1 - 1 + 0.5) + max(0, 1 - 1 - 1)) / 3 = 0.16667"
    ),
    use_when="Labels are to be ranked within each sample, and pairs in order by 1 should have no say.",
    avoid_when="Consistency matters: no convex loss over pairs attains the least ranking loss (Gao and Zhou 2011); or "
    "labels are thousands: memory grows with their square.",
    aliases=("multi_label_margin",),
    elsewhere={"torch.nn.functional.multilabel_margin_loss": 1.0},
    paper=Paper("Elisseeff and Weston", 2001, "A kernel method for multi-labelled classification"),
)  # fmt: skip
def multilabel_margin(scores: LabelScores, target: LabelTarget) -> PerRow:
    """The hinge of every pair of a present and an absent label, added up and divided by the number of labels.

    torch takes the present labels as a list of indices that ends at the first -1; here they are 1 and the others 0.
    Elisseeff and Weston divide by the number of pairs instead.
    """
    present = target > 0
    pairs = present.unsqueeze(-1) & ~present.unsqueeze(-2)
    gap = scores.unsqueeze(-2) - scores.unsqueeze(-1)
    short = torch.relu(1.0 + torch.where(pairs, gap, -1.0))
    return (short / scores.shape[-1]).sum((-2, -1)) + only_nan(scores) + only_nan(target)


@multilabel_margin.definition
def _(x, t, m):
    rows = zip(x, t, strict=True)
    return m.sum(
        [y * (1 - z) * m.max(1 - v + w, 0) for v, y in rows for w, z in zip(x, t, strict=True)]
    ) / len(x)


@multilabel_margin.slope
def _(scores: Tensor, target: Tensor) -> Tensor:
    present = target > 0
    pairs = present.unsqueeze(-1) & ~present.unsqueeze(-2)
    costs = (pairs & (scores.unsqueeze(-1) - scores.unsqueeze(-2) < 1.0)).to(scores.dtype)
    return (costs.sum(-2) - costs.sum(-1)) / scores.shape[-1]
