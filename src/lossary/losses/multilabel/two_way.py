"""The two-way multi-label loss, in the way that goes over the labels of a sample."""

from typing import Annotated

import torch
from torch import Tensor
from torch.nn import functional as F

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    LabelScores,
    LabelTarget,
    Link,
    Paper,
    PerRow,
    Positive,
    Task,
    loss,
)

from .margin import only_nan


def _greatest(scores: Tensor, chosen: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """temperature·log Σ exp(score/temperature) over the chosen scores of a row, as their maximum and the rest.

    Any finite numbers where none is chosen.
    """
    inside = torch.where(chosen, scores, -torch.inf)
    top = inside.detach().amax(-1, keepdim=True)
    top = torch.where(top.isinf(), 0.0, top)
    total = torch.exp((inside - top) / temperature).sum(-1)
    return top.squeeze(-1), temperature * torch.log(torch.where(total == 0, 1.0, total))


def _roundings(x, t, m, *, temperature_pos, temperature_neg):
    """What a few roundings of the soft maxima and of their difference leave undecided, in thirty-seconds (CONTRACT 10
    counts in them)."""
    absent = [v for v, y in zip(x, t, strict=True) if y == 0]
    present = [-v for v, y in zip(x, t, strict=True) if y == 1]
    if not absent or not present:
        return 0
    tops = m.max(absent) + m.max(present)
    rests = [
        each * m.log(m.sum([m.exp((v - m.max(row)) / each) for v in row]))
        for row, each in ((absent, temperature_neg), (present, temperature_pos))
    ]
    return m.sigmoid(tops + m.sum(rests)) * (m.abs(tops) + m.sum(rests)) / 16


@loss(
    title="Two-way multi-label loss, over the labels of a sample",
    task=Task.MULTILABEL,
    link=Link.SIGN,
    outputs="one score per label",
    decode="the labels of the greatest scores; only their differences mean something, so held-out data choose the cut",
    elicits=Elicits.ORDER,
    constant="of independent labels, in the order of how often they are present; a number added to all changes nothing",
    claims=Claims(convex=True, lower=0.0, lipschitz=2.0**0.5, smooth=True),
    cancels=_roundings,
    symbolic=False,
    formula=r"\log\left(1 + e^{a + b}\right) \text{ with } a = T_0 \log \sum_{j: t_j = 0} e^{x_j / T_0} \text{ and } "
    r"b = T_1 \log \sum_{j: t_j = 1} e^{-x_j / T_1}",
    derivative=r"\sigma(a + b)\, e^{(x_i - a) / T_0} \text{ where } t_i = 0, \text{ else } "
    r"-\sigma(a + b)\, e^{-(x_i + b) / T_1}",
    example=Example(((1.0, 0.0), (1.0, 0.0)), 0.31326168751822286, "log(1 + exp(0)·exp(-1)) = 0.31326"),
    use_when="Labels are to be ranked within each sample, and the lowest present label must not drown among the rest.",
    avoid_when="The class-wise half of the paper is wanted: it compares the samples of a batch, which a row cannot.",
    elsewhere={
        "timm.loss.TwoWayLoss": "no factor: it adds the class-wise half, which compares the samples of a batch, and "
        "leaves rows without a present label out of the mean",
    },
    paper=Paper("Kobayashi", 2023, "Two-way Multi-Label Loss", doi="10.1109/CVPR52729.2023.00722"),
)  # fmt: skip
def two_way(
    scores: LabelScores,
    target: LabelTarget,
    *,
    temperature_pos: Annotated[
        float, Positive, "how evenly the present labels share the pull; near 0 the lowest one has all of it"
    ] = 4.0,
    temperature_neg: Annotated[
        float, Positive, "how evenly the absent labels share the pull; near 0 the highest one has all of it"
    ] = 1.0,
) -> PerRow:
    """The soft maximum of the absent labels is pushed below the soft minimum of the present ones.

    A row without present or without absent labels has nothing to compare: 0. At temperatures of 1 it is the
    log-sum-exp over all pairs (LSEP). The paper adds the same over the samples of each class, which no row can know:
    ``two_way(scores.T, target.T)`` is that half, for a batch that is complete.
    """
    present = target > 0
    top, rest = _greatest(scores, ~present, temperature_neg)
    bottom, more = _greatest(-scores, present, temperature_pos)
    # The two extremes are subtracted before anything is added to them, so that one rounding separates them.
    gap = (top + bottom) + (rest + more)
    both = present.any(-1) & ~present.all(-1)
    found = torch.where(both, -F.logsigmoid(-torch.where(both, gap, 0.0)), 0.0)
    return found + only_nan(scores) + only_nan(target)


@two_way.definition
def _(x, t, m, *, temperature_pos, temperature_neg):
    absent = m.sum([(1 - y) * m.exp(v / temperature_neg) for v, y in zip(x, t, strict=True)])
    present = m.sum([y * m.exp(-v / temperature_pos) for v, y in zip(x, t, strict=True)])
    return m.log(1 + absent**temperature_neg * present**temperature_pos)


@two_way.slope
def _(scores: Tensor, target: Tensor, *, temperature_pos: float, temperature_neg: float) -> Tensor:
    def share(signed: Tensor, chosen: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        row = torch.where(chosen, signed / temperature, -torch.inf)
        row = torch.where(chosen.any(-1, keepdim=True), row, 0.0)
        return torch.softmax(row, -1), temperature * torch.logsumexp(row, -1, keepdim=True)

    present = target > 0
    down, high = share(scores, ~present, temperature_neg)
    up, low = share(-scores, present, temperature_pos)
    both = (present.any(-1) & ~present.all(-1)).unsqueeze(-1)
    return torch.where(both, torch.sigmoid(high + low) * (down - up), 0.0)
