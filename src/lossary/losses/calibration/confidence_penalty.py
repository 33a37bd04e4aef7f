"""Cross-entropy that charges for certainty."""

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
    NonNegative,
    Paper,
    PerRow,
    Relative,
    Task,
    loss,
    over_classes,
    share,
)
from lossary.losses.multiclass.softmax import logit_roundings, soften


def _plain(beta: float) -> bool:
    return beta == 0.0


def _parts(x, y, m, *, beta):
    """Cross-entropy and entropy, which are set against each other, and what rounding leaves undecided of them."""
    total = m.log(m.sum([m.exp(v) for v in x]))
    found = [logit_roundings(x, y, m)]
    for v, q in zip(x, y, strict=True):
        p = m.exp(v - total)
        found += [(q + beta * p) * (total - v) * (1 + (total - v) / 32)] if p != 0 else []
    return m.sum(found)


@loss(
    title="Confidence penalty",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits; their softmax is less sure than the shares unless beta is 0",
    soft="mixture",
    elicits=lambda beta: Elicits.PROBABILITY if beta == 0.0 else Elicits.ORDER,
    constant="between 0 and the logarithms of the classes' shares, nearer to 0 the larger beta",
    # Of the best p every share is a rising function: share = p·(beta·log p + c) wherever that is not negative.
    claims=Claims(convex=_plain, proper=_plain, lower=lambda beta: 0.0 if beta == 0.0 else None, calibrated=True,
                  smooth=True),
    cancels=_parts,
    example=Example(((0.0, 0.0), 0), 0.6238324625039508, "log 2 - 0.1·log 2 = 0.62383", {"beta": 0.1}),
    relatives=(Relative("cross_entropy", "beta 0 is cross-entropy", ours={"beta": 0.0}),),
    use_when="Probabilities come out too sure; Pereyra et al. found it to improve accuracy as label smoothing does.",
    avoid_when="Calibrated probabilities are the goal and there is data to fit a temperature afterwards.",
    aliases=("entropy_penalty", "maximum_entropy_regularization"),
    paper=Paper("Pereyra et al.", 2017, "Regularizing Neural Networks by Penalizing Confident Output Distributions",
                arxiv="1701.06548"),
)  # fmt: skip
def confidence_penalty(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    beta: Annotated[float, NonNegative, "what a nat of certainty costs; 0 is cross-entropy"] = 0.1,
) -> PerRow:
    """Cross-entropy less a share of the prediction's own entropy, so that certainty has a price."""
    surprise = over_classes(lambda log_p: -log_p, logits, target)
    return surprise + beta * share(torch.exp(logits), logits).sum(-1)


@confidence_penalty.definition
def _(x, y, m, *, beta):
    total = m.log(m.sum([m.exp(v) for v in x]))
    log_p = [v - total for v in x]
    surprise = m.sum([-q * v for v, q in zip(log_p, y, strict=True) if q != 0])
    return surprise + beta * m.sum([m.exp(v) * v for v in log_p if m.exp(v) != 0])


@confidence_penalty.slope
def _(logits: Tensor, target: Tensor, *, beta: float) -> Tensor:
    log_p = logits.log_softmax(-1)
    p = log_p.exp()
    soft = soften(target, p)
    pull = share(p, log_p)
    return p - soft + beta * (pull - p * pull.sum(-1, keepdim=True))
