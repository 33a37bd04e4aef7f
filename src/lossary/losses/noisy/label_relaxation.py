"""Cross-entropy against a set of distributions, that are all as good as the label."""

import math
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    BelowOne,
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
    log1mexp,
    loss,
    over_classes,
)

from ..multiclass.softmax import logit_roundings, soften, through_softmax


def _terms(x, y, m, *, alpha):
    """Σ |terms| of the divergence of (1 - α, α) from (p, 1 - p), which is what rounding is counted in; at α = 0
    what rounding the differences of logits once leaves undecided, as of cross-entropy."""
    undecided = logit_roundings(x, y, m)
    if alpha == 0:
        return undecided
    found = []
    p = m.softmax(x)
    for i, w in enumerate(y):
        rest = m.sum(p[:i] + p[i + 1 :])
        if w != 0 and 0 < p[i] < 1 - alpha:
            known = -(1 - alpha) * m.log(1 - alpha) - alpha * m.log(alpha)
            found.append(w * (known - (1 - alpha) * m.log(p[i]) - alpha * m.log(rest)))
    return m.sum(found) + undecided


@loss(
    title="Label relaxation",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits; their softmax is a probability up to about alpha",
    soft="mixture",
    elicits=lambda alpha: Elicits.PROBABILITY if alpha == 0.0 else Elicits.ORDER,
    constant="where one class is always true, any answer that gives it 1 - alpha or more",
    claims=Claims(
        # A convex function of the label's log odds that falls or rests, and log odds are concave in the logits.
        convex=True,
        proper=lambda alpha: alpha == 0.0,
        lower=0.0,
        lipschitz=lambda alpha: 2.0**0.5 * (1.0 - alpha),
        calibrated=lambda alpha: alpha < 0.5,
        smooth=True,
    ),
    cancels=_terms,
    symbolic=False,
    formula=r"\sum_j y_j d_j \text{ with } d_j = (1 - \alpha) \log \frac{1 - \alpha}{p_j} "
    r"+ \alpha \log \frac{\alpha}{1 - p_j} \text{ where } p_j < 1 - \alpha, \text{ else } 0",
    derivative=r"g_i - p_i \sum_j g_j \text{ with } g_j = -y_j \frac{\max\left(1 - \alpha - p_j, 0\right)}{1 - p_j}",
    example=Example(((0.0, 0.0), 0), 0.13081203594113694,
                    "p = 1/2 is below 3/4: 3/4·log(3/2) + 1/4·log(1/2) = 0.13081", {"alpha": 0.25}),
    relatives=(Relative("cross_entropy", "alpha 0 is cross-entropy", ours={"alpha": 0.0}),),
    use_when="Cross-entropy is overconfident and label smoothing too tame: 1 - alpha is sure enough.",
    avoid_when="Every correct row should keep its pull: from 1 - alpha on there is none, and with alpha 0.5 no order.",
    aliases=("relaxed_cross_entropy", "label_relaxation_loss"),
    paper=Paper("Lienen and Hüllermeier", 2021, "From Label Smoothing to Label Relaxation",
                doi="10.1609/aaai.v35i10.17041"),
)  # fmt: skip
def label_relaxation(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    alpha: Annotated[
        float, BelowOne, "probability that may lie on the other classes; 0 is cross-entropy"
    ] = 0.1,
) -> PerRow:
    """The divergence from the nearest distribution that gives the label at least 1 - alpha, 0 where the model does."""
    if alpha == 0.0:
        return over_classes(lambda log_p: -log_p, logits, target)
    enough = math.log1p(-alpha)

    def cost(log_p: Tensor) -> Tensor:
        granted = log_p >= enough
        there = torch.where(granted, -1.0 + enough, log_p)
        # The nearest distribution shares alpha among the other classes as the model does, so that two terms are left.
        found = (1.0 - alpha) * (enough - there) + alpha * (math.log(alpha) - log1mexp(there))
        return torch.where(granted, 0.0, found)

    return over_classes(cost, logits, target)


@label_relaxation.definition
def _(x, y, m, *, alpha):
    total = m.sum([m.exp(v) for v in x])

    def cost(i):
        if alpha == 0:
            return m.log(total) - x[i]
        rest = m.sum([m.exp(v) for v in x[:i] + x[i + 1 :]]) / total
        known = (1 - alpha) * m.log(1 - alpha) + alpha * m.log(alpha)
        if rest <= alpha:
            return 0
        return known - (1 - alpha) * (x[i] - m.log(total)) - alpha * m.log(rest)

    return m.sum([w * cost(i) for i, w in enumerate(y) if w != 0])


@label_relaxation.slope
def _(logits: Tensor, target: Tensor, *, alpha: float) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    lacking = (1.0 - alpha - log_p.exp()).clamp(min=0.0)
    return through_softmax(-soften(target, log_p) * lacking / (1.0 - log_p.exp()), log_p.exp())
