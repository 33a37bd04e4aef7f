"""A normalised loss that pulls at the true class, with one that pushes the others down."""

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
    PerRow,
    Relative,
    Task,
    loss,
    over_classes,
)

from ..divergence.apart import missing
from ..multiclass.softmax import soften, through_softmax
from .normalized import MA, normalised_focal, pulled
from .normalized import defined as active_defined
from .normalized import roundings as active_roundings
from .symmetric_cross_entropy import LogZero
from .symmetric_cross_entropy import defined as passive_defined
from .symmetric_cross_entropy import roundings as passive_roundings


def _roundings(x, y, m, *, alpha, beta, gamma, log_zero):
    """What rounding leaves undecided of the two terms."""
    passive = passive_roundings(x, y, m, log_zero=log_zero)
    return alpha * active_roundings(x, y, m, gamma=gamma) + beta * passive


@loss(
    title="Active-passive loss",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits; their softmax is no probability",
    soft="mixture",
    elicits=lambda beta: Elicits.MODE if beta > 0.0 else Elicits.OWN,
    # The first term only asks that the rarest class be ruled out fastest, which the way to the mode leaves free.
    constant="all on the most frequent class, without end; with beta 0 any answer that rules out the rarest one",
    claims=Claims(
        lower=0.0,
        upper=lambda alpha, beta, log_zero: alpha - beta * log_zero,
        calibrated=lambda alpha, beta: alpha == 0.0 and beta > 0.0,
        symmetric=True,
        smooth=True,
    ),
    cancels=_roundings,
    symbolic=False,
    formula=r"\alpha\,\frac{\sum_j y_j c_j}{\sum_j c_j} - \beta\,\text{log\_zero} \sum_j y_j (1 - p_j) "
    r"\text{ with } c_j = -(1 - p_j)^\gamma \log p_j",
    derivative=r"g_i - p_i \sum_j g_j \text{ with } g_j = \alpha\,\frac{(y_j - a)\,p_j c'_j}{\sum_k c_k} "
    r"+ \beta\,\text{log\_zero}\,y_j p_j \text{ and } a = \frac{\sum_k y_k c_k}{\sum_k c_k}",
    example=Example(((0.0, 0.0, 0.0, 0.0), 0), 3.25, "p = 1/4: 1·1/4 + 1·4·(1 - 1/4) = 3.25"),
    relatives=(
        Relative("normalized_cross_entropy", "alpha 1, beta 0 and gamma 0", {"alpha": 1.0, "beta": 0.0, "gamma": 0.0}),
        Relative("normalized_focal", "alpha 1 and beta 0", {"alpha": 1.0, "beta": 0.0}),
        Relative("reverse_cross_entropy", "alpha 0 and beta 1", {"alpha": 0.0, "beta": 1.0}),
        Relative("categorical_mae", "as the reverse cross-entropy, with log_zero -2", {"alpha": 0.0, "beta": 1.0,
                                                                                        "log_zero": -2.0}),
    ),
    use_when="Labels are wrong uniformly at random and either term alone underfits; with 100 classes Ma et al. take "
    "alpha 10 and beta 0.1.",
    avoid_when="Labels are clean (cross-entropy fits better), or wrong in a known way (see forward_correction).",
    aliases=("apl", "nce_rce", "nce_and_rce"),
    paper=MA,
)  # fmt: skip
def active_passive(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    alpha: Annotated[float, NonNegative, "share of the normalised loss, which pulls at the true class"] = 1.0,
    beta: Annotated[
        float, NonNegative, "share of the reverse cross-entropy, which pushes the others down"
    ] = 1.0,
    gamma: Annotated[float, NonNegative, "0 normalises cross-entropy; above it, the focal loss"] = 0.0,
    log_zero: Annotated[
        float, LogZero, "what stands for log 0; -2 makes the second term the absolute error"
    ] = -4.0,
) -> PerRow:
    """A normalised loss and the reverse cross-entropy, robust both, which together fit what neither fits alone.

    NCE and RCE as it stands; NCE and MAE with log_zero -2 (-1 where MAE is taken for 1 - p); NFL with gamma above 0.
    """
    passive = over_classes(lambda log_p: -log_zero * missing(log_p), logits, target)
    return alpha * normalised_focal(logits, target, gamma) + beta * passive


@active_passive.definition
def _(x, y, m, *, alpha, beta, gamma, log_zero):
    return alpha * active_defined(x, y, m, gamma) + beta * passive_defined(x, y, m, log_zero, 0, 1)


@active_passive.slope
def _(logits: Tensor, target: Tensor, *, alpha: float, beta: float, gamma: float, log_zero: float) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    soft = soften(target, log_p)
    pull = alpha * pulled(log_p, soft, gamma) + beta * log_zero * soft * log_p.exp()
    return through_softmax(pull, log_p.exp())
