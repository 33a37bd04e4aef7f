"""Cross-entropy with weights from the effective number of samples of each class."""

import math
from collections.abc import Sequence
from typing import Annotated

import torch
from torch import Tensor

from lossary.core.errors import DomainError, sentence
from lossary.declare import (
    Claims,
    ClassCounts,
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
    like,
    loss,
    of_class,
    share,
)

from ..multiclass.softmax import logit_roundings, soften


def effective_weights(class_counts: Tensor | Sequence[float], beta: float = 0.999) -> Tensor:
    """One weight per class, one over its effective number of samples, with mean 1: what ``class_weight=`` takes.

    As a class weight it enters the measure, so that a mean divides by the sum of the weights; ``class_balanced`` with
    the same counts divides by the number of rows.

    Args:
        class_counts: how many samples of each class there are, above 0.
        beta: how much of a sample is new; 0 weighs all classes alike, 1 by one over their counts.

    Raises:
        DomainError: a count that is not above 0, or ``beta`` outside [0, 1].
    """
    listed = class_counts.tolist() if isinstance(class_counts, Tensor) else class_counts
    for name, value, domain in (("class_counts", listed, ClassCounts), ("beta", beta, Unit)):
        if not domain.holds(value):
            raise DomainError(
                sentence(
                    f"effective_weights({name}=...)",
                    expected=domain.says,
                    got=repr(value),
                    remedy="choose numbers inside",
                )
            )
    counts = torch.as_tensor(class_counts)
    return _effective(
        counts if counts.dtype is torch.float64 and counts is class_counts else counts.float(), beta
    )


def _effective(counts: Tensor, beta: float) -> Tensor:
    if beta == 1.0:
        weights = counts.amin() / counts
    elif beta == 0.0:
        weights = torch.ones_like(counts)
    else:
        # 1 - beta^n keeps its digits also where beta is so near to 1 that the power is, too.
        news = -torch.expm1(counts * math.log(beta))
        weights = news.amin() / news
    return weights / weights.mean()


def _weighing(beside: Tensor, class_counts: Tensor | Sequence[float], beta: float) -> Tensor:
    return _effective(like(class_counts, beside), beta)


def _scaled(chances: Tensor, by: Tensor) -> Tensor:
    return chances * by / (chances * by).sum(-1, keepdim=True)


def _alike(class_counts: Tensor | Sequence[float], beta: float) -> bool:
    return beta == 0.0


def _steepest(class_counts: Tensor | Sequence[float], beta: float) -> float:
    counts = torch.as_tensor(class_counts, dtype=torch.float64)
    return float(2.0**0.5 * _effective(counts, beta).amax())


def _roundings(x, y, m, *, class_counts, beta):
    """What rounding the differences of logits once leaves undecided, as of cross-entropy under weighted labels."""
    weights = _weights(m, class_counts, beta)
    return logit_roundings(x, [q * w for q, w in zip(y, weights, strict=True)], m)


def _weights(m, class_counts, beta):
    if beta == 1:
        each = [m.exp(-m.log(n)) for n in class_counts]
    else:
        each = [1 / (1 - m.exp(n * m.log(beta))) for n in class_counts]
    mean = m.sum(each) / len(each)
    return [w / mean for w in each]


@loss(
    title="Class-balanced cross-entropy",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits; their softmax is the probability times the class's weight, "
    "normalised",
    soft="mixture",
    probabilities=lambda raw, class_counts, beta: _scaled(raw.softmax(-1), 1.0 / _weighing(raw, class_counts, beta)),
    raw=lambda chances, class_counts, beta: torch.log(chances * _weighing(chances, class_counts, beta)),
    elicits=Elicits.ORDER,
    constant="the logarithms of the classes' shares, each share times the class's weight",
    claims=Claims(convex=True, proper=_alike, lower=0.0, lipschitz=_steepest, calibrated=_alike, smooth=True),
    cancels=_roundings,
    symbolic=False,
    formula=r"-\sum_j w_j y_j \log p_j \text{ with } w_j = v_j / \text{mean of } v, v_j = 1 / (1 - \beta^{n_j}) "
    r"\text{ and } p = \operatorname{softmax}(x)",
    derivative=r"p_i \sum_j w_j y_j - w_i y_i",
    example=Example(
        ((0.0, 0.0), 1),
        0.8317766166719343,
        "1/(1 - (1/2)²) = 4/3 and 1/(1 - 1/2) = 2 over their mean of 5/3 are 0.8 and 1.2: 1.2·log 2 = 0.83178",
        {"class_counts": [2.0, 1.0], "beta": 0.5},
    ),
    relatives=(Relative("cross_entropy", "beta 0 weighs all classes alike", ours={"beta": 0.0}),),
    use_when="Rare classes count as much as frequent ones, and there are too many samples of the frequent ones for "
    "each to tell something new.",
    avoid_when="Probabilities are wanted, or a network fits every row: the weights then move no decision (Byrd and "
    "Lipton 2019).",
    aliases=("cb", "cb_softmax", "class_balanced_cross_entropy", "effective_number"),
    paper=Paper("Cui, Jia, Lin, Song and Belongie", 2019,
                "Class-Balanced Loss Based on Effective Number of Samples", arxiv="1901.05555"),
)  # fmt: skip
def class_balanced(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    class_counts: Annotated[Tensor | Sequence[float], ClassCounts, "training samples of each class"],
    beta: Annotated[
        float, Unit, "how much of a sample is new: 0 all alike, 1 by one over the counts"
    ] = 0.999,
) -> PerRow:
    """Cross-entropy weighted by one over the effective number of samples of the true class, mean 1 over classes.

    The weight shapes the value and leaves the measure alone: a mean divides by the number of rows. For weights that a
    mean divides by, pass ``class_weight=effective_weights(class_counts, beta)`` to any loss on classes.
    """
    weights = _effective(like(class_counts, logits), beta)
    if target.is_floating_point():
        return share(target * weights, -logits).sum(-1)
    return of_class(weights, target) * -logits.gather(-1, target.unsqueeze(-1)).squeeze(-1)


@class_balanced.definition
def _(x, y, m, *, class_counts, beta):
    total = m.log(m.sum([m.exp(v) for v in x]))
    weights = _weights(m, class_counts, beta)
    return m.sum([q * w * (total - v) for v, q, w in zip(x, y, weights, strict=True) if q != 0])


@class_balanced.slope
def _(logits: Tensor, target: Tensor, *, class_counts: Tensor | Sequence[float], beta: float) -> Tensor:
    p = torch.softmax(logits, -1)
    soft = soften(target, p)
    pull = soft * _effective(like(class_counts, logits), beta)
    return p * pull.sum(-1, keepdim=True) - pull
