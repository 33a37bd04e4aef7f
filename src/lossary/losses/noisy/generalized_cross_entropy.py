"""Generalised cross-entropy, between cross-entropy and the absolute error; and the absolute error itself."""

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
    Paper,
    PerRow,
    Relative,
    Task,
    Unit,
    loss,
    over_classes,
)

from ..divergence.apart import missing
from ..multiclass.softmax import logit_roundings, soften, through_softmax


def _roundings(x, y, m, *, q):
    """What rounding the differences of logits once leaves undecided, as of cross-entropy: the slope is p^q."""
    return logit_roundings(x, [w * p**q for w, p in zip(y, m.softmax(x), strict=True)], m)


@loss(
    title="Generalised cross-entropy",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits; their softmax is no probability unless q is 0",
    soft="mixture",
    elicits=lambda q: Elicits.PROBABILITY if q == 0.0 else Elicits.MODE if q == 1.0 else Elicits.ORDER,
    constant="the logarithms of the classes' shares, times 1/(1 - q); at q = 1 all on the most frequent class",
    claims=Claims(
        convex=lambda q: q == 0.0,
        proper=lambda q: q == 0.0,
        lower=0.0,
        upper=lambda q: None if q == 0.0 else 1.0 / q,
        # The greatest √2·p^q·(1 - p), which lies at p = q/(1 + q).
        lipschitz=lambda q: 2.0**0.5 * (q / (1.0 + q)) ** q / (1.0 + q),
        calibrated=True,
        symmetric=lambda q: q == 1.0,
        smooth=True,
    ),
    cancels=_roundings,
    example=Example(((0.0, 0.0, 0.0, 0.0), 0), 1.0, "p = 1/4: (1 - √(1/4))/0.5 = 1", {"q": 0.5}),
    relatives=(
        Relative("cross_entropy", "q 0 is cross-entropy", ours={"q": 0.0}),
        Relative("categorical_mae", "q 1 is 1 - p, half the absolute error", ours={"q": 1.0}, factor=0.5),
    ),
    use_when="Many labels are wrong at random and nothing is known of how; q 0.7 is the paper's.",
    avoid_when="Labels are clean or classes many: it fits slower than cross-entropy, the more so the nearer q is to 1.",
    aliases=("gce", "generalised_cross_entropy"),
    paper=Paper("Zhang and Sabuncu", 2018,
                "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels",
                arxiv="1805.07836"),
)  # fmt: skip
def generalized_cross_entropy(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    q: Annotated[
        float, Unit, "0 is cross-entropy, 1 the absolute error 1 - p; between them, robust and fast"
    ] = 0.7,
) -> PerRow:
    """Cross-entropy with a ceiling of 1/q, which pulls less at rows that the model thinks mislabelled."""
    if q == 0.0:
        return over_classes(lambda log_p: -log_p, logits, target)
    return over_classes(lambda log_p: missing(q * log_p) / q, logits, target)


@generalized_cross_entropy.definition
def _(x, y, m, *, q):
    total = m.sum([m.exp(v) for v in x])
    p = [m.exp(v) / total for v in x]
    costs = [m.log(total) - v if q == 0 else (1 - s**q) / q for v, s in zip(x, p, strict=True)]
    return m.sum([w * cost for w, cost in zip(y, costs, strict=True) if w != 0])


@generalized_cross_entropy.slope
def _(logits: Tensor, target: Tensor, *, q: float) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    return through_softmax(-soften(target, log_p) * torch.exp(q * log_p), log_p.exp())


def _mae_roundings(x, y, m):
    return 2 * _roundings(x, y, m, q=1)


@loss(
    title="Categorical absolute error",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits; their softmax is no probability",
    soft="mixture",
    elicits=Elicits.MODE,
    constant="all on the most frequent class, without end",
    claims=Claims(lower=0.0, upper=2.0, lipschitz=0.5**0.5, calibrated=True, symmetric=True, smooth=True),
    cancels=_mae_roundings,
    example=Example(((0.0, 0.0, 0.0, 0.0), 0), 1.5, "p = 1/4: 3/4 too little and 3 times 1/4 too much, 1.5"),
    relatives=(
        Relative("generalized_cross_entropy", "q 1", theirs={"q": 1.0}, factor=2.0),
        Relative("reverse_cross_entropy", "log 0 taken for -2", theirs={"log_zero": -2.0}),
    ),
    use_when="Labels are wrong uniformly at random: while fewer than 1 - 1/C of them are, its best answer is that of "
    "clean ones (Ghosh et al.).",
    avoid_when="Classes are many or time is short: rows that are wrong by far have next to no slope, and it underfits.",
    aliases=("softmax_mae", "mae_over_classes"),
    elsewhere={"keras.losses.MeanAbsoluteError": "a factor of the shape: the number of classes"},
    paper=Paper("Ghosh, Kumar and Sastry", 2017, "Robust Loss Functions under Label Noise for Deep Neural Networks",
                arxiv="1712.09482"),
)  # fmt: skip
def categorical_mae(logits: ClassLogits, target: ClassTarget) -> PerRow:
    """The absolute errors of all classes' probabilities, which add up to twice what the true class lacks."""
    return over_classes(lambda log_p: 2.0 * missing(log_p), logits, target)


@categorical_mae.definition
def _(x, y, m):
    p = m.softmax(x)
    return m.sum([w * 2 * (1 - s) for w, s in zip(y, p, strict=True)])


@categorical_mae.slope
def _(logits: Tensor, target: Tensor) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    return through_softmax(-2.0 * soften(target, log_p) * log_p.exp(), log_p.exp())
