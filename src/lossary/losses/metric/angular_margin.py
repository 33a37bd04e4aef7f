"""Softmax over cosines in which the true class must lead by a margin: of the angle, of the cosine, or as a multiple."""

import math
from collections.abc import Callable
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassTarget,
    Elicits,
    Example,
    Interval,
    Link,
    NonNegative,
    Paper,
    PerRow,
    Positive,
    Relative,
    Task,
    loss,
)

from ..multiclass.rivals import over_rivals
from ..multilabel.zlpr import above_zero
from .cosines import Cosines

Angle = Interval("an angle from 0 to pi/2", 0.0, math.pi / 2, True, True, (0.0, 0.25, 0.5, 1.0))

OUTPUTS = (
    "one cosine per class: F.normalize(features) @ F.normalize(weight).T, with the rows of weight its centres"
)
DECODE = "the class is the argmax of the cosines; embeddings are compared by cosine similarity"
SCALE = "what cosines are multiplied by before the softmax, the length to which embeddings are brought"

#: What the true class's cosine becomes under a margin.
Bent = Callable[[Tensor], Tensor]
Number = float | Tensor


def led(cosines: Tensor, target: Tensor, bent: Bent, scale: float) -> Tensor:
    """Cross-entropy of the scaled cosines, of which the true class's is bent first. (..., C) to (...)"""

    return over_rivals(lambda rivals, own: lead(rivals, bent(own), scale), cosines, target)


def lead(rivals: Tensor, own: Tensor, scale: float) -> Tensor:
    """What it costs not to lead all rivals. (..., Y, C) and (..., Y, 1) to (..., Y)"""
    # log(1 + Σ exp(lead)), so that a small cost is not what is left of two large logarithms.
    return above_zero(scale * (rivals - own), rivals != -torch.inf)


def led_slope(cosines: Tensor, target: Tensor, bent: Bent, steep: Bent, scale: float) -> Tensor:
    """The slope of ``led``, where ``steep`` is that of ``bent``. (..., C)"""
    classes = torch.arange(cosines.shape[-1], device=cosines.device)
    soft = target if target.is_floating_point() else (classes == target.unsqueeze(-1)).to(cosines.dtype)
    rivals = torch.where(classes == classes.unsqueeze(-1), -torch.inf, cosines.unsqueeze(-2))
    leads = scale * (rivals - bent(cosines).unsqueeze(-1))
    pulls = (
        scale * soft.unsqueeze(-1) * torch.exp(leads - above_zero(leads, rivals != -torch.inf).unsqueeze(-1))
    )
    return pulls.sum(-2) - steep(cosines) * pulls.sum(-1)


def led_in_words(x, y, m, bent, scale):
    found = []
    for k, q in enumerate(y):
        if q != 0:
            own = m.exp(scale * bent(x[k]))
            others = m.sum([m.exp(scale * v) for j, v in enumerate(x) if j != k])
            found.append(q * (m.log(own + others) - m.log(own)))
    return m.sum(found)


def led_sizes(x, y, m, bent, scale, rough):
    """Scaled leads, whose two cosines set each other off; ``rough`` is how many roundings the bent one has beside."""
    found = []
    for k, q in enumerate(y):
        if q != 0:
            own = bent(x[k])
            parts = m.softmax([scale * (own if j == k else v) for j, v in enumerate(x)])
            terms = [
                p * (m.abs(v) + m.abs(own) + rough)
                for j, (p, v) in enumerate(zip(parts, x, strict=True))
                if j != k
            ]
            found.append(q * scale * m.sum(terms))
    return m.sum(found)


def across(c: Tensor) -> Tensor:
    """sin θ of c = cos θ. Where |c| is 1 its slope is infinite: there, and beyond, it is 0 with slope 0."""
    beyond = c.abs() >= 1.0
    return torch.where(beyond, 0.0, torch.where(beyond, 1.0, (1.0 - c) * (1.0 + c)).sqrt())


def cotangent(c: Tensor) -> Tensor:
    """cot θ of c = cos θ, which is less the slope of ``across``; 0 where that is."""
    beyond = c.abs() >= 1.0
    return torch.where(beyond, 0.0, c / torch.where(beyond, 1.0, (1.0 - c) * (1.0 + c)).sqrt())


def turned(c: Tensor, margin: Number, cosine: Number, sine: Number) -> Tensor:
    """cos(θ + margin) of c = cos θ, and where that would rise again, beyond π - margin, a straight line.

    The cosine and the sine are the margin's.
    """
    # By the addition theorem.
    return torch.where(c > -cosine, c * cosine - across(c) * sine, c - margin * sine)


def turned_slope(c: Tensor, cosine: Number, sine: Number) -> Tensor:
    """The slope of ``turned`` in c."""
    return torch.where(c > -cosine, cosine + cotangent(c) * sine, 1.0)


def turn(c, m, margin):
    if c > -m.cos(margin):
        sine = m.sqrt(1 - c * c) if m.abs(c) < 1 else 0
        return c * m.cos(margin) - sine * m.sin(margin)
    return c - margin * m.sin(margin)


