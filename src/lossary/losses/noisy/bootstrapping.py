"""Cross-entropy against labels that are in part the model's own."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassLogits,
    ClassScores,
    ClassTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Relative,
    Task,
    Unit,
    log_softmax,
    loss,
    over_classes,
    share,
)

from ..multiclass.softmax import logit_roundings, soften, through_softmax

REED = Paper(
    "Reed et al.", 2015, "Training Deep Neural Networks on Noisy Labels with Bootstrapping", arxiv="1412.6596"
)


def _roundings(x, y, m, *, beta):
    """What rounding the differences of logits once leaves undecided, as of cross-entropy, under labels and belief."""
    mixed = [beta * q + (1 - beta) * p for q, p in zip(y, m.softmax(x), strict=True)]
    return logit_roundings(x, mixed, m)


@loss(
    title="Bootstrapping",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits; their softmax is no probability unless beta is 1",
    soft="mixture",
    elicits=lambda beta: Elicits.PROBABILITY if beta == 1.0 else Elicits.ORDER,
    constant="more certain than the logarithms of the classes' shares, the more so the smaller beta",
    claims=Claims(
        convex=lambda beta: beta == 1.0,
        proper=lambda beta: beta == 1.0,
        lower=0.0,
        calibrated=lambda beta: beta > 0.0,
        smooth=True,
    ),
    cancels=_roundings,
    example=Example(((0.0, 1.0986122886681098), 0), 0.9743147528694494,
                    "p = 1/4, 3/4: half of log 4, half of 1/4·log 4 + 3/4·log 4/3: 0.97431", {"beta": 0.5}),
    relatives=(Relative("cross_entropy", "beta 1 believes the labels alone", ours={"beta": 1.0}),),
    use_when="Some labels are wrong, and a model trained on them for a while knows better than they do.",
    avoid_when="Training begins: there is nothing yet to believe, and beta below 1 only hastens overconfidence.",
    aliases=("soft_bootstrapping", "bootstrapped_cross_entropy"),
    paper=REED,
)  # fmt: skip
def bootstrapping(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    beta: Annotated[float, Unit, "how far the labels are believed; the rest believes the model"] = 0.95,
) -> PerRow:
    """Cross-entropy against a mixture of the label and of the model's own probabilities, so plus their entropy."""
    # A class that cannot be adds nothing, and pulls at nothing.
    own = -(torch.exp(logits) * torch.where(logits.isinf(), 0.0, logits)).sum(-1)
    if beta == 0.0:
        return own
    return beta * over_classes(lambda log_p: -log_p, logits, target) + (1.0 - beta) * own


@bootstrapping.definition
def _(x, y, m, *, beta):
    total = m.log(m.sum([m.exp(v) for v in x]))
    told = m.sum([beta * q * (total - v) for v, q in zip(x, y, strict=True) if beta * q != 0])
    return told + m.sum([(1 - beta) * m.exp(v - total) * (total - v) for v in x if v != -float("inf")])


@bootstrapping.slope
def _(logits: Tensor, target: Tensor, *, beta: float) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    pull = -beta * soften(target, log_p) - (1.0 - beta) * log_p.exp() * (log_p + 1.0)
    return through_softmax(pull, log_p.exp())


def _first(scores: Tensor) -> Tensor:
    """The most probable class as a row, shared by classes that tie."""
    most = (scores == scores.amax(-1, keepdim=True)).to(scores.dtype)
    return most / most.sum(-1, keepdim=True)


def _hard_roundings(x, y, m, *, beta):
    """As above, with a belief in one class."""
    first = m.argmax(x)
    mixed = [beta * q + (1 - beta) * m.where(i == first, 1, 0) for i, q in enumerate(y)]
    return logit_roundings(x, mixed, m)


@loss(
    title="Hard bootstrapping",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits; their softmax is no probability unless beta is 1",
    soft="mixture",
    elicits=lambda beta: Elicits.PROBABILITY if beta == 1.0 else Elicits.ORDER,
    constant="the logarithms of the shares once beta of each is kept and the rest is given to the most frequent class",
    claims=Claims(
        convex=lambda beta: beta == 1.0,
        proper=lambda beta: beta == 1.0,
        lower=0.0,
        lipschitz=2.0**0.5,
        calibrated=lambda beta: beta > 0.0,
        smooth=lambda beta: beta == 1.0,
    ),
    cancels=_hard_roundings,
    symbolic=False,
    formula=r"-\beta \sum_j y_j \log p_j - (1 - \beta) \log \max_j p_j \text{ with } p = \operatorname{softmax}(x)",
    derivative=r"p_i - \beta y_i - (1 - \beta) [p_i = \max_j p_j]",
    example=Example(((0.0, 1.0986122886681098), 0), 0.8369882167858358,
                    "p = 1/4, 3/4: half of log 4, half of log 4/3: 0.83699", {"beta": 0.5}),
    relatives=(Relative("cross_entropy", "beta 1 believes the labels alone", ours={"beta": 1.0}),),
    use_when="As bootstrapping, where the model's decisions are trusted and its probabilities are not.",
    avoid_when="Training begins: the model then learns its own first guesses.",
    aliases=("bootstrapping_hard",),
    paper=REED,
)  # fmt: skip
def hard_bootstrapping(
    scores: ClassScores,
    target: ClassTarget,
    *,
    beta: Annotated[float, Unit, "how far the labels are believed; the rest believes the model"] = 0.8,
) -> PerRow:
    """Cross-entropy against a mixture of the label and of the class that the model itself decides for."""
    log_p = log_softmax(scores, -1)
    # From the scores, for their logarithms may tie where they do not.
    own = -share(_first(scores.detach()), log_p).sum(-1)
    return beta * over_classes(lambda each: -each, log_p, target) + (1.0 - beta) * own


@hard_bootstrapping.definition
def _(x, y, m, *, beta):
    total = m.log(m.sum([m.exp(v) for v in x]))
    told = m.sum([beta * q * (total - v) for v, q in zip(x, y, strict=True) if q != 0])
    return told + (1 - beta) * (total - m.max(x))


@hard_bootstrapping.slope
def _(scores: Tensor, target: Tensor, *, beta: float) -> Tensor:
    log_p = torch.log_softmax(scores, -1)
    return through_softmax(-beta * soften(target, log_p) - (1.0 - beta) * _first(scores), log_p.exp())
