"""ZLPR: every present label above every absent one, with 0 between them."""

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

from .margin import only_nan


def above_zero(scores: Tensor, chosen: Tensor) -> Tensor:
    """log(1 + Σ exp(score)) over the chosen scores of a row; 0 where none is chosen."""
    scores = torch.where(chosen, scores, -torch.inf)
    # The greatest of 0 and the scores is taken out. Where it is 0 this is log1p of the sum, which keeps the digits of a
    # small answer; where it is not, exp(-top) is what remains of the 1.
    top = scores.detach().amax(-1, keepdim=True).clamp(min=0.0)
    top = torch.where(top.isinf(), 0.0, top)  # infinity less itself would be no number
    others = torch.exp(scores - top).sum(-1) + torch.expm1(-top).squeeze(-1)
    return top.squeeze(-1) + torch.log1p(others)


@loss(
    title="ZLPR loss",
    task=Task.MULTILABEL,
    link=Link.SIGN,
    outputs="one score per label",
    decode="the labels whose score is above 0",
    elicits=Elicits.ORDER,
    constant="a label that is always present at +inf, one that never is at -inf; for one label the logit of its share",
    claims=Claims(convex=True, lower=0.0, lipschitz=2.0**0.5, smooth=True),
    symbolic=False,
    formula=r"a + b \text{ with } a = \log\left(1 + \sum_{j: t_j = 0} e^{x_j}\right) \text{ and } "
    r"b = \log\left(1 + \sum_{j: t_j = 1} e^{-x_j}\right)",
    derivative=r"e^{x_i - a} \text{ where } t_i = 0, \text{ else } -e^{-x_i - b}",
    example=Example(
        ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)), 1.791759469228055, "log(1 + 1 + 1) + log(1 + 1) = log 6 = 1.79176"
    ),
    use_when="Each sample has a few labels of very many: the absent ones together pull as hard as the present ones.",
    avoid_when="Each label's probability is wanted: a label's pull depends on the scores of all others.",
    aliases=("multilabel_categorical_crossentropy",),
    elsewhere={
        "timm.loss.ZlprLoss": 1.0,
        "bert4keras.backend.multilabel_categorical_crossentropy": "not run: the same by its documentation",
    },
    paper=Paper("Su et al.", 2022, "ZLPR: A Novel Loss for Multi-label Classification", arxiv="2208.02955"),
)  # fmt: skip
def zlpr(scores: LabelScores, target: LabelTarget) -> PerRow:
    """One soft-max pushes the absent labels of a row below 0, another lifts the present ones above it."""
    present = target > 0
    return above_zero(scores, ~present) + above_zero(-scores, present) + only_nan(target)


@zlpr.definition
def _(x, t, m):
    absent = m.sum([(1 - y) * m.exp(v) for v, y in zip(x, t, strict=True)])
    present = m.sum([y * m.exp(-v) for v, y in zip(x, t, strict=True)])
    return m.log(1 + absent) + m.log(1 + present)


@zlpr.slope
def _(scores: Tensor, target: Tensor) -> Tensor:
    def pull(signed: Tensor, chosen: Tensor) -> Tensor:
        nothing = torch.zeros_like(signed[..., :1])
        row = torch.cat([torch.where(chosen, signed, -torch.inf), nothing], -1)
        return torch.softmax(row, -1)[..., :-1]

    present = target > 0
    return pull(scores, ~present) - pull(-scores, present)
