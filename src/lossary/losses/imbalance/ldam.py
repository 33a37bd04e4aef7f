"""A margin for every class, wider the rarer it is."""

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
    Positive,
    Relative,
    Task,
    like,
    loss,
    share,
    softplus,
)

from ..multiclass.softmax import soften


def _margins(class_counts: Tensor | Sequence[float], max_margin: float, beside: Tensor) -> Tensor:
    counts = like(class_counts, beside)
    return max_margin * (counts.amin() / counts) ** 0.25


def _rivals(scores: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """For every class the scaled score, and the log of the sum of all others' exponentials; both less the winner's.

    The winner's rivals are added up without it; those of a loser contain the winner, whose 1 is put back into the
    sum with its derivative.
    """
    winner = scores.detach().argmax(-1, keepdim=True)
    gap = scale * (scores - scores.gather(-1, winner).detach())
    wins = torch.zeros_like(gap, dtype=torch.bool).scatter(-1, winner, True)
    far = torch.where(wins, -torch.inf, gap)
    second = far.detach().amax(-1, keepdim=True)
    second = torch.where(second.isinf(), 0.0, second)
    left = torch.exp(far - second).sum(-1, keepdim=True)
    alone = left == 0  # no rival at all, or none within reach of the dtype
    losers = torch.where(alone, -torch.inf, second + torch.log(torch.where(alone, 1.0, left)))
    raised = torch.where(wins, 0.0, torch.exp(gap))
    others = raised.sum(-1, keepdim=True) - raised
    return gap, torch.where(wins, losers, torch.log1p(others + torch.expm1(gap.gather(-1, winner))))


def _parts(x, y, m, *, class_counts, max_margin, scale):
    """Scaled gaps and margins, which set each other off, and what four roundings leave undecided of them, in
    thirty-seconds (CONTRACT 10 counts in them)."""
    found = []
    for i, q in enumerate(y):
        if q != 0:
            margin = _margin(m, class_counts, i, max_margin)
            p = m.softmax([scale * (v - x[i] + (0 if j == i else margin)) for j, v in enumerate(x)])
            terms = [
                s * scale * (m.abs(v - x[i]) + margin)
                for j, (s, v) in enumerate(zip(p, x, strict=True))
                if j != i
            ]
            found.append(q * m.sum(terms))
    return m.sum(found) / 16


def _margin(m, class_counts, number, max_margin):
    return max_margin * m.exp((m.log(m.min(class_counts)) - m.log(class_counts[number])) / 4)


@loss(
    title="LDAM loss",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one score per class, in the paper the cosine between the features and the class's weights",
    decode="the class is the argmax of the scores, without margins",
    soft="mixture",
    elicits=Elicits.ORDER,
    constant="no closed form: every class wants to lead by its margin at least",
    claims=Claims(
        convex=True,
        proper=lambda max_margin, scale: max_margin == 0.0 and scale == 1.0,
        lower=0.0,
        lipschitz=lambda scale: 2.0**0.5 * scale,
        calibrated=lambda max_margin: max_margin == 0.0,
        smooth=True,
    ),
    cancels=_parts,
    symbolic=False,
    formula=r"\sum_j y_j \log(1 + \sum_{k \ne j} e^{s (x_k - x_j + d_j)}) \text{ with } "
    r"d_j = \text{max margin} \cdot (\min_k n_k / n_j)^{1/4} \text{ and } s \text{ the scale}",
    derivative=r"s \sum_j y_j (q_{ji} - [i = j]) \text{ with } q_j = \operatorname{softmax}(s x) \text{ once } d_j "
    r"\text{ is taken from } x_j",
    example=Example(
        ((0.0, 1.0), 0),
        1.501929081345373,
        "margins of 0.5·(1/16)^(1/4) = 0.25 and 0.5: log(1 + exp(1 - 0 + 0.25)) = 1.50193",
        {"class_counts": [16.0, 1.0], "max_margin": 0.5, "scale": 1.0},
    ),
    relatives=(
        Relative("cross_entropy", "without margins", ours={"max_margin": 0.0, "scale": 1.0}),
    ),
    use_when="Scores are cosines (a normalised last layer) and rare classes should be told apart more firmly.",
    avoid_when="Scores are free to grow, since they can buy any margin: a plain linear model did worse by it than by "
    "cross-entropy (docs/evidence.md). Nor is it consistent for the error averaged over classes (Menon et al. 2021).",
    aliases=("label_distribution_aware_margin",),
    paper=Paper("Cao, Wei, Gaidon, Arechiga and Ma", 2019,
                "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss", arxiv="1906.07413"),
)  # fmt: skip
def ldam(
    scores: ClassScores,
    target: ClassTarget,
    *,
    class_counts: Annotated[Tensor | Sequence[float], ClassCounts, "training samples of each class"],
    max_margin: Annotated[
        float, NonNegative, "margin of the rarest class; a class's falls as count^(-1/4)"
    ] = 0.5,
    scale: Annotated[float, Positive, "what scores and margins are multiplied by before the softmax"] = 30.0,
) -> PerRow:
    """Cross-entropy of scaled scores in which the true class must lead by a margin, wider the rarer it is."""
    margins = _margins(class_counts, max_margin, scores)
    gap, rivals = _rivals(scores, scale)
    cost = softplus(rivals - gap + scale * margins)
    if target.is_floating_point():
        return share(target, cost).sum(-1)
    return cost.gather(-1, target.unsqueeze(-1)).squeeze(-1)


@ldam.definition
def _(x, y, m, *, class_counts, max_margin, scale):
    found = []
    for i, q in enumerate(y):
        if q != 0:
            own = scale * (x[i] - _margin(m, class_counts, i, max_margin))
            others = m.sum([m.exp(scale * v) for j, v in enumerate(x) if j != i])
            found.append(q * (m.log(m.exp(own) + others) - own))
    return m.sum(found)


@ldam.slope
def _(
    scores: Tensor,
    target: Tensor,
    *,
    class_counts: Tensor | Sequence[float],
    max_margin: float,
    scale: float,
) -> Tensor:
    margins = _margins(class_counts, max_margin, scores)
    soft = soften(target, scores)
    gap, rivals = _rivals(scores, scale)
    behind = rivals - gap + scale * margins
    missing = torch.sigmoid(behind)
    # A rival j of class i has the part exp(gap_j - rivals_i) of what is missing, by one exponential for all pairs.
    parts = soft * torch.exp(scale * margins - gap - softplus(behind))
    return scale * (torch.exp(gap) * (parts.sum(-1, keepdim=True) - parts) - soft * missing)
