"""Hinge losses: correct by a margin costs nothing."""

import torch
from torch import Tensor

from lossary.declare import BinaryTarget, Claims, Elicits, Example, Link, Paper, PerElement, Score, Task, loss


def short(part: Tensor, margin: Tensor) -> Tensor:
    """How far a margin falls short of 1; where a class has no part in the target, its margin says nothing."""
    return torch.relu(1.0 - torch.where(part == 0, 0.0, margin))


@loss(
    title="Hinge loss",
    task=Task.BINARY,
    link=Link.SIGN,
    decode="class 1 where the score is above 0; the score is no probability",
    soft="mixture",
    elicits=Elicits.MODE,
    constant="+1 or -1, the sign of the more frequent class",
    claims=Claims(convex=True, lower=0.0, lipschitz=1.0, calibrated=True),
    example=Example((0.25, 1.0), 0.75, "max(0, 1 - 0.25) = 0.75"),
    use_when="Only the decision counts and points well on the right side should have no say.",
    avoid_when="Probabilities are wanted: scores beyond the margin say nothing about confidence.",
    elsewhere={
        "keras.losses.Hinge": 1.0,
        "optax.losses.hinge_loss": 1.0,
        "sklearn.metrics.hinge_loss": 1.0,
        "torch.nn.functional.multi_margin_loss": "no factor: one score per class there, and divided by their number",
    },
    paper=Paper("Cortes and Vapnik", 1995, "Support-vector networks", doi="10.1007/BF00994018"),
)
def hinge(scores: Score, target: BinaryTarget) -> PerElement:
    """Zero beyond a margin of 1 on the right side, linear before it."""
    return target * short(target, scores) + (1.0 - target) * short(1.0 - target, -scores)


@hinge.definition
def _(x, t, m):
    return t * m.max(1 - x, 0) + (1 - t) * m.max(1 + x, 0)


@hinge.slope
def _(scores: Tensor, target: Tensor) -> Tensor:
    return (1.0 - target) * (scores > -1.0) - target * (scores < 1.0)


@loss(
    title="Squared hinge loss",
    task=Task.BINARY,
    link=Link.SIGN,
    decode="class 1 where the score is above 0; (clip(score, -1, 1) + 1) / 2 estimates the probability",
    soft="mixture",
    probabilities=lambda raw: (raw.clamp(-1.0, 1.0) + 1.0) / 2.0,
    raw=lambda chances: 2.0 * chances - 1.0,
    elicits=Elicits.PROBABILITY,
    constant="2p - 1, with p the share of ones",
    claims=Claims(convex=True, proper=True, lower=0.0, calibrated=True, smooth=True),
    cancels=lambda x, t, m: 0,  # its value has terms of one sign; under a soft target its derivative has two
    example=Example((0.25, 1.0), 0.5625, "max(0, 1 - 0.25)² = 0.5625"),
    use_when="A margin is wanted with a gradient that fades in smoothly at it.",
    avoid_when="Labels are often wrong: a mistake costs the square of its distance.",
    elsewhere={"keras.losses.SquaredHinge": 1.0},
    paper=Paper(
        "Lee and Mangasarian", 2001, "SSVM: a smooth support vector machine", doi="10.1023/A:1011215321374"
    ),
)
def squared_hinge(scores: Score, target: BinaryTarget) -> PerElement:
    """The square of the hinge: smooth at the margin, harsher beyond it."""
    zeros = 1.0 - target
    return target * short(target, scores).square() + zeros * short(zeros, -scores).square()


@squared_hinge.definition
def _(x, t, m):
    return t * m.max(1 - x, 0) ** 2 + (1 - t) * m.max(1 + x, 0) ** 2


@squared_hinge.slope
def _(scores: Tensor, target: Tensor) -> Tensor:
    return 2.0 * ((1.0 - target) * torch.relu(1.0 + scores) - target * torch.relu(1.0 - scores))
