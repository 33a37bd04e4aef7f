"""Margins between classes: the true class's score is to exceed the others', all of them or the greatest."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    AtLeastOne,
    Claims,
    ClassScores,
    ClassTarget,
    Elicits,
    Example,
    Link,
    NonNegative,
    Paper,
    PerRow,
    Task,
    loss,
)

from .rivals import over_rivals, pulled


def _sums(x, y, m, *, p, margin):
    """Σ |terms| of margin + x_i - x_y, each times the slope at it: what the rounding of a lead is counted in."""
    return m.sum(
        [
            q * p * m.max(margin + v - x[k], 0) ** (p - 1) * (margin + m.abs(v - x[k]))
            for k, q in enumerate(y)
            if q != 0
            for i, v in enumerate(x)
            if i != k and margin + v > x[k]
        ]
    )


@loss(
    title="Multi-class margin loss",
    task=Task.MULTICLASS,
    link=Link.IDENTITY,
    outputs="one score per class",
    decode="the class is the argmax of the scores, which are no probabilities",
    soft="mixture",
    elicits=lambda p: Elicits.ORDER if p > 1.0 else Elicits.MODE,
    constant="ahead by the margin where one class has more than half of the rows; else, with p = 1, classes may tie",
    # With p = 1 and no class above a half the best scores may tie (Liu 2007); a slope at 0 mends it (Zhang 2004).
    claims=Claims(convex=True, lower=0.0, calibrated=lambda p, margin: p > 1.0 and margin > 0.0,
                  smooth=lambda p: p >= 2.0),
    cancels=_sums,
    example=Example(((0.5, 0.25, -1.0), 0), 0.75, "max(0, 1 + 0.25 - 0.5) + max(0, 1 - 1 - 0.5) = 0.75"),
    use_when="Only the decision counts, and every rival that comes within the margin is to be pushed away.",
    avoid_when="Probabilities are wanted, or often no class has half of the rows: with p = 1 the best scores may tie.",
    aliases=("weston_watkins", "multiclass_margin", "multiclass_hinge"),
    elsewhere={
        "torch.nn.functional.multi_margin_loss": "a factor of the shape: the number of classes; its mean divides a "
        "class-weighted sum by the number of rows",
    },
    paper=Paper("Weston and Watkins", 1999, "Support vector machines for multi-class pattern recognition"),
    symbolic=False,
    formula=r"\sum_k y_k \sum_{j \ne k} s_{kj}^p \text{ with } s_{kj} = \max(0, \text{margin} - x_k + x_j)",
    derivative=r"p \sum_{j \ne i} (y_j s_{ji}^{p - 1} - y_i s_{ij}^{p - 1}) \text{ over the pairs whose } s "
               r"\text{ is above 0}",
)  # fmt: skip
def multi_margin(
    scores: ClassScores,
    target: ClassTarget,
    *,
    p: Annotated[
        float, AtLeastOne, "the power of each shortfall; above 1 the loss starts flat at the margin"
    ] = 1.0,
    margin: Annotated[
        float, NonNegative, "by how much the true class's score is to exceed every other"
    ] = 1.0,
) -> PerRow:
    """What every wrong class's score lacks of staying a margin below the true one's, to the power p, added up."""

    def cost(rivals: Tensor, own: Tensor) -> Tensor:
        leads = rivals - own
        beyond = leads <= -margin  # and not its contrary, so that a NaN is none
        return torch.where(beyond, 0.0, torch.where(beyond, 1.0, margin + leads) ** p).sum(-1)

    return over_rivals(cost, scores, target)


@multi_margin.definition
def _(x, y, m, *, p, margin):
    return m.sum(
        [
            q * m.max(margin - x[k] + v, 0) ** p
            for k, q in enumerate(y)
            if q != 0
            for i, v in enumerate(x)
            if i != k
        ]
    )


@multi_margin.slope
def _(scores: Tensor, target: Tensor, *, p: float, margin: float) -> Tensor:
    def pull(rivals: Tensor, own: Tensor) -> Tensor:
        leads = rivals - own
        beyond = leads <= -margin
        return torch.where(beyond, 0.0, p * torch.where(beyond, 1.0, margin + leads) ** (p - 1.0))

    return pulled(pull, scores, target)


@loss(
    title="Categorical hinge loss",
    task=Task.MULTICLASS,
    link=Link.IDENTITY,
    outputs="one score per class",
    decode="the class is the argmax of the scores, which are no probabilities",
    soft="mixture",
    elicits=Elicits.MODE,
    constant="1 for a class with more than half of the rows and 0 for the others; all alike where there is none",
    claims=Claims(convex=True, lower=0.0, lipschitz=2.0**0.5),
    cancels=lambda x, y, m: m.sum(
        [
            q * (1 + m.max([m.abs(v - x[k]) if v + 1 > x[k] else 0 for i, v in enumerate(x) if i != k]))
            for k, q in enumerate(y)
            if q != 0
        ]
    ),
    example=Example(((0.5, 0.25, -1.0), 0), 0.75, "max(0, 1 + max(0.25, -1) - 0.5) = 0.75"),
    use_when="Only the decision counts, and of the wrong classes only the strongest is to be pushed away.",
    avoid_when="Probabilities are wanted, or often no class has half of the rows: the best scores then all tie.",
    aliases=("crammer_singer",),
    elsewhere={
        "sklearn.metrics.hinge_loss": 1.0,
        "optax.losses.multiclass_hinge_loss": 1.0,
        "keras.losses.CategoricalHinge": "no factor: the greatest wrong score is taken to be 0 there where all are "
        "negative; else 1",
    },
    paper=Paper("Crammer and Singer", 2001,
                "On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines"),
    symbolic=False,
    formula=r"\sum_k y_k \max(0, 1 + \max_{j \ne k} x_j - x_k)",
    derivative=r"\sum_k y_k ([i = m_k] - [i = k]) \text{ over the } k \text{ that cost something with } m_k "
               r"\text{ the greatest rival of } k",
)  # fmt: skip
def categorical_hinge(scores: ClassScores, target: ClassTarget) -> PerRow:
    """Zero where the true class's score exceeds the greatest of the others by 1, linear before that."""
    # The greatest is found before anything is taken from it: near a large score smaller ones would round to a tie.
    return over_rivals(
        lambda rivals, own: torch.relu(1.0 + (rivals.amax(-1) - own.squeeze(-1))), scores, target
    )


@categorical_hinge.definition
def _(x, y, m):
    return m.sum(
        [
            q * m.max(1 + m.max([v for i, v in enumerate(x) if i != k]) - x[k], 0)
            for k, q in enumerate(y)
            if q != 0
        ]
    )


@categorical_hinge.slope
def _(scores: Tensor, target: Tensor) -> Tensor:
    def pull(rivals: Tensor, own: Tensor) -> Tensor:
        top = rivals.amax(-1, keepdim=True)
        tied = ((rivals == top) & (1.0 + (top - own) > 0.0)).to(rivals.dtype)
        return tied / tied.sum(-1, keepdim=True).clamp(min=1.0)

    return pulled(pull, scores, target)
