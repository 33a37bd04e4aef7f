"""Focal loss over classes."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassLogits,
    ClassTarget,
    Elicits,
    Example,
    Link,
    NonNegative,
    Paper,
    PerRow,
    Relative,
    Task,
    log1mexp,
    loss,
    over_classes,
)

from .softmax import soften, through_softmax


def faded(log_p: Tensor, gamma: float) -> Tensor:
    """-(1 - p)^gamma · log p; where p rounds to 1 there is nothing left to fade, and no 0^gamma to differentiate."""
    if gamma == 0.0:
        return -log_p
    certain, never = log_p == 0, log_p.isinf()
    between = torch.where(certain | never, -1.0, log_p)
    faded_cost = -torch.exp(gamma * log1mexp(between)) * between
    return torch.where(certain, 0.0 * log_p, torch.where(never, torch.inf, faded_cost))


def pulls(x, y, m, *, gamma):
    """The pulls of all classes, which a soft target sets against each other, and what one rounding of log(1 - p)
    leaves undecided of its power, in thirty-seconds (CONTRACT 10 counts in them)."""
    e = [m.exp(v) for v in x]
    total = m.sum(e)
    p = [v / total for v in e]
    others = [m.sum([v for j, v in enumerate(p) if j != i]) for i in range(len(x))]
    return m.sum(
        [
            q * o**gamma * (gamma * v * -m.log(v) + o) * (1 + gamma * -m.log(o) / 32)
            for q, v, o in zip(y, p, others, strict=True)
            if q != 0 and o != 0 and v != 0
        ]
    )


@loss(
    title="Categorical focal loss",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits; their softmax is no probability unless gamma is 0",
    soft="mixture",
    elicits=Elicits.ORDER,
    constant="between 0 and the logarithms of the classes' shares, nearer to 0 the larger gamma",
    claims=Claims(convex=lambda gamma: gamma == 0.0, proper=lambda gamma: gamma == 0.0, lower=0.0, calibrated=True,
                  smooth=True),
    cancels=pulls,
    example=Example(((0.0, 0.0), 0), 0.17328679513998632, "p = 1/2: (1 - 1/2)²·log 2 = 0.17329", {"gamma": 2.0}),
    relatives=(Relative("cross_entropy", "gamma 0 is cross-entropy", ours={"gamma": 0.0}),),
    use_when="One class or many easy rows dominate; class_weight= sets the classes' shares besides.",
    avoid_when="Probabilities are wanted, or many hard rows are hard because their label is wrong.",
    aliases=("softmax_focal", "categorical_focal_crossentropy", "multiclass_focal"),
    elsewhere={"keras.losses.CategoricalFocalCrossentropy(alpha=1, from_logits=True)": 1.0},
    paper=Paper("Lin et al.", 2017, "Focal Loss for Dense Object Detection", equation="5", arxiv="1708.02002"),
)  # fmt: skip
def categorical_focal(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    gamma: Annotated[float, NonNegative, "how fast easy rows fade; 0 is cross-entropy"] = 2.0,
) -> PerRow:
    """Cross-entropy over classes that fades out the rows the model already gets right."""
    return over_classes(lambda log_p: faded(log_p, gamma), logits, target)


@categorical_focal.definition
def _(x, y, m, *, gamma):
    e = [m.exp(v) for v in x]
    total = m.sum(e)
    others = [m.sum([w for j, w in enumerate(e) if j != i]) / total for i in range(len(x))]
    return m.sum([q * o**gamma * (m.log(total) - v) for v, q, o in zip(x, y, others, strict=True) if q != 0])


@categorical_focal.slope
def _(logits: Tensor, target: Tensor, *, gamma: float) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    p = log_p.exp()
    soft = soften(target, p)
    # dℓ_i/d log p_i, then the softmax: d log p_i/dx_j = [i = j] - p_j.
    pull = soft * (gamma * (1.0 - p) ** (gamma - 1.0) * p * log_p - (1.0 - p) ** gamma)
    return through_softmax(pull, p)
