"""Cross-entropy that spares rare classes as rivals, and no rival that is winning."""

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
    share,
)

from ..multiclass.softmax import soften


def _handicapped(scores: Tensor, own: Tensor, top: Tensor, mitigated: Tensor, compensation: float) -> Tensor:
    """Log of p_j·S_ij·p_i^compensation for every rival j: what the paper's sum adds up, without its quotient.

    As max(x_j, x_i) it needs no difference to the true class, which would lose what tells two rivals apart; and it is
    taken of the scores themselves, since those less the winner's no longer tell which of the two is ahead.
    """
    row = scores - top + mitigated
    return row if compensation == 0.0 else row + compensation * (torch.maximum(scores, own) - top)


def _logs(class_counts: Tensor | Sequence[float], beside: Tensor) -> Tensor:
    counts = like(class_counts, beside)
    return torch.log(counts / counts.amax())


def _mitigation(m, class_counts, i, j, power):
    return m.exp(power * m.min(m.log(class_counts[j]) - m.log(class_counts[i]), 0))


def _parts(x, y, m, *, class_counts, mitigation, compensation):
    """The parts of the gaps, scores and logs of both factors, which set each other off, and what four roundings leave
    undecided of them, in thirty-seconds (CONTRACT 10 counts in them)."""
    p, top, found = m.softmax(x), m.max(x), []
    for i, q in enumerate(y):
        if q != 0 and p[i] != 0:
            each = [
                v * m.max(v, p[i]) ** compensation * _mitigation(m, class_counts, i, j, mitigation)
                for j, v in enumerate(p)
            ]
            total = m.sum(each)
            parts = [
                e
                / total
                * ((1 + compensation) * (top - w) - m.log(_mitigation(m, class_counts, i, j, mitigation)))
                for j, (e, w) in enumerate(zip(each, x, strict=True))
                if e != 0 and j != i
            ]
            found.append(q * (m.sum(parts) + (1 - each[i] / total) * (1 + compensation) * (top - x[i])))
    return m.sum(found) / 16


def _is_cross_entropy(mitigation: float, compensation: float) -> bool:
    return mitigation == 0.0 and compensation == 0.0


