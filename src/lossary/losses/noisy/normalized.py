"""Losses divided by their sum over all labels, which uniform label noise cannot bend, alone and in company."""

from collections.abc import Callable
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
    loss,
)

from ..divergence.apart import missing
from ..multiclass.focal import faded, pulls
from ..multiclass.softmax import logit_roundings, soften, through_softmax

MA = Paper(
    "Ma et al.", 2020, "Normalized Loss Functions for Deep Learning with Noisy Labels", arxiv="2006.13554"
)


def normalised(cost: Callable[[Tensor], Tensor], log_p: Tensor, target: Tensor) -> Tensor:
    """E[cost(log p_Y)] over the sum of the costs of all classes: (..., C) and a target to (...).

    Classes that cannot be have infinite costs; each of them is an equal part of the sum, and the others none.
    """
    # A mean cannot overflow where a sum would.
    costs = cost(log_p) / log_p.shape[-1]
    never = costs.isinf()
    some = never.any(-1, keepdim=True)
    costs = torch.where(some, never.to(costs.dtype), costs)
    # The one class of a network with a single output costs 0, and has all of the sum nevertheless.
    whole = costs.sum(-1, keepdim=True)
    none = whole == 0
    parts = torch.where(none, 1.0 / log_p.shape[-1], costs / torch.where(none, 1.0, whole))
    if target.is_floating_point():
        return (target * parts).sum(-1)
    return parts.gather(-1, target.unsqueeze(-1)).squeeze(-1)


def normalised_focal(log_p: Tensor, target: Tensor, gamma: float) -> Tensor:
    """The focal loss over classes, normalised; with gamma 0 it is cross-entropy."""
    return normalised(lambda each: faded(each, gamma), log_p, target)


def defined(x, y, m, gamma):
    e = [m.exp(v) for v in x]
    total = m.sum(e)
    others = [m.sum(e[:i] + e[i + 1 :]) / total for i in range(len(x))]
    costs = [o**gamma * (m.log(total) - v) for o, v in zip(others, x, strict=True)]
    never = [cost == float("inf") for cost in costs]
    if any(never):
        return m.sum([w for w, each in zip(y, never, strict=True) if each]) / sum(never)
    if len(x) == 1:
        return y[0]
    return m.sum([w * cost for w, cost in zip(y, costs, strict=True)]) / m.sum(costs)


def roundings(x, y, m, *, gamma=0):
    """What rounding the differences of logits once leaves undecided, as of the focal loss, over the sum."""
    p = m.softmax(x)
    fade = [m.sum(p[:i] + p[i + 1 :]) ** gamma for i in range(len(x))]
    costs = [f * -m.log(s) for f, s in zip(fade, p, strict=True)]
    undecided = logit_roundings(x, [w * (1 + gamma) * f for w, f in zip(y, fade, strict=True)], m)
    return (pulls(x, y, m, gamma=gamma) + undecided) / m.sum(costs)


def pulled(log_p: Tensor, soft: Tensor, gamma: float) -> Tensor:
    """The derivative of the normalised focal loss by each log p."""
    p, rest = log_p.exp(), missing(log_p)
    costs = -(rest**gamma) * log_p
    pull = gamma * rest ** (gamma - 1.0) * p * log_p - rest**gamma
    total = costs.sum(-1, keepdim=True)
    return (soft - (soft * costs).sum(-1, keepdim=True) / total) * pull / total


@loss(
    title="Normalised cross-entropy",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits; their softmax is no probability",
    soft="mixture",
    elicits=Elicits.OWN,
    constant="of two classes, all on the more frequent one; of more, any answer that rules out the rarest one",
    claims=Claims(lower=0.0, upper=1.0, symmetric=True, smooth=True),
    cancels=roundings,
    symbolic=False,
    formula=r"\frac{\sum_j y_j \log p_j}{\sum_j \log p_j} \text{ with } p = \operatorname{softmax}(x)",
    derivative=r"g_i - p_i \sum_j g_j \text{ with } g_j = \frac{y_j - \ell}{\sum_k \log p_k}",
    example=Example(((0.0, 1.0986122886681098), 0), 0.8281444907572747, "p = 1/4: log 4/(log 4 + log 4/3) = 0.82814"),
    relatives=(
        Relative("normalized_focal", "gamma 0", theirs={"gamma": 0.0}),
        Relative("active_passive", "alpha 1, beta 0 and gamma 0", theirs={"alpha": 1.0, "beta": 0.0, "gamma": 0.0}),
    ),
    use_when="Labels are wrong uniformly at random, as one of two terms: see active_passive.",
    avoid_when="It would stand alone: it underfits (Ma et al. 2020), for ruling out one wrong class already pays.",
    aliases=("normalised_cross_entropy",),
    paper=MA,
)  # fmt: skip
def normalized_cross_entropy(logits: ClassLogits, target: ClassTarget) -> PerRow:
    """The true label's share in the cross-entropies of all labels."""
    return normalised_focal(logits, target, 0.0)


@normalized_cross_entropy.definition
def _(x, y, m):
    return defined(x, y, m, 0)


@normalized_cross_entropy.slope
def _(logits: Tensor, target: Tensor) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    return through_softmax(pulled(log_p, soften(target, log_p), 0.0), log_p.exp())


@loss(
    title="Normalised focal loss",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the class is the argmax of the logits; their softmax is no probability",
    soft="mixture",
    elicits=Elicits.OWN,
    constant="of two classes, all on the more frequent one; of more, any answer that rules out the rarest one",
    claims=Claims(lower=0.0, upper=1.0, symmetric=True, smooth=True),
    cancels=roundings,
    symbolic=False,
    formula=r"\frac{\sum_j y_j c_j}{\sum_j c_j} \text{ with } c_j = -(1 - p_j)^\gamma \log p_j",
    derivative=r"g_i - p_i \sum_j g_j \text{ with } g_j = \frac{(y_j - \ell)\,p_j c'_j}{\sum_k c_k}",
    example=Example(((0.0, 1.0986122886681098), 0), 0.9353024048065969,
                    "p = 1/4: 3/4·log 4/(3/4·log 4 + 1/4·log 4/3) = 0.93530", {"gamma": 1.0}),
    relatives=(
        Relative("normalized_cross_entropy", "gamma 0", ours={"gamma": 0.0}),
        Relative("active_passive", "alpha 1 and beta 0", theirs={"alpha": 1.0, "beta": 0.0}),
    ),
    use_when="As normalized_cross_entropy, of which it is a variant that is seldom far from it (Ma et al. 2020).",
    avoid_when="It would stand alone: it underfits, for ruling out one wrong class already pays.",
    aliases=("nfl", "normalised_focal"),
    paper=MA,
)  # fmt: skip
def normalized_focal(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    gamma: Annotated[float, NonNegative, "how fast easy rows fade; 0 is normalised cross-entropy"] = 0.5,
) -> PerRow:
    """The true label's share in the focal losses of all labels."""
    return normalised_focal(logits, target, gamma)


@normalized_focal.definition
def _(x, y, m, *, gamma):
    return defined(x, y, m, gamma)


@normalized_focal.slope
def _(logits: Tensor, target: Tensor, *, gamma: float) -> Tensor:
    log_p = torch.log_softmax(logits, -1)
    return through_softmax(pulled(log_p, soften(target, log_p), gamma), log_p.exp())
