"""A margin that follows the quality of each sample: of the angle where it is poor, of the cosine where it is good."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import Claims, ClassTarget, Elicits, Example, Link, Paper, PerRow, Positive, Task, loss

from .angular_margin import (
    DECODE,
    OUTPUTS,
    SCALE,
    Angle,
    across,
    cotangent,
    led,
    led_in_words,
    led_sizes,
    led_slope,
)
from .cosines import Cosines, Quality


def _moved(c: Tensor, angle: Tensor, margin: float) -> Tensor:
    """cos(θ - angle) of c = cos θ, held where θ - angle leaves 0 to π, less the angle and the margin."""
    turned = c * angle.cos() + across(c) * angle.sin()
    return torch.where(_held(c, angle), angle.sign(), turned) - (angle + margin)


def _moved_slope(c: Tensor, angle: Tensor) -> Tensor:
    return torch.where(_held(c, angle), 0.0, angle.cos() - cotangent(c) * angle.sin())


def _held(c: Tensor, angle: Tensor) -> Tensor:
    """Where the angle passes 0 on one side, or π on the other."""
    ahead = angle.sign() * c
    # The cosine of a small angle rounds to 1, which is passed all the same.
    return (ahead > angle.cos()) | (ahead >= 1.0)


def _move(c, angle, m, margin):
    if angle > 0 and (c >= 1 or c > m.cos(angle)):
        turned = 1
    elif angle < 0 and (c <= -1 or -c > m.cos(angle)):
        turned = -1
    else:
        turned = c * m.cos(angle) + (m.sqrt(1 - c * c) if m.abs(c) < 1 else 0) * m.sin(angle)
    return turned - (angle + margin)


@loss(
    title="AdaFace loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs=OUTPUTS,
    decode=DECODE,
    soft="mixture",
    elicits=Elicits.EMBEDDING,
    constant="no closed form: every class wants to lead by the margin at least",
    claims=Claims(),
    cancels=lambda x, q, y, m, margin, scale: led_sizes(
        x, y, m, lambda c: _move(c, margin * q, m, margin), scale, 1 + 2 * margin
    ),
    symbolic=False,
    formula=r"\sum_k y_k \log\left(1 + \sum_{j \ne k} e^{s (x_j - \phi_k)}\right) \text{ with } \phi_k = "
    r"\cos(\arccos x_k - m q) - (m q + m) \text{, the angle held from 0 to } \pi, q \text{ the quality}",
    derivative=r"s \sum_k y_k r_{ki} \text{ for rivals with } r_k = \operatorname{softmax} \text{ of the scaled "
    r"cosines with } \phi_k \text{ for } x_k \text{; for } x_i \text{ itself } -s\, y_i (1 - r_{ii})\, \phi_i'",
    example=Example(
        ((0.5, 0.25), 0.0, 0),
        0.6931471805599453,
        "of middling quality the cosine must lead by the margin, and just does: log(1 + exp(0.25 - 0.5 + 0.25)) = "
        "log 2",
        {"margin": 0.25, "scale": 1.0},
    ),
    use_when="Some samples cannot be recognised, as faces of a few pixels: hard and good ones are to count for more.",
    avoid_when="Nothing tells good samples from poor ones: arcface and cosface need no word on quality.",
    elsewhere={
        "AdaFace head.AdaFace and cross_entropy, the authors'": "no factor: it holds cosines and angles 0.001 off "
        "their ends, where it is 1, and takes the quality from the lengths of a batch",
    },
    paper=Paper("Kim, Jain and Liu", 2022, "AdaFace: Quality Adaptive Margin for Face Recognition",
                arxiv="2204.00964"),
)  # fmt: skip
def adaface(
    cosines: Cosines,
    quality: Quality,
    target: ClassTarget,
    *,
    margin: Annotated[
        float, Angle, "of the angle, in radians, at the lowest quality; of the cosine at a middling one"
    ] = 0.4,
    scale: Annotated[float, Positive, SCALE] = 64.0,
) -> PerRow:
    """Softmax over cosines with a margin of the angle for poor samples and of the cosine for good ones.

    Shapes: cosines (..., C), quality and target (...); per unit (...). A quality of -1 gives arcface, but that angles
    beyond pi are held there; 0 gives cosface; at 1 hard samples of the class pull more than easy ones. The paper
    takes it from the length of an embedding before it is normalised, detached: ``((length - mean) / std * 0.333)
    .clamp(-1, 1)`` with mean and standard deviation of the lengths followed from batch to batch.
    """
    # A quality stands beside the true class of every row, and that beside its rivals.
    angle = (margin * quality).unsqueeze(-1).unsqueeze(-1)
    return led(cosines, target, lambda c: _moved(c, angle, margin), scale)


@adaface.definition
def _(x, q, y, m, *, margin, scale):
    return led_in_words(x, y, m, lambda c: _move(c, margin * q, m, margin), scale)


@adaface.slope
def _(cosines: Tensor, quality: Tensor, target: Tensor, *, margin: float, scale: float) -> Tensor:
    angle = (margin * quality).unsqueeze(-1)
    return led_slope(
        cosines, target, lambda c: _moved(c, angle, margin), lambda c: _moved_slope(c, angle), scale
    )
