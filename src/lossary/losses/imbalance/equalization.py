"""Binary cross-entropy per class, balanced by the gradients each class has had."""

import math
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
    Positive,
    Relative,
    Task,
    loss,
    share,
)


def _negatives(ratio: float | Tensor, gamma: float, mu: float) -> float | Tensor:
    """What a negative weighs: 1/(1 + exp(-gamma·(ratio - mu)))."""
    balance = gamma * (ratio - mu)
    if isinstance(balance, Tensor):
        return torch.sigmoid(balance)
    small = math.exp(-abs(balance))
    return (1.0 if balance >= 0 else small) / (1.0 + small)


def accumulated(
    logits: Tensor,
    target: Tensor,
    ratio: float | Tensor,
    *,
    gamma: float = 12.0,
    mu: float = 0.8,
    alpha: float = 4.0,
) -> tuple[Tensor, Tensor]:
    """Sizes of the gradients of positives and of negatives per label, summed over a batch; without gradient.

    Add both up over the steps of training; the ratio of the next step is positives / negatives.
    """
    logits, target = logits.detach(), target.to(logits.dtype)
    negatives = _negatives(ratio, gamma, mu)
    over = tuple(range(logits.ndim - 1))
    ones = (1.0 + alpha * (1.0 - negatives)) * target * torch.sigmoid(-logits)
    zeros = negatives * (1.0 - target) * torch.sigmoid(logits)
    return ones.sum(over), zeros.sum(over)


def _weights(m, ratio, gamma, mu, alpha):
    negatives = 1 / (1 + m.exp(-gamma * (ratio - mu)))
    return 1 + alpha * (1 - negatives), negatives


def _pulls(x, t, m, *, ratio, gamma, mu, alpha):
    """The pulls of both classes, which a soft target sets against each other."""
    one, zero = _weights(m, ratio, gamma, mu, alpha)
    return one * t * m.sigmoid(-x) + zero * (1 - t) * m.sigmoid(x)


def _steepest(ratio: float, gamma: float, mu: float, alpha: float) -> float:
    negatives = _negatives(ratio, gamma, mu)
    return float(1.0 + alpha * (1.0 - negatives))


@loss(
    title="Equalization loss v2",
    task=Task.MULTILABEL,
    link=Link.LOGIT,
    outputs="one logit per class",
    decode="class j where its logit is above 0; its sigmoid is no probability unless the class is balanced",
    soft="mixture",
    elicits=Elicits.ORDER,
    constant="above the logit of the share of ones, the more the fewer positive gradients the class has had",
    claims=Claims(convex=True, lower=0.0, lipschitz=_steepest, smooth=True),
    cancels=_pulls,
    example=Example(
        (0.0, 1.0),
        2.0794415416798357,
        "at ratio mu negatives weigh 1/2 and positives 1 + 4·(1 - 1/2) = 3: 3·log 2 = 2.07944",
        {"ratio": 0.75, "gamma": 12.0, "mu": 0.75, "alpha": 4.0},
    ),
    relatives=(
        Relative("binary_cross_entropy", "at a ratio far above mu nothing is changed",
                 ours={"ratio": 100.0, "gamma": 12.0, "mu": 0.8}),
        Relative("binary_cross_entropy", "with alpha 0 and the ratio at mu it is half of one with positives doubled",
                 ours={"alpha": 0.0, "ratio": 0.8, "mu": 0.8}, theirs={"pos_weight": 2.0}, factor=0.5),
    ),
    use_when="One sigmoid per class, many classes, and the negatives of all others drown a rare class's positives.",
    avoid_when="Nobody keeps the ratio up to date: a fixed one is a weighted binary cross-entropy and no more.",
    aliases=("eqlv2", "eql_v2", "equalization_loss_v2"),
    elsewhere={
        "mmdet.models.losses.EQLV2Loss": "no factor: it accumulates the ratio itself, for the batches it has seen",
    },
    paper=Paper("Tan, Lu, Zhang, Yin and Li", 2021,
                "Equalization Loss v2: A New Gradient Balance Approach for Long-tailed Object Detection",
                arxiv="2012.08548"),
)  # fmt: skip
def equalization_v2(
    logits: BinaryLogits,
    target: BinaryTarget,
    *,
    ratio: Annotated[
        float | Tensor, NumberOrTensor(NonNegative), "gradients of positives over those of negatives, so far"
    ] = 100.0,
    gamma: Annotated[float, Positive, "how steeply weights change with the ratio"] = 12.0,
    mu: Annotated[float, NonNegative, "the ratio at which negatives weigh one half"] = 0.8,
    alpha: Annotated[float, NonNegative, "what a positive weighs more than 1 where the ratio is 0"] = 4.0,
) -> PerElement:
    """Binary cross-entropy that lifts positives and spares negatives of a class whose positives have pulled too little.

    The paper's loss keeps, for every class, the sums of the sizes of both gradients over training and divides one by
    the other. Here the quotient is ``ratio``, a number or one per class on the last axis, and the loss has no state:
    add up what ``accumulated`` returns for each batch. The default, where the authors' program starts, is so great that
    nothing is changed.
    """
    negatives = _negatives(ratio, gamma, mu)
    positives = 1.0 + alpha * (1.0 - negatives)
    return share(positives * target, -logits.log_p) + share(negatives * (1.0 - target), -logits.log_not_p)


@equalization_v2.definition
def _(x, t, m, *, ratio, gamma, mu, alpha):
    one, zero = _weights(m, ratio, gamma, mu, alpha)
    return one * t * m.log(1 + m.exp(-x)) + zero * (1 - t) * m.log(1 + m.exp(x))


@equalization_v2.slope
def _(
    logits: Tensor, target: Tensor, *, ratio: float | Tensor, gamma: float, mu: float, alpha: float
) -> Tensor:
    negatives = _negatives(ratio, gamma, mu)
    positives = 1.0 + alpha * (1.0 - negatives)
    return negatives * (1.0 - target) * torch.sigmoid(logits) - positives * target * torch.sigmoid(-logits)