@loss(
    title="Seesaw loss",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one score per class",
    decode="the class is the argmax of the scores; their softmax is no probability unless both factors are 0",
    soft="mixture",
    elicits=Elicits.ORDER,
    constant="no closed form: above the logarithms of the classes' shares for rare classes",
    claims=Claims(
        convex=True,
        proper=_is_cross_entropy,
        lower=0.0,
        lipschitz=lambda compensation: 2.0**0.5 * (1.0 + compensation),
        calibrated=_is_cross_entropy,
        smooth=lambda compensation: compensation == 0.0,
    ),
    cancels=_parts,
    symbolic=False,
    formula=r"\sum_j y_j \log(1 + \sum_{k \ne j} S_{jk} e^{x_k - x_j}) \text{ with } "
    r"S_{jk} = \min(1, n_k / n_j)^a \max(1, p_k / p_j)^b, p = \operatorname{softmax}(x), "
    r"a \text{ the mitigation and } b \text{ the compensation}",
    derivative=r"\sum_j (y_j g_{ji} - y_i g_{ij}) \text{ with } g_{jk} = S_{jk} e^{x_k - x_j} (1 + b [x_k > x_j]) / "
    r"(1 + \sum_{l \ne j} S_{jl} e^{x_l - x_j})",
    example=Example(
        ((0.0, 0.0), 0),
        0.22314355131420976,
        "the rival has 1/4 of the samples: log(1 + 1/4·exp(0)) = 0.22314",
        {"class_counts": [4.0, 1.0], "mitigation": 1.0, "compensation": 2.0},
    ),
    relatives=(
        Relative("cross_entropy", "both factors 0", ours={"mitigation": 0.0, "compensation": 0.0}),
    ),
    use_when="Hundreds of classes from frequent to rare compete in one softmax, as in long-tailed instance "
    "segmentation.",
    avoid_when="Probabilities are wanted, or classes are of one size: what is left then presses on mistakes alone.",
    aliases=("seesaw_ce",),
    elsewhere={
        "mmdet.models.losses.SeesawLoss": "no factor: it counts samples as they come, holds the factors fixed in the "
        "backward pass and bounds the divisor of the compensation from below",
    },
    paper=Paper("Wang et al.", 2021, "Seesaw Loss for Long-Tailed Instance Segmentation", arxiv="2008.10032"),
)  # fmt: skip
def seesaw(
    scores: ClassScores,
    target: ClassTarget,
    *,
    class_counts: Annotated[
        Tensor | Sequence[float], ClassCounts, "training samples of each class, seen so far"
    ],
    mitigation: Annotated[float, NonNegative, "power of the ratio of counts that spares rarer rivals"] = 0.8,
    compensation: Annotated[
        float, NonNegative, "power of the ratio of probabilities that presses on winners"
    ] = 2.0,
) -> PerRow:
    """Cross-entropy in which a rival rarer than the true class is pushed down less, and one that is winning more.

    The gradient is that of the value: it flows through the compensation too, where the paper holds its ratio fixed;
    with compensation 0 the two agree. The paper counts classes as their samples come; give the counts so far. A soft
    target takes memory for every pair of classes.
    """
    logs, top = _logs(class_counts, scores), scores.detach().amax(-1, keepdim=True)
    if target.is_floating_point():
        own, top = scores.unsqueeze(-1), top.unsqueeze(-1)
        mitigated = mitigation * torch.clamp(logs - logs.unsqueeze(-1), max=0.0)
        row = log_softmax(_handicapped(scores.unsqueeze(-2), own, top, mitigated, compensation), -1)
        return share(target, -row.diagonal(dim1=-2, dim2=-1)).sum(-1)
    index = target.unsqueeze(-1)
    mitigated = mitigation * torch.clamp(logs - logs[index], max=0.0)
    row = log_softmax(_handicapped(scores, scores.gather(-1, index), top, mitigated, compensation), -1)
    return -row.gather(-1, index).squeeze(-1)


@seesaw.definition
def _(x, y, m, *, class_counts, mitigation, compensation):
    p, found = m.softmax(x), []
    for i, q in enumerate(y):
        if q != 0:
            # The paper's sum of S_ij·p_j with both sides times p_i^compensation, so that p_i may be 0.
            total = m.sum(
                [
                    v * m.max(v, p[i]) ** compensation * _mitigation(m, class_counts, i, j, mitigation)
                    for j, v in enumerate(p)
                ]
            )
            found.append(q * (m.log(total) - (1 + compensation) * m.log(p[i])))
    return m.sum(found)


@seesaw.slope
def _(
    scores: Tensor,
    target: Tensor,
    *,
    class_counts: Tensor | Sequence[float],
    mitigation: float,
    compensation: float,
) -> Tensor:
    logs = _logs(class_counts, scores)
    soft = soften(target, scores)
    own = scores.unsqueeze(-1)
    gap = scores.unsqueeze(-2) - own
    mitigated = mitigation * torch.clamp(logs - logs.unsqueeze(-1), max=0.0)
    top = scores.amax(-1, keepdim=True).unsqueeze(-1)
    shares = torch.softmax(_handicapped(scores.unsqueeze(-2), own, top, mitigated, compensation), -1)
    # Every true class i pushes its rivals j down, those ahead of it by 1 + compensation (half of that at a tie).
    push = soft.unsqueeze(-1) * shares * (1.0 + compensation * torch.heaviside(gap, gap.new_tensor(0.5)))
    push = push - torch.diag_embed(push.diagonal(dim1=-2, dim2=-1))
    return push.sum(-2) - push.sum(-1)
