"""The Brier score, for one logit and for one logit per class."""

import torch
from torch import Tensor

from lossary.declare import (
    BinaryLogits,
    BinaryTarget,
    Claims,
    ClassLogits,
    ClassTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerElement,
    PerRow,
    Relative,
    Task,
    loss,
)
from lossary.losses.divergence.apart import rise
from lossary.losses.multiclass.softmax import soften, through_softmax

BRIER = Paper("Brier", 1950, "Verification of forecasts expressed in terms of probability",
              doi="10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2")  # fmt: skip


def _over(p, q, t, m):
    """What a few roundings of p leave undecided of (p - t)², counted from the nearer end; q is 1 - p."""
    if 2 * t > 1:
        p, q, t = q, p, 1 - t
    return 2 * m.abs(p - t) * (p + t)


@loss(
    title="Brier score",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="class probabilities are softmax(logits); the class is their argmax",
    soft="distribution",
    elicits=Elicits.PROBABILITY,
    constant="the logarithms of the classes' shares",
    claims=Claims(proper=True, lower=0.0, upper=2.0, calibrated=True, smooth=True),
    cancels=lambda x, y, m: m.sum([_over(p, 1 - p, t, m) for p, t in zip(m.softmax(x), y, strict=True)]),
    example=Example(((0.0, 0.0), 0), 0.5, "(1/2 - 1)² + (1/2 - 0)² = 1/2"),
    relatives=(Relative("bregman", "the divergence that the square generates", theirs={"generator": "square"}),),
    use_when="Probabilities are wanted, and a confident mistake must not cost without bound, as by cross-entropy.",
    avoid_when="Rare events must be told from impossible ones: a chance 1000 times too small costs next to nothing.",
    aliases=("brier_score", "quadratic_score", "multiclass_brier"),
    elsewhere={
        "sklearn.metrics.brier_score_loss(scale_by_half=False)": 1.0,
        "torchmetrics.regression.MeanSquaredError": "a factor of the shape: the number of classes, on probabilities",
    },
    paper=BRIER,
)  # fmt: skip
def brier(logits: ClassLogits, target: ClassTarget) -> PerRow:
    """The squared distance of the probabilities from the truth: calibration and sharpness in one bounded number.

    Brier's own definition, from 0 to 2; a soft target is a point like any other, and costs nothing where it is met.
    """
    truth = target
    if not target.is_floating_point():
        truth = torch.zeros_like(logits).scatter(-1, target.unsqueeze(-1), 1.0)
    # Where the truth is nearer to 1 both are counted from there, so that a sure answer keeps what it lacks of 1.
    likely = truth > 0.5
    short = rise(torch.where(likely, logits, 0.0)) + (1.0 - truth)
    return torch.where(likely, short, torch.exp(logits) - truth).square().sum(-1)


@brier.definition
def _(x, y, m):
    return m.sum([(p - t) ** 2 for p, t in zip(m.softmax(x), y, strict=True)])


@brier.slope
def _(logits: Tensor, target: Tensor) -> Tensor:
    p = logits.softmax(-1)
    truth = soften(target, p)
    pull = 2.0 * (p - truth) * p
    return through_softmax(pull, p)


@loss(
    title="Binary Brier score",
    task=Task.BINARY,
    link=Link.LOGIT,
    decode="the probability of class 1 is sigmoid(logit); class 1 where the logit is above 0",
    soft="distribution",
    elicits=Elicits.PROBABILITY,
    constant="the logit of the share of ones",
    # The slope 2·(p - t)·p·(1 - p) is steepest at t = 0 and p = 2/3.
    claims=Claims(proper=True, lower=0.0, upper=1.0, lipschitz=8 / 27, calibrated=True, smooth=True),
    cancels=lambda x, t, m: _over(m.sigmoid(x), m.sigmoid(-x), t, m),
    example=Example((0.0, 1.0), 0.25, "(1/2 - 1)² = 1/4"),
    use_when="A forecast of one event is scored, or some labels are wrong: a confident mistake costs at most 1.",
    avoid_when="Training starts from confident mistakes: the slope vanishes with p·(1 - p) there.",
    aliases=("brier_score_loss",),
    elsewhere={"sklearn.metrics.brier_score_loss": 1.0},
    paper=BRIER,
)  # fmt: skip
def binary_brier(logits: BinaryLogits, target: BinaryTarget) -> PerElement:
    """The squared error of the probability: half of the two-class Brier score."""
    missed = (1.0 - target) - torch.exp(logits.log_not_p)
    return torch.where(target > 0.5, missed, torch.exp(logits.log_p) - target).square()


@binary_brier.definition
def _(x, t, m):
    return (m.sigmoid(x) - t) ** 2


@binary_brier.slope
def _(logits: Tensor, target: Tensor) -> Tensor:
    p = torch.sigmoid(logits)
    return 2.0 * (p - target) * p * torch.sigmoid(-logits)
