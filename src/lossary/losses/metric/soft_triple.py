"""Softmax over classes of several centres each."""

import math
from typing import Annotated

import torch
from torch import Tensor

from lossary.core.kinds import Form, Kind
from lossary.declare import (
    Claims,
    ClassTarget,
    Elicits,
    Example,
    Link,
    NonNegative,
    Paper,
    PerRow,
    Positive,
    Relative,
    Task,
    Whole,
    loss,
)

from .angular_margin import SCALE, led, led_in_words, led_slope
from .cosines import Rounded

CentreCosines = Annotated[
    Tensor,
    Kind(
        Form.SCORES,
        "the cosines with each class's centres, side by side on the class axis",
        0.375,
        domain=Rounded,
        several="centres",
    ),
]


def _shares(cosines: Tensor, centres: int, temperature: float) -> tuple[Tensor, Tensor]:
    """Each class's cosines, and how much each of them counts. (..., C·K) to twice (..., C, K)"""
    rows = cosines.unflatten(-1, (cosines.shape[-1] // centres, centres))
    # Their top is taken out before they are divided, so that no temperature makes infinities of them.
    top = rows.detach().amax(-1, keepdim=True)
    return rows, torch.softmax((rows - top) / temperature, -1)


def relaxed(cosines: Tensor, centres: int, temperature: float) -> Tensor:
    """Each class's similarity: its cosines' mean, in which the greater count more. (..., C·K) to (..., C)"""
    rows, shares = _shares(cosines, int(centres), temperature)
    return (shares * rows).sum(-1)


def _in_words(x, m, centres, temperature):
    classes = [x[i : i + int(centres)] for i in range(0, len(x), int(centres))]
    found = []
    for row in classes:
        raised = [m.exp(v / temperature) for v in row]
        found.append(m.sum([a * v for a, v in zip(raised, row, strict=True)]) / m.sum(raised))
    return found


def _sizes(x, y, m, *, centres, margin, scale, temperature):
    """Scaled leads of the classes, each class's cosines without their signs, and how its shares are rounded."""
    masses, near = [], _in_words(x, m, centres, temperature)
    for i in range(0, len(x), int(centres)):
        row = x[i : i + int(centres)]
        top = max(row)
        raised = [m.exp((v - top) / temperature) for v in row]
        terms = [a * m.abs(v) * (1 + (top - v) / temperature) for a, v in zip(raised, row, strict=True)]
        masses.append(m.sum(terms) / m.sum(raised))
    found = []
    for k, q in enumerate(y):
        if q != 0:
            parts = m.softmax([scale * (v - margin if j == k else v) for j, v in enumerate(near)])
            terms = [
                p * (mass + masses[k] + margin)
                for j, (p, mass) in enumerate(zip(parts, masses, strict=True))
                if j != k
            ]
            found.append(q * scale * m.sum(terms))
    return m.sum(found)


@loss(
    title="SoftTriple loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="several cosines per class: F.normalize(features) @ F.normalize(weight).T, with the rows of weight its "
    "centres, class after class",
    decode="the class of the greatest similarity; embeddings are compared by cosine similarity",
    decoded=lambda raw, centres, temperature: relaxed(raw, centres, temperature).argmax(-1),
    soft="mixture",
    elicits=Elicits.EMBEDDING,
    constant="no closed form: every class wants to lead by the margin at least",
    claims=Claims(convex=lambda centres: centres == 1, smooth=True),
    cancels=_sizes,
    symbolic=False,
    formula=r"\sum_k y_k \log\left(1 + \sum_{j \ne k} e^{s (S_j - S_k + \text{margin})}\right) \text{ with } S_j = "
    r"\sum_l p_{jl} x_{jl} \text{ and } p_j = \operatorname{softmax}(x_j / T) \text{ over the centres } l \text{ of "
    r"class } j",
    derivative=r"g_i\, p_{il} \left(1 + \frac{x_{il} - S_i}{T}\right) \text{ with } g_i = s \sum_k y_k (q_{ki} - "
    r"[i = k]) \text{ and } q_k = \operatorname{softmax}(s S) \text{ once the margin is taken from } S_k",
    example=Example(
        ((0.5, 0.25, 0.1875, 0.1875), 0),
        0.6931471805599453,
        "at temperature 0.25/log 3 the nearer centre counts three times: 0.75·0.5 + 0.25·0.25 = 0.4375 leads 0.1875 by "
        "just the margin, log(1 + exp(0)) = log 2",
        {"centres": 2, "margin": 0.25, "scale": 1.0, "temperature": 0.25 / math.log(3.0)},
    ),
    relatives=(
        Relative("cosface", "with one centre a class", ours={"centres": 1}),
        Relative("cross_entropy", "with one centre a class and no margin, of the cosines themselves",
                 ours={"centres": 1, "margin": 0.0, "scale": 1.0}),
    ),
    use_when="A class falls into several clusters that nobody labelled, as birds of one kind in several poses.",
    avoid_when="A class has fewer samples than centres, or one cluster: then it is cosface with more parameters.",
    elsewhere={"pytorch_metric_learning.losses.SoftTripleLoss": 1.0},
    paper=Paper("Qian, Shang, Sun, Hu, Li and Jin", 2019, "SoftTriple Loss: Deep Metric Learning Without Triplet "
                "Sampling", arxiv="1909.05235"),
)  # fmt: skip
def soft_triple(
    cosines: CentreCosines,
    target: ClassTarget,
    *,
    centres: Annotated[int, Whole(1), "how many centres each class has; the paper takes 10"],
    margin: Annotated[float, NonNegative, "what is taken from the true class's similarity"] = 0.01,
    scale: Annotated[float, Positive, SCALE] = 20.0,
    temperature: Annotated[
        float, Positive, "of the softmax over a class's centres; near 0 only the nearest counts"
    ] = 0.1,
) -> PerRow:
    """Softmax over classes of several centres each, of which the nearest speaks loudest.

    The input are cosines, of embeddings of length 1 with all centres of length 1: a linear layer without bias on
    normalised vectors, whose weight (classes · centres, D) holds the centres of a class one below the other. Shapes:
    cosines (N, classes · centres), target (N,) or (N, classes); per unit (N,). A centre that lags behind its class's
    similarity by more than the temperature is pushed the other way, so that each keeps to its own cluster. The paper
    adds 0.2 times ``sparse_centres`` of the weight, so that centres which are not needed become one.
    """
    return led(relaxed(cosines, centres, temperature), target, lambda c: c - margin, scale)


@soft_triple.definition
def _(x, y, m, *, centres, margin, scale, temperature):
    return led_in_words(_in_words(x, m, centres, temperature), y, m, lambda c: c - margin, scale)


@soft_triple.slope
def _(
    cosines: Tensor, target: Tensor, *, centres: int, margin: float, scale: float, temperature: float
) -> Tensor:
    rows, shares = _shares(cosines, int(centres), temperature)
    near = (shares * rows).sum(-1, keepdim=True)
    pulls = led_slope(near.squeeze(-1), target, lambda c: c - margin, torch.ones_like, scale)
    return (pulls.unsqueeze(-1) * shares * (1.0 + (rows - near) / temperature)).flatten(-2)
