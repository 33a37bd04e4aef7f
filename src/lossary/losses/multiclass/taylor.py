"""Taylor cross-entropy: the first terms of cross-entropy's series in 1 - p."""

from math import sqrt
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassLogits,
    ClassTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Relative,
    Task,
    Whole,
    loss,
    over_classes,
)

from ..divergence.apart import missing
from .softmax import logit_roundings, soften, through_softmax


def _roundings(x, y, m, *, order):
    """What rounding differences of logits once leaves undecided, as of cross-entropy; the slope is 1 - (1 - p)^t."""
    if order is None:
        return logit_roundings(x, y, m)
    return logit_roundings(x, [w * (1 - (1 - p) ** order) for w, p in zip(y, m.softmax(x), strict=True)], m)


def _steepest(order: int | None) -> float:
    """The greatest √2·(1 - p)·(1 - (1 - p)^t), which lies where (1 - p)^t = 1/(t + 1)."""
    return sqrt(2.0) if order is None else sqrt(2.0) * order / (order + 1) ** (1.0 + 1.0 / order)


def _most(order: int | None) -> float | None:
    return None if order is None else sum(1.0 / k for k in range(1, order + 1))


@loss(
    title="Taylor cross-entropy",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits; their softmax is no probability unless order is None",
    soft="mixture",
    elicits=lambda order: Elicits.PROBABILITY if order is None else Elicits.MODE if order == 1 else Elicits.ORDER,
    constant="the more frequent class is further ahead than in the logarithms of the shares; at order 1 without end",
    claims=Claims(convex=lambda order: order is None, proper=lambda order: order is None, lower=0.0, upper=_most,
                  lipschitz=_steepest, calibrated=True, symmetric=lambda order: order == 1, smooth=True),
    cancels=_roundings,
    example=Example(((0.0, 0.0), 0), 0.625, "p = 1/2: 1/2 + (1/2)²/2 = 0.625", {"order": 2}),
    relatives=(
        Relative("cross_entropy", "all terms of the series are cross-entropy", ours={"order": None}),
        Relative("generalized_cross_entropy", "order 1 is 1 - p, as q = 1 there", {"order": 1}, {"q": 1.0}),
    ),
    use_when="Labels are wrong at random: a low order caps what one of them can cost, a high one fits faster.",
    avoid_when="Labels are clean, or classes many: at low order a row that is wrong by far has next to no slope.",
    aliases=("taylor_ce",),
    paper=Paper("Feng et al.", 2020, "Can Cross Entropy Loss Be Robust to Label Noise?",
                doi="10.24963/ijcai.2020/305"),
    symbolic=False,
    formula=r"\sum_j y_j \sum_{k=1}^{\text{order}} \frac{(1 - p_j)^k}{k} \text{ with } p = "
            r"\operatorname{softmax}(x)",
    derivative=r"g_i - p_i \sum_j g_j \text{ with } g_j = -y_j (1 - (1 - p_j)^{\text{order}})",
)  # fmt: skip
def taylor_cross_entropy(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    order: Annotated[
        int | None,
        Whole(1),
        "terms of the series; 1 is the absolute error 1 - p, None all of them: cross-entropy",
    ] = 2,
) -> PerRow:
    """The first terms of cross-entropy's series in 1 - p, so that no wrong label costs more than a fixed amount.

    It is the logarithm that is expanded. Taylor softmax, whose cross-entropy goes by the same name elsewhere, expands
    the exponentials.
    """
    if order is None:
        return over_classes(lambda log_p: -log_p, logits, target)

    def cost(log_p: Tensor) -> Tensor:
        lacks = missing(log_p)
        series = torch.full_like(lacks, 1.0 / order)
        for k in range(order - 1, 0, -1):
            series = 1.0 / k + lacks * series
        return lacks * series

    return over_classes(cost, logits, target)


@taylor_cross_entropy.definition
def _(x, y, m, *, order):
    e = [m.exp(v) for v in x]

    def cost(i):
        if order is None:
            return m.log(m.sum(e)) - x[i]
        rest = m.sum([w for j, w in enumerate(e) if j != i])
        missing = 1 / (1 + e[i] / rest) if rest != 0 else 0
        return m.sum([missing**k / k for k in range(1, order + 1)])

    return m.sum([q * cost(i) for i, q in enumerate(y) if q != 0])


@taylor_cross_entropy.slope
def _(logits: Tensor, target: Tensor, *, order: int | None) -> Tensor:
    p = torch.softmax(logits, -1)
    soft = soften(target, p)
    pull = -soft if order is None else -soft * (1.0 - (1.0 - p) ** order)
    return through_softmax(pull, p)
