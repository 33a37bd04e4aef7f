"""Focal loss, for one logit and for one logit per class."""

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
    NonNegative,
    Paper,
    PerElement,
    Relative,
    Task,
    Unit,
    loss,
    over_two,
    share,
)

LIN = Paper("Lin et al.", 2017, "Focal Loss for Dense Object Detection", equation="5", arxiv="1708.02002")


def faded(log_p: Tensor, log_not_p: Tensor, gamma: float) -> Tensor:
    """-(1 - p)^gamma · log p from the logarithms of p and 1 - p, so that neither end loses the answer."""
    if gamma == 0.0:
        return -log_p
    # At p = 0 the cost is infinite; were it a product there, its derivative would be 0·inf.
    never = log_p.isinf()
    return torch.where(never, torch.inf, -torch.exp(gamma * log_not_p) * torch.where(never, 0.0, log_p))


def _pulls(x, t, m, *, gamma, alpha):
    """The pulls of both classes, which a soft target sets against each other, and what one rounding of log(1 - p)
    leaves undecided of its power, in thirty-seconds (CONTRACT 10 counts in them)."""

    def pull(p, q):
        return q**gamma * (gamma * p * -m.log(p) + q) * (1 + gamma * -m.log(q) / 32)

    p, q = m.sigmoid(x), m.sigmoid(-x)
    return t * pull(p, q) + (1 - t) * pull(q, p)


def _is_cross_entropy(gamma: float, alpha: float | None) -> bool:
    return gamma == 0.0 and alpha in (None, 0.5)


@loss(
    title="Focal loss",
    task=Task.BINARY,
    link=Link.LOGIT,
    decode="class 1 where the logit is above 0; its sigmoid is no probability unless gamma is 0",
    soft="mixture",
    elicits=Elicits.ORDER,
    constant="between 0 and the logit of the share of ones, nearer to 0 the larger gamma",
    claims=Claims(
        convex=lambda gamma: gamma == 0.0,
        proper=_is_cross_entropy,
        lower=0.0,
        calibrated=lambda alpha: alpha in (None, 0.5),
        smooth=True,
    ),
    cancels=_pulls,
    example=Example((0.0, 1.0), 0.17328679513998632, "p = 1/2: (1 - 1/2)²·log 2 = 0.17329", {"gamma": 2.0}),
    relatives=(Relative("binary_cross_entropy", "gamma 0 is cross-entropy", ours={"gamma": 0.0}),),
    use_when="Most examples are easy and drown the few hard ones, as with dense detection at 1 to 1000.",
    avoid_when="Probabilities are wanted, or many hard examples are hard because their label is wrong.",
    aliases=("binary_focal", "sigmoid_focal", "binary_focal_crossentropy"),
    elsewhere={
        "torchvision.ops.sigmoid_focal_loss": 1.0,
        "keras.losses.BinaryFocalCrossentropy(from_logits=True)": 1.0,
        "optax.losses.sigmoid_focal_loss": 1.0,
    },
    paper=LIN,
)
def focal(
    logits: BinaryLogits,
    target: BinaryTarget,
    *,
    gamma: Annotated[float, NonNegative, "how fast easy examples fade; 0 is cross-entropy"] = 2.0,
    alpha: Annotated[float | None, Unit, "share of the positive class; None treats both alike"] = None,
) -> PerElement:
    """Cross-entropy that fades out what the model already gets right."""
    if alpha is None:
        return over_two(lambda log_p, log_not_p: faded(log_p, log_not_p, gamma), logits, target)
    ones = share(alpha * target, faded(logits.log_p, logits.log_not_p, gamma))
    return ones + share((1.0 - alpha) * (1.0 - target), faded(logits.log_not_p, logits.log_p, gamma))


@focal.definition
def _(x, t, m, *, gamma, alpha):
    p = 1 / (1 + m.exp(-x))
    q = 1 / (1 + m.exp(x))
    one, zero = (1, 1) if alpha is None else (alpha, 1 - alpha)
    return -one * t * q**gamma * m.log(p) - zero * (1 - t) * p**gamma * m.log(q)


@focal.slope
def _(logits: Tensor, target: Tensor, *, gamma: float, alpha: float | None) -> Tensor:
    p, q = torch.sigmoid(logits), torch.sigmoid(-logits)
    log_p, log_q = torch.nn.functional.logsigmoid(logits), torch.nn.functional.logsigmoid(-logits)
    one, zero = (1.0, 1.0) if alpha is None else (alpha, 1.0 - alpha)
    ones = q**gamma * (gamma * p * log_p - q)
    zeros = p**gamma * (p - gamma * q * log_q)
    return one * target * ones + zero * (1.0 - target) * zeros
