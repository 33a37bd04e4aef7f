"""SwAV: each view predicts the prototypes that the other is assigned to, with all prototypes used alike."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    Elicits,
    Example,
    Keep,
    Link,
    Paper,
    PerAnchor,
    Positive,
    Task,
    Whole,
    log_softmax,
    loss,
)

from ..metric.cosines import ToPrototypes
from .statistics import covered

STILL = "the assignments of the other view are held constant when the loss is differentiated"


def _assigned(scores, m, epsilon, iterations):
    """Shares of every sample in each prototype, by Sinkhorn and Knopp's iteration over plain numbers."""
    shares = [[m.exp(m.still(v) / epsilon) for v in row] for row in scores]
    for _ in range(int(iterations)):
        totals = [m.sum(column) for column in zip(*shares, strict=True)]
        shares = [[v / total for v, total in zip(row, totals, strict=True)] for row in shares]
        shares = [[v / m.sum(row) for v in row] for row in shares]
    return shares


def _logs(row, m, temperature):
    total = m.log(m.sum([m.exp(v / temperature) for v in row]))
    return [v / temperature - total for v in row]


def _sizes(a, b, i, m, *, temperature, epsilon, iterations):
    """A score is rounded before it is divided, by the temperature and, for a share, by epsilon."""
    found = []
    for one, other in ((a, b), (b, a)):
        told, said = _assigned(other, m, epsilon, iterations)[i], _logs(one[i], m, temperature)
        found += [
            q * (m.abs(v) * (1 + 4 * iterations / epsilon) + 4 / temperature)
            for q, v in zip(told, said, strict=True)
        ]
    return m.sum(found) / 2


@loss(
    title="SwAV",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="the cosine with each prototype: F.normalize(features) @ F.normalize(prototypes).T",
    decode="the encoder's output before the projector",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any scores that are the same for all give the logarithm of the number of prototypes or more",
    claims=Claims(lower=0.0),
    cancels=_sizes,
    symbolic=False,
    formula=r"-\frac{1}{2} \sum_k \left(q_{ik}' \log p_{ik} + q_{ik} \log p_{ik}'\right) \text{ with } p = "
    r"\operatorname{softmax}(x/\tau) \text{ of one view, } p' \text{ of the other, and } q, q' \text{ their "
    r"exponentials } e^{x/\epsilon} \text{, scaled in turn so that prototypes weigh alike and each sample weighs 1}",
    derivative=r"\frac{1}{2 \tau} \left(p_{ik} - q_{ik}'\right)",
    example=Example(
        (((1.0, 0.0), (0.0, 1.0)), ((0.5, 0.5), (0.5, 0.5)), 0), 0.753204434039084,
        "the second view is assigned to both alike, 1/2, and predicts log 2 for either: 1/2 (log(1 + e) - 1/2) + "
        "1/2 log 2", {"temperature": 1.0, "epsilon": 1.0, "iterations": 1},
    ),
    use_when="Views come without negatives, and batches are small beside what a contrastive loss needs.",
    avoid_when="A batch has far fewer samples than there are prototypes: using all of them alike then means little.",
    aliases=("swav_loss",),
    exempt={"differentiates_twice": STILL, "gradients_at_kinks_are_subgradients": STILL},
    elsewhere={
        "lightly.loss.SwaVLoss, of two views": 1.0,
    },
    paper=Paper("Caron et al.", 2020, "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments",
                arxiv="2006.09882"),
)  # fmt: skip
def swav(
    one: ToPrototypes,
    other: ToPrototypes,
    *,
    temperature: Annotated[float, Positive, "what scores are divided by where they predict"] = 0.1,
    epsilon: Annotated[
        float, Positive, "what they are divided by where they assign: the greater, the more evenly"
    ] = 0.05,
    iterations: Annotated[int, Whole(1), "how often prototypes, then samples, are scaled"] = 3,
    keep: Keep = None,
) -> PerAnchor:
    """The cross-entropy of each view's prediction by the other's assignment to prototypes, balanced over the batch.

    Shapes: both (N, K), row i of one and of the other the views of a sample, K prototypes; per unit (N,). Of more than
    two views take the mean of this over pairs. Assignments are made of the batch as it is (``gather=`` takes it from
    all ranks), and are held constant.
    """
    there = covered(one, keep)
    if len(one) == 0:
        return one.sum(-1) + other.sum(-1), there, None
    values = torch.zeros_like(one[:, 0])
    for view, second in ((one, other), (other, one)):
        told = assigned(second.detach(), there, epsilon, iterations)
        values = values - 0.5 * (told * log_softmax(view / temperature, -1)).sum(-1)
    return values, there, None


def assigned(scores: Tensor, there: Tensor, epsilon: float, iterations: int) -> Tensor:
    """Shares of every sample in each prototype, which weigh nearly alike over the samples ``there``. (N, K)"""
    logs = scores / epsilon
    for _ in range(int(iterations)):
        used = torch.where(there.unsqueeze(1) | ~there.any(), logs, -torch.inf).logsumexp(0)
        logs = log_softmax(logs - used, -1)
    return logs.exp()


@swav.definition
def _(a, b, i, m, *, temperature, epsilon, iterations):
    found = []
    for one, other in ((a, b), (b, a)):
        told = _assigned(other, m, epsilon, iterations)[i]
        found += [-q * v for q, v in zip(told, _logs(one[i], m, temperature), strict=True)]
    return m.sum(found) / 2
