"""Cross-entropy with the first coefficient of its polynomial expansion moved."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    BinaryLogits,
    BinaryTarget,
    Claims,
    Elicits,
    Example,
    Link,
    Paper,
    PerElement,
    Relative,
    Task,
    loss,
    over_two,
)

from ..multiclass.excess import excess
from ..multiclass.poly1 import FirstTerm


def _pulls(x, t, m, *, epsilon):
    """The pulls of both classes, which a soft target sets against each other."""
    p, q = m.sigmoid(x), m.sigmoid(-x)
    return t * q * (1 + epsilon * p) + (1 - t) * p * (1 + epsilon * q)


def _answers(logits: Tensor, epsilon: float) -> Tensor:
    """The probability of class 1 under which the logit costs least."""
    p, q = torch.sigmoid(logits), torch.sigmoid(-logits)
    apart = epsilon * p * q
    return (p + apart) / (1.0 + 2.0 * apart)


def _steepest(epsilon: float) -> float:
    # The slope is q·(1 + epsilon·p), which for epsilon above 1 is greatest where p = (epsilon - 1)/(2·epsilon).
    return 1.0 if epsilon <= 1.0 else (1.0 + epsilon) ** 2 / (4.0 * epsilon)


@loss(
    title="Poly-1 loss",
    task=Task.BINARY,
    link=Link.LOGIT,
    decode="class 1 where the logit is above 0; with p its sigmoid and a = p·(1 - p), the probability is "
    "(p + epsilon·a) / (1 + 2·epsilon·a)",
    soft="mixture",
    probabilities=_answers,
    elicits=lambda epsilon: Elicits.PROBABILITY if epsilon == 0.0 else Elicits.ORDER,
    constant="the logit of the share of ones, drawn away from 0 where epsilon is above 0 and towards it below",
    claims=Claims(convex=lambda epsilon: epsilon <= 1.0, proper=lambda epsilon: epsilon == 0.0, lower=0.0,
                  lipschitz=_steepest, calibrated=True, smooth=True),
    cancels=_pulls,
    example=Example((0.0, 1.0), 1.6931471805599454, "p = 1/2: log 2 + 2·(1 - 1/2) = 1.69315", {"epsilon": 2.0}),
    relatives=(Relative("binary_cross_entropy", "epsilon 0 is cross-entropy", ours={"epsilon": 0.0}),),
    use_when="One number more may be tuned: the paper has 2 on ImageNet, and -1 beside the focal loss for detection.",
    avoid_when="The sigmoid of the logit is read as the probability: away from epsilon 0 it is not.",
    aliases=("binary_poly1",),
    elsewhere={
        "timm.loss.PolyBinaryCrossEntropy": 1.0,
        "optax.losses.poly_loss_cross_entropy": "no factor: one logit per class there",
    },
    paper=Paper("Leng et al.", 2022, "PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions",
                arxiv="2204.12511"),
)  # fmt: skip
def poly1(
    logits: BinaryLogits,
    target: BinaryTarget,
    *,
    epsilon: Annotated[
        float, FirstTerm, "what is added to the first coefficient of the series Σ (1 - p)^k / k"
    ] = 2.0,
) -> PerElement:
    """Cross-entropy plus epsilon times the probability that the model withheld from the truth."""
    # -log p is (1 - p) and what it exceeds that by: neither is negative, so an epsilon of -1 cancels nothing.
    return over_two(
        lambda log_p, log_not_p: (1.0 + epsilon) * torch.exp(log_not_p) + excess(-log_p), logits, target
    )


@poly1.definition
def _(x, t, m, *, epsilon):
    p = 1 / (1 + m.exp(-x))
    q = 1 / (1 + m.exp(x))
    return t * (-m.log(p) + epsilon * q) + (1 - t) * (-m.log(q) + epsilon * p)


@poly1.slope
def _(logits: Tensor, target: Tensor, *, epsilon: float) -> Tensor:
    p, q = torch.sigmoid(logits), torch.sigmoid(-logits)
    # 1 + epsilon·p as (1 + epsilon) - epsilon·q, which keeps its digits near p = 1 and epsilon = -1.
    ones, zeros = (1.0 + epsilon) - epsilon * q, (1.0 + epsilon) - epsilon * p
    return (1.0 - target) * p * zeros - target * q * ones
