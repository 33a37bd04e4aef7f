"""Softmax over cosines in which the angle to the true class counts several times."""

import math
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Positive,
    Relative,
    Task,
    Whole,
    loss,
)

from .angular_margin import DECODE, OUTPUTS, SCALE, led, led_in_words, led_sizes, led_slope
from .cosines import Cosines


def _waves(c: Tensor, margin: int) -> tuple[Tensor, Tensor, Tensor]:
    """cos(mθ), its slope over m in c = cos θ, and how many half turns mθ has behind it."""
    # Chebyshev's polynomials, by the addition theorem: no arccos, whose slope is infinite at 1.
    before, here = torch.ones_like(c), c
    slope_before, slope = torch.zeros_like(c), torch.ones_like(c)
    turns = torch.zeros_like(c)
    for step in range(1, margin):
        before, here = here, 2.0 * c * here - before
        slope_before, slope = slope, 2.0 * c * slope - slope_before
        turns = turns + (c < math.cos(step * math.pi / margin)).to(c.dtype)
    return here, slope, turns


def _multiplied(c: Tensor, margin: int) -> Tensor:
    """(-1)^k cos(mθ) - 2k: falls in θ all the way, where cos(mθ) would rise again."""
    wave, _, turns = _waves(c, margin)
    return (1.0 - 2.0 * (turns % 2.0)) * wave - 2.0 * turns


def _multiplied_slope(c: Tensor, margin: int) -> Tensor:
    _, slope, turns = _waves(c, margin)
    return (1.0 - 2.0 * (turns % 2.0)) * margin * slope


def _multiple(c, m, margin):
    turns = sum(1 for k in range(1, int(margin)) if c < m.cos(k * m.pi / margin))
    # Σ_n (-1)^n binom(m, 2n) cos^(m - 2n) θ sin^(2n) θ, as in the large-margin softmax that the paper goes on from.
    wave = m.sum(
        [
            (-1) ** n * math.comb(int(margin), 2 * n) * c ** (int(margin) - 2 * n) * (1 - c * c) ** n
            for n in range(int(margin) // 2 + 1)
        ]
    )
    return (-1) ** turns * wave - 2 * turns


@loss(
    title="SphereFace loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs=OUTPUTS,
    decode=DECODE,
    soft="mixture",
    elicits=Elicits.EMBEDDING,
    constant="no closed form: every class wants to lead by the multiple of its angle at least",
    claims=Claims(smooth=True),
    cancels=lambda x, y, m, margin, scale: led_sizes(
        x, y, m, lambda c: _multiple(c, m, margin), scale, margin**2 / 8
    ),
    symbolic=False,
    formula=r"\sum_k y_k \log\left(1 + \sum_{j \ne k} e^{s (x_j - \psi_k)}\right) \text{ with } \psi_k = (-1)^n "
    r"\cos(m \theta_k) - 2n \text{ , } \theta_k = \arccos x_k \text{ and } n = \lfloor m \theta_k / \pi \rfloor",
    derivative=r"s \sum_k y_k q_{ki} \text{ for rivals with } q_k = \operatorname{softmax} \text{ of the scaled "
    r"cosines with } \psi_k \text{ for } x_k \text{; for } x_i \text{ itself } -s\, y_i (1 - q_{ii})\, \psi_i'",
    example=Example(
        ((0.5, 0.5), 0),
        1.3132616875182228,
        "an angle of 60° counts twice, cos 120° = -0.5: log(1 + exp(0.5 + 0.5)) = 1.31326 at scale 1",
        {"margin": 2, "scale": 1.0},
    ),
    relatives=(
        Relative("cosface", "without a margin", ours={"margin": 1}, theirs={"margin": 0.0}),
    ),
    use_when="A network that was trained with it is trained on, or its angles are to be compared with others'.",
    avoid_when="Training starts from nothing: a multiple of a wide angle pulls hard and unevenly; cosface is tamer.",
    aliases=("a_softmax", "angular_softmax"),
    elsewhere={
        "pytorch_metric_learning.losses.SphereFaceLoss": "no factor: it multiplies cosines by the length of the "
        "embedding; of embeddings of length 1 it is 1",
    },
    paper=Paper("Liu, Wen, Yu, Li, Raj and Song", 2017, "SphereFace: Deep Hypersphere Embedding for Face Recognition",
                arxiv="1704.08063"),
)  # fmt: skip
def sphereface(
    cosines: Cosines,
    target: ClassTarget,
    *,
    margin: Annotated[int, Whole(1), "how many times the angle to the true class's centre counts"] = 4,
    scale: Annotated[float, Positive, SCALE] = 30.0,
) -> PerRow:
    """Softmax over cosines in which the angle to the true class's centre counts several times.

    The input are cosines, of embeddings of length 1 with one centre of length 1 per class: a linear layer without
    bias on normalised vectors. The paper leaves embeddings their own length, where the scale stands here.
    """
    return led(cosines, target, lambda c: _multiplied(c, int(margin)), scale)


@sphereface.definition
def _(x, y, m, *, margin, scale):
    return led_in_words(x, y, m, lambda c: _multiple(c, m, margin), scale)


@sphereface.slope
def _(cosines: Tensor, target: Tensor, *, margin: int, scale: float) -> Tensor:
    return led_slope(
        cosines,
        target,
        lambda c: _multiplied(c, int(margin)),
        lambda c: _multiplied_slope(c, int(margin)),
        scale,
    )