@loss(
    title="ArcFace loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs=OUTPUTS,
    decode=DECODE,
    soft="mixture",
    elicits=Elicits.EMBEDDING,
    constant="no closed form: every class wants to lead by the margin at least",
    claims=Claims(),
    cancels=lambda x, y, m, margin, scale: led_sizes(x, y, m, lambda c: turn(c, m, margin), scale, 1),
    symbolic=False,
    formula=r"\sum_k y_k \log\left(1 + \sum_{j \ne k} e^{s (x_j - \phi_k)}\right) \text{ with } \phi_k = \cos(\arccos "
    r"x_k + \text{margin}) \text{ where } x_k > -\cos(\text{margin}) \text{, else } x_k - \text{margin} \cdot "
    r"\sin(\text{margin})",
    derivative=r"s \sum_k y_k q_{ki} \text{ for rivals with } q_k = \operatorname{softmax} \text{ of the scaled "
    r"cosines with } \phi_k \text{ for } x_k \text{; for } x_i \text{ itself } -s\, y_i (1 - q_{ii})\, \phi_i'",
    example=Example(
        ((0.6, 0.8), 0),
        1.7839007408883387,
        "cos(arccos 0.6 + pi/2) = -0.8: log(1 + exp(0.8 + 0.8)) = 1.7839 at scale 1",
        {"margin": math.pi / 2, "scale": 1.0},
    ),
    relatives=(
        Relative("cosface", "without a margin", ours={"margin": 0.0}, theirs={"margin": 0.0}),
        Relative("cross_entropy", "without a margin, of the cosines themselves", ours={"margin": 0.0, "scale": 1.0}),
    ),
    use_when="There are many classes with few samples each, as faces, and unseen classes are compared by cosine.",
    avoid_when="Training does not start, as with a wide margin and many classes: cosface is gentler to a poor start.",
    aliases=("additive_angular_margin", "aam_softmax"),
    elsewhere={
        "pytorch_metric_learning.losses.ArcFaceLoss, margin in degrees": 1.0,
    },
    paper=Paper("Deng, Guo, Xue and Zafeiriou", 2019, "ArcFace: Additive Angular Margin Loss for Deep Face "
                "Recognition", equation="3", arxiv="1801.07698"),
)  # fmt: skip
def arcface(
    cosines: Cosines,
    target: ClassTarget,
    *,
    margin: Annotated[
        float, Angle, "by how much closer in angle, in radians, the true class's centre must be"
    ] = 0.5,
    scale: Annotated[float, Positive, SCALE] = 64.0,
) -> PerRow:
    """Softmax over cosines in which the angle to the true class's centre counts as wider by a margin.

    The input are cosines, of embeddings of length 1 with one centre of length 1 per class: a linear layer without
    bias on normalised vectors. As in the authors' code the cosine goes on as a straight line, with a step, where the
    angle and its margin exceed pi. What exceeds 1 by rounding counts as 1 with its slope.
    """
    return led(cosines, target, lambda c: turned(c, margin, math.cos(margin), math.sin(margin)), scale)


@arcface.definition
def _(x, y, m, *, margin, scale):
    return led_in_words(x, y, m, lambda c: turn(c, m, margin), scale)


@arcface.slope
def _(cosines: Tensor, target: Tensor, *, margin: float, scale: float) -> Tensor:
    cosine, sine = math.cos(margin), math.sin(margin)
    return led_slope(
        cosines,
        target,
        lambda c: turned(c, margin, cosine, sine),
        lambda c: turned_slope(c, cosine, sine),
        scale,
    )


@loss(
    title="CosFace loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs=OUTPUTS,
    decode=DECODE,
    soft="mixture",
    elicits=Elicits.EMBEDDING,
    constant="no closed form: every class wants to lead by the margin at least",
    claims=Claims(convex=True, smooth=True),
    cancels=lambda x, y, m, margin, scale: led_sizes(x, y, m, lambda c: c - margin, scale, margin),
    symbolic=False,
    formula=r"\sum_k y_k \log\left(1 + \sum_{j \ne k} e^{s (x_j - x_k + \text{margin})}\right)",
    derivative=r"s \sum_k y_k (q_{ki} - [i = k]) \text{ with } q_k = \operatorname{softmax}(s x) \text{ once the "
    r"margin is taken from } x_k",
    example=Example(
        ((0.5, 0.25), 0),
        0.6931471805599453,
        "the true class leads by just the margin: log(1 + exp(0.25 - 0.5 + 0.25)) = log 2",
        {"margin": 0.25, "scale": 1.0},
    ),
    relatives=(
        Relative("cross_entropy", "without a margin, of the cosines themselves", ours={"margin": 0.0, "scale": 1.0}),
    ),
    use_when="There are many classes with few samples each, as faces, and unseen classes are compared by cosine.",
    avoid_when="Probabilities are wanted: scale and margin are chosen for the angles and distort them.",
    aliases=("am_softmax", "large_margin_cosine", "additive_margin"),
    elsewhere={"pytorch_metric_learning.losses.CosFaceLoss": 1.0},
    paper=Paper("Wang et al.", 2018, "CosFace: Large Margin Cosine Loss for Deep Face Recognition", equation="4",
                arxiv="1801.09414"),
)  # fmt: skip
def cosface(
    cosines: Cosines,
    target: ClassTarget,
    *,
    margin: Annotated[float, NonNegative, "what is taken from the true class's cosine"] = 0.35,
    scale: Annotated[float, Positive, SCALE] = 64.0,
) -> PerRow:
    """Softmax over cosines in which the true class must lead by a margin.

    The input are cosines, of embeddings of length 1 with one centre of length 1 per class: a linear layer without
    bias on normalised vectors.
    """
    return led(cosines, target, lambda c: c - margin, scale)


@cosface.definition
def _(x, y, m, *, margin, scale):
    return led_in_words(x, y, m, lambda c: c - margin, scale)


@cosface.slope
def _(cosines: Tensor, target: Tensor, *, margin: float, scale: float) -> Tensor:
    return led_slope(cosines, target, lambda c: c - margin, torch.ones_like, scale)
