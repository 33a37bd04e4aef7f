"""Binary cross-entropy."""

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
    NumberOrTensor,
    Paper,
    PerElement,
    Relative,
    Task,
    loss,
    over_two,
    share,
)


def _plain(pos_weight: float) -> bool:
    return pos_weight == 1.0


def _unweighted(pos_weight: float) -> float | str:
    return 1.0 if _plain(pos_weight) else "no factor: its classes cost the same"


@loss(
    title="Binary cross-entropy",
    task=Task.BINARY,
    link=Link.LOGIT,
    decode="the probability of class 1 is sigmoid(logit); class 1 where the logit is above 0",
    soft="mixture",
    elicits=Elicits.PROBABILITY,
    constant="the logit of the share of ones",
    claims=Claims(convex=True, proper=_plain, lower=0.0, calibrated=_plain, smooth=True,
                  lipschitz=lambda pos_weight: max(pos_weight, 1.0)),
    cancels=lambda x, t, m, pos_weight: pos_weight * t * m.sigmoid(-x) + (1 - t) * m.sigmoid(x),
    example=Example((2.0, 1.0), 0.1269280110429725, "-log sigmoid(2) = log(1 + exp(-2)) = 0.12693"),
    relatives=(Relative("focal", "focal with gamma 0", theirs={"gamma": 0.0}),),
    use_when="Two classes, and the probability itself is wanted.",
    avoid_when="Labels are often wrong: a confident mistake costs without bound.",
    aliases=("bce", "bce_with_logits", "binary_crossentropy", "binary_cross_entropy_with_logits", "log_loss",
             "sigmoid_binary_cross_entropy", "logistic", "multilabel_soft_margin", "multi_label_soft_margin"),
    elsewhere={
        "torch.nn.functional.binary_cross_entropy_with_logits": 1.0,
        "torch.nn.functional.multilabel_soft_margin_loss": _unweighted,
        "keras.losses.BinaryCrossentropy(from_logits=True)": _unweighted,
        "optax.losses.sigmoid_binary_cross_entropy": _unweighted,
        "sklearn.metrics.log_loss": _unweighted,
    },
    paper=Paper("Cox", 1958, "The regression analysis of binary sequences", doi="10.1111/j.2517-6161.1958.tb00292.x"),
)  # fmt: skip
def binary_cross_entropy(
    logits: BinaryLogits,
    target: BinaryTarget,
    *,
    pos_weight: Annotated[
        float | Tensor, NumberOrTensor(NonNegative), "what a missed 1 costs, a false 1 costing 1"
    ] = 1.0,
) -> PerElement:
    """The surprise at the truth, -log of the probability that the model gave it."""
    if isinstance(pos_weight, float) and pos_weight == 1.0:
        return over_two(lambda log_p, _: -log_p, logits, target)
    return share(pos_weight * target, -logits.log_p) + share(1.0 - target, -logits.log_not_p)


@binary_cross_entropy.definition
def _(x, t, m, *, pos_weight):
    return pos_weight * t * m.log(1 + m.exp(-x)) + (1 - t) * m.log(1 + m.exp(x))


@binary_cross_entropy.slope
def _(logits: Tensor, target: Tensor, *, pos_weight: float | Tensor) -> Tensor:
    return (1.0 - target) * torch.sigmoid(logits) - pos_weight * target * torch.sigmoid(-logits)
