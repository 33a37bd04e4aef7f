"""The hinge with its corner rounded by a parabola."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    BinaryTarget,
    Claims,
    Elicits,
    Example,
    Link,
    NonNegative,
    Paper,
    PerElement,
    Relative,
    Score,
    Task,
    loss,
)

from .hinge import short


def rounded(gap: Tensor, width: float) -> Tensor:
    """gap²/(2·width) up to a gap of width, gap - width/2 beyond it; the gap itself at width 0."""
    if width == 0.0:
        return gap
    # With c the gap cut to width both branches are c·(gap - c/2)/width, and neither overflows where it is not used.
    near = gap.clamp(max=width)
    return near / width * (gap - 0.5 * near)


@loss(
    title="Smooth hinge loss",
    task=Task.BINARY,
    link=Link.SIGN,
    decode="class 1 where the score is above 0; from width 2 on, (clip(score, -1, 1) + 1) / 2 is its probability",
    soft="mixture",
    elicits=lambda width: Elicits.PROBABILITY if width > 0 else Elicits.MODE,
    constant="with p the share of ones, 2p - 1 from width 2 on; up to width 1, 1 - width·(1 - p)/p where p is above "
    "1/2, its mirror image below",
    claims=Claims(convex=True, lower=0.0, lipschitz=1.0, calibrated=True, smooth=lambda width: width > 0),
    cancels=lambda x, t, m, width: 0,  # its value has terms of one sign; under a soft target its derivative has two
    example=Example((0.5, 1.0), 0.125, "the margin is 1/2 short, which is less than 1: (1/2)²/2 = 0.125"),
    relatives=(
        Relative("hinge", "width 0 is the hinge", ours={"width": 0.0}),
        Relative("modified_huber", "a quarter of it at width 2", ours={"width": 2.0}, factor=0.25),
    ),
    use_when="The hinge is wanted from an optimiser that needs a continuous gradient, such as L-BFGS or dual ascent.",
    avoid_when="Sure predictions are to be told apart: the best scores lie between -1 and 1 for any share of ones.",
    aliases=("smoothed_hinge", "quadratically_smoothed_hinge"),
    paper=Paper("Rennie and Srebro", 2005, "Loss functions for preference levels: regression with discrete ordered "
                "labels"),
)  # fmt: skip
def smooth_hinge(
    scores: Score,
    target: BinaryTarget,
    *,
    width: Annotated[
        float, NonNegative, "how far below the margin the slope reaches 1: 1 is Rennie's form, 0 the hinge"
    ] = 1.0,
) -> PerElement:
    """The hinge whose slope grows from 0 to 1 over a width, instead of jumping at the margin.

    Rennie and Srebro have it at width 1; the width is the gamma of Shalev-Shwartz and Zhang (2013).
    """
    zeros = 1.0 - target
    return target * rounded(short(target, scores), width) + zeros * rounded(short(zeros, -scores), width)


@smooth_hinge.definition
def _(x, t, m, *, width):
    def cost(margin):
        if width == 0:
            return m.max(1 - margin, 0)
        return (m.max(1 - margin, 0) ** 2 - m.max(1 - margin - width, 0) ** 2) / (2 * width)

    return t * cost(x) + (1 - t) * cost(-x)


@smooth_hinge.slope
def _(scores: Tensor, target: Tensor, *, width: float) -> Tensor:
    def pull(margin: Tensor) -> Tensor:
        gap = torch.relu(1.0 - margin)
        return (gap > 0).to(gap.dtype) if width == 0.0 else (gap / width).clamp(max=1.0)

    return (1.0 - target) * pull(-scores) - target * pull(scores)


@loss(
    title="Modified Huber loss",
    task=Task.BINARY,
    link=Link.SIGN,
    decode="class 1 where the score is above 0; (clip(score, -1, 1) + 1) / 2 estimates the probability",
    soft="mixture",
    probabilities=lambda raw: (raw.clamp(-1.0, 1.0) + 1.0) / 2.0,
    raw=lambda chances: 2.0 * chances - 1.0,
    elicits=Elicits.PROBABILITY,
    constant="2p - 1, with p the share of ones",
    claims=Claims(convex=True, proper=True, lower=0.0, lipschitz=4.0, calibrated=True, smooth=True),
    cancels=lambda x, t, m: 0,  # its value has terms of one sign; under a soft target its derivative has two
    example=Example((-2.0, 1.0), 8.0, "the margin -2 lies below -1: -4·(-2) = 8"),
    relatives=(
        Relative("smooth_hinge", "4 times it at width 2", theirs={"width": 2.0}, factor=4.0),
    ),
    use_when="The squared hinge is wanted with its probability, but outliers must not cost their distance squared.",
    avoid_when="Probabilities are to be told apart near 0 and 1, where a score beyond ±1 says only that it is sure.",
    elsewhere={"sklearn.linear_model.SGDClassifier(loss='modified_huber')": 1.0},
    paper=Paper("Zhang", 2004, "Solving large scale linear prediction problems using stochastic gradient descent "
                "algorithms", doi="10.1145/1015330.1015332"),
)  # fmt: skip
def modified_huber(scores: Score, target: BinaryTarget) -> PerElement:
    """The squared hinge as far as a margin of -1, and its tangent beyond."""
    zeros = 1.0 - target
    return 4.0 * (target * rounded(short(target, scores), 2.0) + zeros * rounded(short(zeros, -scores), 2.0))


@modified_huber.definition
def _(x, t, m):
    def cost(margin):
        return m.where(margin >= -1, m.max(1 - margin, 0) ** 2, -4 * margin)

    return t * cost(x) + (1 - t) * cost(-x)


@modified_huber.slope
def _(scores: Tensor, target: Tensor) -> Tensor:
    def pull(margin: Tensor) -> Tensor:
        return 2.0 * (1.0 - margin).clamp(0.0, 2.0)

    return (1.0 - target) * pull(-scores) - target * pull(scores)
