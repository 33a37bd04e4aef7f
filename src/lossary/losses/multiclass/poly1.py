"""Poly-1 over classes: cross-entropy with more, or less, of the first term of its series."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassLogits,
    ClassTarget,
    Elicits,
    Example,
    Interval,
    Link,
    Paper,
    PerRow,
    Relative,
    Task,
    loss,
    over_classes,
)

from .excess import excess
from .softmax import logit_roundings, soften, through_softmax

#: Below -1 the loss would rise towards p = 1.
FirstTerm = Interval(
    "a finite number of at least -1", -1.0, float("inf"), True, False, (-1.0, -0.5, 0.0, 1.0, 2.0)
)


def _roundings(x, y, m, *, epsilon):
    """What rounding the differences of logits once leaves undecided, as of cross-entropy: the slope is 1 + ε·p."""
    return logit_roundings(x, [w * (1 + epsilon * p) for w, p in zip(y, m.softmax(x), strict=True)], m)


def _answers(logits: Tensor, epsilon: float) -> Tensor:
    """The probabilities under which the logits cost least: p/(1 + ε·p), made to add up to 1.

    All are taken times 1 + ε·max(p), so that an epsilon of -1 divides nothing by 0.
    """
    p = torch.softmax(logits, -1)
    top = p.amax(-1, keepdim=True)
    parts = torch.where(p == top, p, p * (1.0 + epsilon * top) / (1.0 + epsilon * p))
    return parts / parts.sum(-1, keepdim=True)


def _steepest(epsilon: float) -> float:
    """The greatest √2·(1 - p)·(1 + ε·p)."""
    return float(2.0**0.5 * (1.0 if epsilon <= 1.0 else (1.0 + epsilon) ** 2 / (4.0 * epsilon)))


@loss(
    title="Categorical Poly-1 loss",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    probabilities=_answers,
    decode="class probabilities are p / (1 + epsilon·p), made to add up to 1, with p = softmax(logits)",
    soft="mixture",
    elicits=lambda epsilon: Elicits.PROBABILITY if epsilon == 0.0 else Elicits.ORDER,
    constant="more certain than the logarithms of the classes' shares where epsilon is above 0, less where it is below",
    # With Σ the covariance of softmax and v = e_t - p, the second derivative is (1 + ε·p)·Σ - ε·p·v·vᵀ, and
    # vᵀ·Σ⁺·v = (1 - p)/p: it has no negative direction while ε·(1 - 2p) <= 1 for every p.
    claims=Claims(convex=lambda epsilon: epsilon <= 1.0, proper=lambda epsilon: epsilon == 0.0, lower=0.0,
                  lipschitz=_steepest, calibrated=True, smooth=True),
    cancels=_roundings,
    example=Example(((0.0, 0.0), 0), 1.6931471805599454, "p = 1/2: log 2 + 2·(1 - 1/2) = 1.69315", {"epsilon": 2.0}),
    relatives=(Relative("cross_entropy", "epsilon 0 is cross-entropy", ours={"epsilon": 0.0}),),
    use_when="Cross-entropy does well and one number may be searched; the paper gains with 2 on ImageNet, -1 on COCO.",
    avoid_when="The softmax of the logits is read as probabilities: away from epsilon 0 it is not.",
    aliases=("categorical_poly_1", "poly1_cross_entropy", "poly_loss_cross_entropy", "poly1_softmax"),
    elsewhere={"optax.losses.poly_loss_cross_entropy": 1.0, "timm.loss.PolyCrossEntropy": 1.0},
    paper=Paper("Leng et al.", 2022, "PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions",
                arxiv="2204.12511"),
)  # fmt: skip
def categorical_poly1(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    epsilon: Annotated[
        float, FirstTerm, "what is added to the first coefficient of the series Σ (1 - p)^k / k"
    ] = 2.0,
) -> PerRow:
    """Cross-entropy plus epsilon times the probability that the model gave to the wrong classes."""

    def cost(log_p: Tensor) -> Tensor:
        # -log p is (1 - p) and what it exceeds that by: neither is negative, so an epsilon of -1 cancels nothing.
        return (1.0 + epsilon) * -torch.expm1(log_p) + excess(-log_p)

    return over_classes(cost, logits, target)


@categorical_poly1.definition
def _(x, y, m, *, epsilon):
    e = [m.exp(v) for v in x]
    total = m.sum(e)
    others = [m.sum([w for j, w in enumerate(e) if j != i]) / total for i in range(len(x))]
    return m.sum(
        [q * (m.log(total) - v + epsilon * o) for v, q, o in zip(x, y, others, strict=True) if q != 0]
    )


@categorical_poly1.slope
def _(logits: Tensor, target: Tensor, *, epsilon: float) -> Tensor:
    p = torch.softmax(logits, -1)
    soft = soften(target, p)
    pull = -soft * (1.0 + epsilon * p)
    return through_softmax(pull, p)
