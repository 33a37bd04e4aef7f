"""How far along the order: distances between cumulative distributions, and targets that spread over the neighbours."""

from typing import Annotated

import torch
from torch import Tensor
from torch.nn import functional as F

from lossary.declare import (
    Choice,
    Claims,
    ClassLogits,
    ClassTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Positive,
    Task,
    loss,
    share,
)

from ..multilabel.margin import only_nan
from .thresholds import sides


def _sides(p: Tensor) -> tuple[Tensor, Tensor]:
    """P(Y <= k) and P(Y > k) of probabilities known up to rounding, (..., K-1).

    As functions of the odds of the two sums: so each derivative is a product, and not what a difference leaves of it.
    """
    lower, upper = p.cumsum(-1)[..., :-1], p.flip(-1).cumsum(-1).flip(-1)[..., 1:]
    never, always = lower == 0, upper == 0
    odds = torch.log(torch.where(never, 1.0, lower)) - torch.log(torch.where(always, 1.0, upper))
    odds = torch.where(never, -torch.inf, torch.where(always, torch.inf, odds))
    # By the logarithm, since torch takes the slope of a sigmoid from 1 - sigmoid, which is 0 where that rounds to 1.
    return F.logsigmoid(odds).exp(), F.logsigmoid(-odds).exp()


def _terms(x, y, m):
    """What a difference of two cumulative probabilities is rounded to; of a single class it is no difference."""
    p = m.softmax(x)
    lost = [m.sum(y[: k + 1]) != 0 and m.sum(y[k + 1 :]) != 0 for k in range(len(x) - 1)]
    gaps = [m.sum(p[: k + 1]) - m.sum(y[: k + 1]) for k in range(len(x) - 1)]
    return m.sum([2 * abs(gap) * int(each) for gap, each in zip(gaps, lost, strict=True)])


@loss(
    title="Squared earth mover's distance",
    task=Task.ORDINAL,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="class probabilities are softmax(logits); the most probable class, or the median of them",
    soft="distribution",
    elicits=Elicits.PROBABILITY,
    constant="the logarithms of the class shares",
    claims=Claims(proper=True, lower=0.0, smooth=True),
    cancels=_terms,
    symbolic=False,
    formula=r"\sum_k g_k^2 \text{ with } g_k = \sum_{j \le k} (p_j - y_j) \text{ and } p = "
            r"\operatorname{softmax}(x)",
    derivative=r"p_i \left(s_i - \sum_j p_j s_j\right) \text{ with } s_j = 2 \sum_{k \ge j} g_k",
    example=Example(((0.0, 0.0, 0.0), 0), 0.5555555555555556, "(1/3 - 1)² + (2/3 - 1)² + 0 = 4/9 + 1/9"),
    use_when="Classes are ordered, a miss costs the more the further it is, and probabilities are wanted too.",
    avoid_when="Rows are few: its gradient vanishes where the network is sure and wrong, and on 60 rows cross-entropy "
    "had the smaller error in rank (docs/evidence.md).",
    aliases=("ranked_probability_score", "rps", "squared_emd"),
    elsewhere={"NIMA (Talebi and Milanfar, 2018), squared": "a factor of the shape: the number of classes"},
    paper=Paper("Hou, Yu and Samaras", 2016, "Squared Earth Mover's Distance-based Loss for Training Deep Neural "
                "Networks", arxiv="1611.05916"),
)  # fmt: skip
def emd2(logits: ClassLogits, target: ClassTarget) -> PerRow:
    """The squared distance between the cumulative distributions of prediction and target."""
    lower_p, upper_p = _sides(logits.exp())
    upper_q, lower_q = sides(target, lower_p)
    # The same difference from the end at which there is less to lose: exact where the target is one class.
    found = torch.where(lower_q <= upper_q, lower_p - lower_q, upper_q - upper_p).square().sum(-1)
    # Each end leaves one class out; a NaN there counts all the same.
    return found + only_nan(target) if target.is_floating_point() else found


@emd2.definition
def _(x, y, m):
    p = m.softmax(x)
    return m.sum([(m.sum(p[: k + 1]) - m.sum(y[: k + 1])) ** 2 for k in range(len(x) - 1)])


@loss(
    title="Soft ordinal loss",
    task=Task.ORDINAL,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="the most probable class of softmax(logits)",
    soft="mixture",
    elicits=Elicits.OWN,
    constant="the logarithms of the mean of the spread targets",
    claims=Claims(convex=True, smooth=True),
    symbolic=False,
    formula=r"-\sum_j s_j \log p_j \text{ with } s_j = \sum_k y_k \operatorname{softmax}_j(-\text{steepness} "
            r"\cdot d_{kj}), d_{kj} = |k - j| \text{ or its square, and } p = \operatorname{softmax}(x)",
    derivative="p_i - s_i",
    example=Example(((0.0, 0.0), 0), 0.6931471805599453, "both logits alike: -log 1/2, however the target is spread"),
    use_when="Classes are ordered and neighbours are easily confused, as ages or degrees of a disease are.",
    avoid_when="Probabilities of the classes are wanted: the best prediction is the spread target, not the share.",
    aliases=("sord", "soft_label_ordinal"),
    paper=Paper("Díaz and Marathe", 2019, "Soft Labels for Ordinal Regression", equation="1",
                doi="10.1109/CVPR.2019.00487"),
)  # fmt: skip
def soft_ordinal(
    logits: ClassLogits,
    target: ClassTarget,
    *,
    steepness: Annotated[float, Positive, "how fast the target fades with the distance from its class"] = 1.0,
    distance: Annotated[str, Choice(("absolute", "squared")), "how ranks are compared"] = "absolute",
) -> PerRow:
    """Cross-entropy against a target that fades with the distance in rank from its class."""
    k = torch.arange(logits.shape[-1], dtype=logits.dtype, device=logits.device)
    if target.is_floating_point():
        spread = target @ torch.softmax(-steepness * _apart(k.unsqueeze(-1) - k, distance), -1)
    else:
        spread = torch.softmax(-steepness * _apart(target.unsqueeze(-1) - k, distance), -1)
    return share(spread, -logits).sum(-1)


def _apart(gap: Tensor, distance: str) -> Tensor:
    return gap.abs() if distance == "absolute" else gap.square()


@soft_ordinal.definition
def _(x, y, m, *, steepness, distance):
    total = m.log(m.sum([m.exp(v) for v in x]))

    def spread(label):
        power = 1 if distance == "absolute" else 2
        return m.softmax([-steepness * abs(label - k) ** power for k in range(len(x))])

    rows = [(q, spread(label)) for label, q in enumerate(y) if q != 0]
    return m.sum([q * s * (total - v) for q, row in rows for s, v in zip(row, x, strict=True)])


@soft_ordinal.slope
def _(logits: Tensor, target: Tensor, *, steepness: float, distance: str) -> Tensor:
    k = torch.arange(logits.shape[-1], dtype=logits.dtype, device=logits.device)
    rows = torch.softmax(-steepness * _apart(k.unsqueeze(-1) - k, distance), -1)
    spread = target @ rows if target.is_floating_point() else rows[target]
    return torch.softmax(logits, -1) - spread
