"""The exponential loss, which AdaBoost descends."""

import torch
from torch import Tensor

from lossary.declare import BinaryTarget, Claims, Elicits, Example, Link, Paper, PerElement, Score, Task, loss


def _part(part: Tensor, margin: Tensor) -> Tensor:
    """part·exp(-margin); where a class has no part in the target, its margin says nothing."""
    # In two halves, since a small part of an exponential that overflows is a number all the same; and each with its own
    # derivative, since their sum would pass through twice the answer.
    margin = torch.where(part == 0, 0.0, margin)
    return part * torch.exp(-0.5 * margin) * torch.exp(-0.5 * margin)


@loss(
    title="Exponential loss",
    task=Task.BINARY,
    link=Link.SIGN,
    decode="class 1 where the score is above 0; sigmoid(2·score) is its probability",
    soft="mixture",
    probabilities=lambda raw: torch.sigmoid(2.0 * raw),
    raw=lambda chances: 0.5 * chances.logit(),
    elicits=Elicits.PROBABILITY,
    constant="half the logit of the share of ones",
    claims=Claims(convex=True, proper=True, lower=0.0, calibrated=True, smooth=True),
    cancels=lambda x, t, m: 0,  # its value has terms of one sign; under a soft target its derivative has two
    example=Example((0.5, 0.0), 1.6487212707001282, "the margin is -0.5: exp(0.5) = 1.64872"),
    use_when="Labels are clean and weak rules are boosted: its slope is the weight that AdaBoost gives a sample.",
    avoid_when="Some labels are wrong: they come to rule the fit (Hastie, Tibshirani and Friedman 2009, section 10.6).",
    aliases=("adaboost",),
    elsewhere={"sklearn.ensemble.GradientBoostingClassifier(loss='exponential')": 1.0},
    paper=Paper("Freund and Schapire", 1997, "A decision-theoretic generalization of on-line learning and an "
                "application to boosting", doi="10.1006/jcss.1997.1504"),
)  # fmt: skip
def exponential(scores: Score, target: BinaryTarget) -> PerElement:
    """The exponential of how wrong the score is: each mistake weighs e times as much for every step of 1."""
    return _part(target, scores) + _part(1.0 - target, -scores)


@exponential.definition
def _(x, t, m):
    return t * m.exp(-x) + (1 - t) * m.exp(x)


@exponential.slope
def _(scores: Tensor, target: Tensor) -> Tensor:
    return (1.0 - target) * torch.exp(scores) - target * torch.exp(-scores)
