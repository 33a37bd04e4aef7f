"""The energy score: the CRPS of vectors."""

from typing import Annotated

import torch

from lossary.declare import (
    Claims,
    Cloud,
    Elicits,
    Example,
    Flag,
    Link,
    Paper,
    PerRow,
    Task,
    Vector,
    loss,
)
from lossary.losses.metric.distance import length

from .crps import FAIR


def _means(x, t, m, fair):
    def apart(a, b):
        return m.sqrt(m.sum([(v - w) ** 2 for v, w in zip(a, b, strict=True)]))

    count = len(x)
    pairs = count * (count - 1) if fair and count > 1 else count**2
    spread = m.sum([apart(a, b) for i, a in enumerate(x) for b in x[:i]])
    return m.sum([apart(each, t) for each in x]) / count, spread / pairs


@loss(
    title="Energy score",
    task=Task.REGRESSION,
    link=Link.IDENTITY,
    outputs="M × D: the members of an ensemble of vectors",
    decode="the members are the distribution: their mean, and any statistic of them",
    elicits=Elicits.DISTRIBUTION,
    constant="an ensemble with the targets' own joint distribution; for a single target its copies, at a cost of 0",
    claims=Claims(proper=lambda fair: not fair, lower=0.0),
    cancels=lambda x, t, m, fair: m.sum(_means(x, t, m, fair)),
    symbolic=False,
    formula=r"\frac{1}{M}\sum_i \lVert x_i - t\rVert - \frac{1}{2N}\sum_{i,j} \lVert x_i - x_j\rVert,"
            r"\quad N = M^2 \text{, fair: } M(M - 1)",
    derivative=r"\frac{1}{M}\frac{x_i - t}{\lVert x_i - t\rVert}"
               r" - \frac{1}{N}\sum_{j \ne i} \frac{x_i - x_j}{\lVert x_i - x_j\rVert}",
    example=Example((((0.0, 0.0), (3.0, 4.0)), (0.0, 0.0)), 1.25, "mean distance (0 + 5)/2, less 2·5/(2·2²) = 1.25"),
    use_when="An ensemble of vectors is to be right jointly, not number by number; set fair while training on a few.",
    avoid_when="Dependence between features matters most: the score sees it weakly (Pinson and Tastu, 2013).",
    elsewhere={
        "scoringrules.es_ensemble": 1.0,
        "earth2studio.statistics.energy_score": "not run: the same by its documentation",
    },
    paper=Paper("Gneiting and Raftery", 2007, "Strictly proper scoring rules, prediction, and estimation",
                equation="22", doi="10.1198/016214506000001437"),
)  # fmt: skip
def energy_score(prediction: Cloud, target: Vector, *, fair: Annotated[bool, Flag(), FAIR] = False) -> PerRow:
    """The members' mean distance from the target vector, less half their mean distance from one another.

    Shapes: prediction (..., M, D), target (..., D); per unit (...). A single member has no pair: fair or not, its
    score is its distance. Time and memory grow with M²·D.
    """
    count = prediction.shape[-2]
    near = length(prediction - target.unsqueeze(-2)).mean(-1)
    if count == 1:
        return near
    one, other = torch.triu_indices(count, count, 1, device=prediction.device)
    spread = length(prediction[..., one, :] - prediction[..., other, :]).sum(-1)
    return near - spread / (count * (count - 1) if fair else count**2)


@energy_score.definition
def _(x, t, m, *, fair):
    near, spread = _means(x, t, m, fair)
    return near - spread
