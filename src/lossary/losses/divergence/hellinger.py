"""Hellinger's distance, squared."""

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassLogits,
    DistributionTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Relative,
    Task,
    loss,
)

from ..multiclass.softmax import through_softmax
from .alpha import divergence
from .apart import undecided


@loss(
    title="Squared Hellinger distance",
    task=Task.DIVERGENCE,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="class probabilities are softmax(prediction)",
    soft="distribution",
    elicits=Elicits.DISTRIBUTION,
    constant="one target: the logarithms of its probabilities; many: those of the squared mean of their square roots",
    claims=Claims(lower=0.0, upper=1.0, smooth=True),
    cancels=lambda x, y, m: undecided(
        x, y, m, lambda p, q: tuple(m.sqrt(each) * (m.sqrt(p) - m.sqrt(q)) / 2 for each in (p, q))
    ),
    example=Example(((0.0, 0.0), (1.0, 0.0)), 0.2928932188134525, "1 - √(1·1/2) = 0.29289"),
    relatives=(Relative("alpha_divergence", "a quarter of alpha 1/2", theirs={"alpha": 0.5}, factor=0.25),),
    use_when="Both distributions have zeros, where Kullback's divergence is infinite, and the loss must be smooth.",
    avoid_when="Training starts sure and wrong: the slope is then almost 0, as of every bounded loss.",
    aliases=("squared_hellinger",),
    elsewhere={
        "tfp.vi.squared_hellinger": "no factor: a function of one log ratio, which tfp averages over samples",
    },
    paper=Paper("Hellinger", 1909,
                "Neue Begründung der Theorie quadratischer Formen von unendlichvielen Veränderlichen",
                doi="10.1515/crll.1909.136.210"),
)  # fmt: skip
def hellinger(prediction: ClassLogits, target: DistributionTarget) -> PerRow:
    """Half the squared distance of the square roots of the probabilities; its root is Hellinger's distance."""
    return 0.25 * divergence(target, prediction, 0.5)


@hellinger.definition
def _(x, y, m):
    return m.sum([(m.sqrt(p) - m.sqrt(q)) ** 2 for p, q in zip(m.softmax(x), y, strict=True)]) / 2


@hellinger.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    p = prediction.softmax(-1)
    pull = -0.5 * torch.sqrt(p * target)
    return through_softmax(pull, p)
