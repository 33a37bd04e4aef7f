"""The perceptron's loss: the hinge with its margin at 0."""

import torch
from torch import Tensor

from lossary.declare import BinaryTarget, Claims, Elicits, Example, Link, Paper, PerElement, Score, Task, loss


def _wrong(part: Tensor, margin: Tensor) -> Tensor:
    """How far a margin lies on the wrong side; where a class has no part in the target, its margin says nothing."""
    return torch.relu(-torch.where(part == 0, 0.0, margin))


@loss(
    title="Perceptron loss",
    task=Task.BINARY,
    link=Link.SIGN,
    decode="class 1 where the score is above 0; the score is no probability",
    soft="mixture",
    elicits=Elicits.ZERO,
    constant="0, whatever the share of ones, unless it is 0 or 1",
    claims=Claims(convex=True, lower=0.0, lipschitz=1.0),
    example=Example((-0.75, 1.0), 0.75, "the score says class 0 by 0.75, and the label is 1: max(0, 0.75) = 0.75"),
    use_when="The classes are linearly separable and the rule should move only when it errs.",
    avoid_when="The classes overlap: a score of 0 everywhere then costs least, and nothing keeps scores away from it.",
    elsewhere={
        "sklearn.linear_model.SGDClassifier(loss='perceptron')": 1.0,
        "optax.losses.perceptron_loss": 1.0,
    },
    paper=Paper("Rosenblatt", 1958, "The perceptron: a probabilistic model for information storage and organization "
                "in the brain", doi="10.1037/h0042519"),
)  # fmt: skip
def perceptron(scores: Score, target: BinaryTarget) -> PerElement:
    """Zero on the right side, and the distance to it on the wrong one."""
    return target * _wrong(target, scores) + (1.0 - target) * _wrong(1.0 - target, -scores)


@perceptron.definition
def _(x, t, m):
    return t * m.max(-x, 0) + (1 - t) * m.max(x, 0)


@perceptron.slope
def _(scores: Tensor, target: Tensor) -> Tensor:
    return (1.0 - target) * (scores > 0.0) - target * (scores < 0.0)
