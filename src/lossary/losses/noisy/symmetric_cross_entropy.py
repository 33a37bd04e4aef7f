"""Cross-entropy both ways round: the label's surprise at the prediction, and the prediction's at the label."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassLogits,
    ClassTarget,
    Elicits,
    Example,
    Interval,
    Link,
    NonNegative,
    Paper,
    PerRow,
    Relative,
    Task,
    loss,
    over_classes,
)

from ..divergence.apart import missing
from ..multiclass.softmax import logit_roundings, soften, through_softmax

#: What may stand for log 0.
LogZero = Interval("a finite number below 0", float("-inf"), 0.0, False, False, (-9.0, -4.0, -2.0, -0.5))

WANG = Paper(
    "Wang et al.", 2019, "Symmetric Cross Entropy for Robust Learning with Noisy Labels", arxiv="1908.06112"
)


def roundings(x, y, m, *, log_zero, alpha=0, beta=1):
    """What rounding the differences of logits once leaves undecided, as of cross-entropy: the slope is α + β·|A|·p."""
    return logit_roundings(
        x, [w * (alpha - beta * log_zero * p) for w, p in zip(y, m.softmax(x), strict=True)], m
    )


def _steepest(alpha: float, beta: float, log_zero: float) -> float:
    """The greatest √2·(1 - p)·(α + β·|A|·p)."""
    steep = -beta * log_zero
    return float(2.0**0.5 * (alpha if alpha >= steep else (alpha + steep) ** 2 / (4.0 * steep)))


@loss(
    title="Symmetric cross-entropy",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits; their softmax is no probability unless beta is 0",
    soft="mixture",
    elicits=lambda beta: Elicits.PROBABILITY if beta == 0.0 else Elicits.ORDER,
    constant="more certain than the logarithms of the classes' shares, the more so the smaller alpha",
    claims=Claims(
        convex=lambda beta: beta == 0.0,
        proper=lambda alpha, beta: alpha > 0.0 and beta == 0.0,
        lower=0.0,
        upper=lambda alpha, beta, log_zero: None if alpha > 0.0 else -beta * log_zero,
        lipschitz=_steepest,
        calibrated=lambda alpha, beta: alpha > 0.0 or beta > 0.0,
        symmetric=lambda alpha: alpha == 0.0,
        smooth=True,
    ),
    cancels=roundings,
    example=Example(((0.0, 0.0), 0), 2.6931471805599454, "p = 1/2: 1·log 2 + 1·4·(1 - 1/2) = 2.69315", {"alpha": 1.0}),
    relatives=(
        Relative("cross_entropy", "beta 0 and alpha 1", ours={"alpha": 1.0, "beta": 0.0}),
        Relative("reverse_cross_entropy", "alpha 0 and beta 1", ours={"alpha": 0.0, "beta": 1.0}),
    ),
    use_when="Labels are wrong and cross-entropy overfits them; for 10 classes Wang et al. take alpha 0.1, for 100 "
    "alpha 6 and beta 0.1.",
    avoid_when="There is no clean sample to choose alpha, beta and log_zero on: it depends on all three.",
    aliases=("sce", "symmetric_ce"),
    elsewhere={
        "catalyst.contrib.nn.SymmetricCrossEntropyLoss": "no factor: it takes log 0 for log 1e-4 in both terms, and "
        "probabilities for logits",
    },
    paper=WANG,
)  # fmt: skip
def symmetric_cross_entropy(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    alpha: Annotated[
        float, NonNegative, "share of cross-entropy, which fits fast and fits wrong labels too"
    ] = 0.1,
    beta: Annotated[float, NonNegative, "share of the reverse cross-entropy, which is robust and slow"] = 1.0,
    log_zero: Annotated[
        float, LogZero, "what stands for log 0 in the reverse one; the authors' program has log 1e-4"
    ] = -4.0,
) -> PerRow:
    """Cross-entropy plus the same with label and prediction exchanged, which wrong labels at random do not bend."""

    def cost(log_p: Tensor) -> Tensor:
        reverse = -beta * log_zero * missing(log_p)
        return reverse if alpha == 0.0 else reverse - alpha * log_p

    return over_classes(cost, logits, target)


def defined(x, y, m, log_zero, alpha, beta):
    total = m.sum([m.exp(v) for v in x])
    # A reverse cross-entropy over the label's row: log 1 at the label, log 0 at every other class.
    costs = [alpha * (m.log(total) - v) - beta * log_zero * (1 - m.exp(v) / total) for v in x]
    return m.sum([w * cost for w, cost in zip(y, costs, strict=True) if w != 0])


@symmetric_cross_entropy.definition
def _(x, y, m, *, alpha, beta, log_zero):
    if alpha == 0:
        return defined(x, y, m, log_zero, 0, beta) if beta != 0 else m.sum([])
    return defined(x, y, m, log_zero, alpha, beta)


@symmetric_cross_entropy.slope
def _(logits: Tensor, target: Tensor, *, alpha: float, beta: float, log_zero: float) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    return through_softmax(soften(target, log_p) * (beta * log_zero * log_p.exp() - alpha), log_p.exp())


@loss(
    title="Reverse cross-entropy",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits; their softmax is no probability",
    soft="mixture",
    elicits=Elicits.MODE,
    constant="all on the most frequent class, without end",
    claims=Claims(
        lower=0.0,
        upper=lambda log_zero: -log_zero,
        lipschitz=lambda log_zero: -(2.0**0.5) * log_zero / 4.0,
        calibrated=True,
        symmetric=True,
        smooth=True,
    ),
    cancels=roundings,
    example=Example(((0.0, 0.0, 0.0, 0.0), 0), 3.0, "p = 1/4, so 3/4 lies where the label has log 0 = -4: 3"),
    relatives=(
        Relative("categorical_mae", "log 0 taken for -2", ours={"log_zero": -2.0}),
        Relative("symmetric_cross_entropy", "alpha 0 and beta 1", theirs={"alpha": 0.0, "beta": 1.0}),
    ),
    use_when="A robust term is added to one that fits fast, as in symmetric_cross_entropy and active_passive.",
    avoid_when="It would stand alone: it is the absolute error but for a factor, and underfits as that does.",
    aliases=("rce",),
    paper=WANG,
)
def reverse_cross_entropy(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    log_zero: Annotated[float, LogZero, "what stands for the logarithm of 0; only a factor"] = -4.0,
) -> PerRow:
    """The prediction's surprise at the label, whose other classes have a probability of 0."""
    return over_classes(lambda log_p: -log_zero * missing(log_p), logits, target)


@reverse_cross_entropy.definition
def _(x, y, m, *, log_zero):
    return defined(x, y, m, log_zero, 0, 1)


@reverse_cross_entropy.slope
def _(logits: Tensor, target: Tensor, *, log_zero: float) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    return through_softmax(log_zero * soften(target, log_p) * log_p.exp(), log_p.exp())
