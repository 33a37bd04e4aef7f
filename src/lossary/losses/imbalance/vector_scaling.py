"""Cross-entropy of scores scaled and shifted by how frequent each class is."""

from collections.abc import Sequence
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassCounts,
    ClassScores,
    ClassTarget,
    Elicits,
    Example,
    Link,
    NonNegative,
    Paper,
    PerRow,
    Relative,
    Task,
    like,
    log_softmax,
    loss,
    over_classes,
)

from ..multiclass.softmax import soften


def _scales(class_counts: Tensor | Sequence[float], gamma: float, beside: Tensor) -> tuple[Tensor, Tensor]:
    """(count / greatest)^gamma, and the logarithm of what it is a power of."""
    counts = like(class_counts, beside)
    ratio = counts / counts.amax()
    return ratio**gamma, torch.log(ratio)


def _steepest(class_counts: Tensor | Sequence[float], gamma: float) -> float:
    """One of the two most frequent classes is true and the other wrongly sure."""
    counts = torch.as_tensor(class_counts, dtype=torch.float64)
    scales = (counts / counts.amax()) ** gamma
    return float(scales.topk(min(2, len(scales))).values.norm())


def _parts(x, y, m, *, class_counts, gamma, tau):
    """The scaled scores and the shifts, whose differences the value is made of."""
    scaled, shifts = _adjusted(x, m, class_counts, gamma, tau)
    p = m.softmax([v + a for v, a in zip(scaled, shifts, strict=True)])
    parts = [m.abs(v) + m.abs(a) for v, a in zip(scaled, shifts, strict=True)]
    found = []
    for i, q in enumerate(y):
        if q != 0:
            rest = [s * part for j, (s, part) in enumerate(zip(p, parts, strict=True)) if j != i]
            found.append(q * (m.sum(rest) + (1 - p[i]) * parts[i]))
    return m.sum(found)


def _adjusted(x, m, class_counts, gamma, tau):
    ratios = [m.log(n) - m.log(m.max(class_counts)) for n in class_counts]
    return [v * m.exp(gamma * r) for v, r in zip(x, ratios, strict=True)], [tau * r for r in ratios]


@loss(
    title="Vector-scaling loss",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one score per class",
    decode="the class is the argmax of the scores, without the adjustments",
    soft="mixture",
    elicits=Elicits.ORDER,
    constant="the logarithms of the classes' shares, less tau times those of their counts, over (count/greatest)^gamma",
    claims=Claims(
        convex=True,
        proper=lambda gamma, tau: gamma == 0.0 and tau == 0.0,
        lower=0.0,
        lipschitz=_steepest,
        calibrated=lambda gamma, tau: gamma == 0.0 and tau == 0.0,
        smooth=True,
    ),
    cancels=_parts,
    symbolic=False,
    formula=r"-\sum_j y_j \log q_j \text{ with } q = \operatorname{softmax}(a x + \tau \log n) \text{ and } "
    r"a_j = (n_j / \max_k n_k)^\gamma",
    derivative=r"a_i (q_i - y_i)",
    example=Example(
        ((0.0, 2.0), 1),
        0.9048324415544481,
        "scores of 0 and 2·sqrt(1/4) = 1, shifts of 0 and log 1/4: log(1 + 4·exp(-1)) = 0.90483",
        {"class_counts": [4.0, 1.0], "gamma": 0.5, "tau": 1.0},
    ),
    relatives=(
        Relative("cross_entropy", "gamma 0 and tau 0", ours={"gamma": 0.0, "tau": 0.0}),
        Relative("logit_adjusted", "gamma 0", ours={"gamma": 0.0}),
    ),
    use_when="A network fits every training row, where shifts and weights no longer move a decision but scales do "
    "(Kini et al. 2021).",
    avoid_when="Probabilities are wanted, or nobody can search two hyper-parameters: the best are not those of logit "
    "adjustment.",
    aliases=("vs", "vs_loss"),
    paper=Paper("Kini, Paraskevas, Oymak and Thrampoulidis", 2021,
                "Label-Imbalanced and Group-Sensitive Classification under Overparameterization",
                arxiv="2103.01550"),
)  # fmt: skip
def vector_scaling(
    scores: ClassScores,
    target: ClassTarget,
    *,
    class_counts: Annotated[Tensor | Sequence[float], ClassCounts, "training samples of each class"],
    gamma: Annotated[
        float, NonNegative, "power of the count that a score is multiplied by; 0 leaves it"
    ] = 0.15,
    tau: Annotated[
        float, NonNegative, "how much of the log count is added to a score; 0 adds nothing"
    ] = 1.25,
) -> PerRow:
    """Cross-entropy after multiplying scores by a power of each class's count and adding a multiple of its log.

    Scores are taken as they are: a number added to all of them matters, since each is multiplied by its own factor.
    With tau 0 these are class-dependent temperatures (CDT).
    """
    scales, logs = _scales(class_counts, gamma, scores)
    return over_classes(lambda own: -own, log_softmax(scores * scales + tau * logs, -1), target)


@vector_scaling.definition
def _(x, y, m, *, class_counts, gamma, tau):
    scaled, shifts = _adjusted(x, m, class_counts, gamma, tau)
    total = m.log(m.sum([m.exp(v + a) for v, a in zip(scaled, shifts, strict=True)]))
    return m.sum([q * (total - v - a) for v, a, q in zip(scaled, shifts, y, strict=True) if q != 0])


@vector_scaling.slope
def _(
    scores: Tensor,
    target: Tensor,
    *,
    class_counts: Tensor | Sequence[float],
    gamma: float,
    tau: float,
) -> Tensor:
    scales, logs = _scales(class_counts, gamma, scores)
    p = torch.softmax(scores * scales + tau * logs, -1)
    soft = soften(target, p)
    return scales * (p * soft.sum(-1, keepdim=True) - soft)
