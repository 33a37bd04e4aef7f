"""Cross-entropy that charges for logits further apart than a margin."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassScores,
    ClassTarget,
    Elicits,
    Example,
    Link,
    NonNegative,
    Paper,
    PerRow,
    Relative,
    Task,
    log_softmax,
    loss,
    over_classes,
)
from lossary.losses.multiclass.softmax import logit_roundings, soften


def _plain(alpha: float) -> bool:
    return alpha == 0.0


def _parts(x, y, m, *, alpha, margin):
    """Cross-entropy's own, and of distances near the margin or above it what they and the margin add up to."""
    top = m.max(x)
    far = [top - v + margin for v in x if 2 * (top - v) > margin]
    return logit_roundings(x, y, m) + (alpha * m.sum(far) if alpha else 0)


@loss(
    title="Margin-based label smoothing",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits; their softmax is a probability where they stay within the margin",
    soft="mixture",
    elicits=lambda alpha: Elicits.PROBABILITY if alpha == 0.0 else Elicits.ORDER,
    constant="the logarithms of the classes' shares where those differ by at most the margin, else nearer to 0",
    # The greatest logit less another is convex, and so is what it exceeds a margin by.
    claims=Claims(convex=True, proper=_plain, lower=lambda alpha: 0.0 if alpha == 0.0 else None, calibrated=_plain,
                  smooth=_plain),
    cancels=_parts,
    symbolic=False,
    formula=r"-\sum_j y_j \log p_j + \alpha \sum_j \max(0, \max_k x_k - x_j - m) "
    r"\text{ with } p = \operatorname{softmax}(x) \text{ and } m \text{ the margin}",
    derivative=r"p_i - y_i + \alpha ([x_i = \max_k x_k] \sum_j b_j - b_i) \text{ with } b_j = [\max_k x_k - x_j > m]",
    example=Example(((3.0, 0.0), 0), 0.24858735157374196, "log(1 + exp(-3)) + 0.1·((3 - 0) - 1) = 0.24859",
                    {"alpha": 0.1, "margin": 1.0}),
    relatives=(Relative("cross_entropy", "alpha 0 is cross-entropy", ours={"alpha": 0.0}),),
    use_when="Probabilities come out too sure: Liu et al. report lower calibration error at no loss of accuracy.",
    avoid_when="Rare classes' probabilities matter: none can fall below exp(-margin) of the greatest without a charge.",
    aliases=("mbls", "logit_margin_l1"),
    elsewhere={
        "MbLS LogitMarginL1": "no factor: the authors' code takes the charge's mean over classes, the paper their sum",
    },
    paper=Paper("Liu, Ben Ayed, Galdran and Dolz", 2022,
                "The Devil is in the Margin: Margin-based Label Smoothing for Network Calibration", arxiv="2111.15430"),
)  # fmt: skip
def margin_label_smoothing(
    logits: ClassScores,
    target: ClassTarget,
    *,
    alpha: Annotated[float, NonNegative, "the price of a logit's distance beyond the margin"] = 0.1,
    margin: Annotated[float, NonNegative, "how far below the greatest the others lie free of charge"] = 10.0,
) -> PerRow:
    """Cross-entropy that lets the logits lie within a margin of each other, and charges in proportion beyond it."""
    surprise = over_classes(lambda log_p: -log_p, log_softmax(logits, -1), target)
    if alpha == 0.0:
        return surprise
    apart = logits.amax(-1, keepdim=True) - logits
    return surprise + alpha * torch.relu(apart - margin).sum(-1)


@margin_label_smoothing.definition
def _(x, y, m, *, alpha, margin):
    total, top = m.log(m.sum([m.exp(v) for v in x])), m.max(x)
    surprise = m.sum([q * (total - v) for v, q in zip(x, y, strict=True) if q != 0])
    return surprise + alpha * m.sum([m.max(0, top - v - margin) for v in x]) if alpha != 0 else surprise


@margin_label_smoothing.slope
def _(logits: Tensor, target: Tensor, *, alpha: float, margin: float) -> Tensor:
    p = logits.softmax(-1)
    top = logits.amax(-1, keepdim=True)
    beyond, first = (top - logits > margin).to(p.dtype), (logits == top).to(p.dtype)
    soft = soften(target, p)
    shared = first / first.sum(-1, keepdim=True)
    return p - soft + alpha * (beyond.sum(-1, keepdim=True) * shared - beyond)
