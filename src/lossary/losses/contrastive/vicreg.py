"""VICReg: views that agree, features that vary, and features that do not repeat each other."""

from typing import Annotated

import torch

from lossary.declare import (
    Claims,
    Elicits,
    Embedding,
    Example,
    Keep,
    Link,
    NonNegative,
    Paper,
    PerAnchor,
    Positive,
    Task,
    loss,
)

from ..metric.partners import EXEMPT
from .statistics import around, centred, covariances, covered


def _deviations(columns, m, eps):
    """The deviation of each feature, and n times the covariances of all of them."""
    fewer = max(len(columns[0]) - 1, 1)
    table = covariances(columns, columns, m)
    return [m.sqrt(table[j][j] / fewer + eps) for j in range(len(columns))], table, fewer


def _terms(e, m, gamma, eps):
    """Of plain vectors, how much the deviations lack, and the mean of the squared covariances."""
    deviations, table, fewer = _deviations(around(e, m), m, eps)
    count = len(table)
    lack = m.sum([m.max(gamma - each, 0) for each in deviations])
    # Off the diagonal each stands twice.
    squares = m.sum([2 * table[j][k] ** 2 for j in range(count) for k in range(j)])
    return lack / count, squares / fewer**2 / count


def _term_sizes(e, m, gamma, eps):
    """What rounding counts in, for both."""
    columns = around(e, m)
    deviations, _, fewer = _deviations(columns, m, eps)
    sizes = []
    for j, p in enumerate(columns):
        for k, q in enumerate(columns):
            if j != k:
                most = m.sum([abs(v * w) for v, w in zip(p, q, strict=True)])
                most += m.sum([abs(v) for v in p]) * m.sum([abs(w) for w in q]) / len(p)
                sizes.append((most / fewer) ** 2)
    weak = m.sum([gamma + each if each < gamma else 0 for each in deviations])
    return weak / len(columns), m.sum(sizes) / len(columns)


def _sizes(a, b, i, m, *, invariance, variance, covariance, gamma, eps):
    apart = m.sum([(v - w) ** 2 for v, w in zip(a[i], b[i], strict=True)]) / len(a[i])
    one, two = (_term_sizes(e, m, gamma, eps) for e in (a, b))
    return invariance * apart + variance * (one[0] + two[0]) + covariance * (one[1] + two[1])


def _of_one(gamma):
    return 1.0 if gamma == 1 else "no factor: its gamma is 1"


@loss(
    title="VICReg",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the encoder's output before the expander",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="every constant costs 2·variance·(gamma - √eps)",
    claims=Claims(),
    cancels=_sizes,
    symbolic=False,
    formula=r"\frac{\lambda}{D} |z_i - z'_i|^2 + \mu (v(Z) + v(Z')) + \nu (c(Z) + c(Z')) \text{ with } v = "
            r"\frac{1}{D} \sum_j \left[\gamma - \sqrt{C_{jj} + \epsilon}\right]_+, c = \frac{1}{D} \sum_j "
            r"\sum_{k \ne j} C_{jk}^2 \text{ and } C \text{ the covariance over the batch}",
    derivative=r"\frac{2\lambda}{D} (z_i - z'_i) + \frac{4\nu}{D (n - 1)} \sum_{k \ne j} C_{jk} (z_{ik} - \bar{z}_k) - "
               r"\frac{\mu}{D (n - 1)} \frac{z_{ij} - \bar{z}_j}{\sqrt{C_{jj} + \epsilon}} \text{ for feature } j, "
               r"\text{ the last where } \sqrt{C_{jj} + \epsilon} < \gamma",
    example=Example(
        (((1.0, 0.0), (-1.0, 0.0)), ((1.0, 2.0), (-1.0, 2.0)), 0), 8.0,
        "(0 + 4)/2 = 2 between the views; deviations √(2 + 0.25) = 1.5 and √0.25 = 0.5, short of 2 by 1 on average in "
        "both: 2 + 3·(1 + 1) + 0",
        {"invariance": 1.0, "variance": 3.0, "covariance": 1.0, "gamma": 2.0, "eps": 0.25},
    ),
    use_when="Views may come from different networks: each is kept from collapse by itself, without negatives.",
    avoid_when="Batches are small: covariances over a few samples are mostly noise.",
    aliases=("vicreg_loss", "variance_invariance_covariance"),
    elsewhere={
        "vicreg.main_vicreg.VICReg": "no factor: the authors' network; it halves the term of the variance",
        "solo.losses.vicreg.vicreg_loss_func": lambda gamma, eps: (
            1.0 if gamma == 1 and eps == 1e-4 else "no factor: its gamma is 1 and its eps 1e-4"
        ),
        "lightly.loss.VICRegLoss, its mu_param twice the variance": _of_one,
        "pytorch_metric_learning.losses.VICRegLoss, its variance_mu twice the variance": _of_one,
    },
    exempt=EXEMPT,
    paper=Paper("Bardes, Ponce and LeCun", 2022,
                "VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised Learning", equation="6",
                arxiv="2105.04906"),
)  # fmt: skip
def vicreg(
    one: Embedding,
    other: Embedding,
    *,
    invariance: Annotated[
        float, NonNegative, "price of the views' squared distance; lambda in the paper"
    ] = 25.0,
    variance: Annotated[float, NonNegative, "price of features that vary too little; mu in the paper"] = 25.0,
    covariance: Annotated[float, NonNegative, "price of features that repeat others; nu in the paper"] = 1.0,
    gamma: Annotated[float, Positive, "how much a feature should deviate from its mean"] = 1.0,
    eps: Annotated[float, Positive, "added to a variance, so that its root has a slope at 0"] = 1e-4,
    keep: Keep = None,
) -> PerAnchor:
    """A sample's squared distance between its views, and for all samples alike what their features lack and repeat.

    Shapes: both (N, D), row i of one and of the other the views of a sample; per unit (N,), whose mean is the
    paper's loss. As in its pseudo-code and unlike its equation 5, the distance is the mean over features and
    not the sum. The authors' program halves the term of the variance as well: its 25 are 12.5 here. Deviations and
    covariances divide by n - 1; of a single sample they are 0.
    """
    there = covered(one, keep)
    # A term without a price is left out, since it may be infinite.
    value = 0.0 * (one[..., :1] + other[..., :1]).sum(-1)
    if len(one) == 0:
        return value, there, None
    if invariance:
        value = value + invariance * (one - other).square().mean(-1)
    fewer = (there.sum() - 1).clamp(min=1)
    for rows in (centred(one, there), centred(other, there)):
        if variance:
            deviation = (rows.square().sum(-1) / fewer + eps).sqrt()
            value = value + variance * torch.relu(gamma - deviation).mean(-1)
        if covariance:
            table = rows @ rows.mT / fewer
            eye = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
            value = value + covariance * torch.where(eye, 0.0, table).square().sum((-2, -1)) / len(rows)
    return value, torch.ones_like(there), None


@vicreg.definition
def _(a, b, i, m, *, invariance, variance, covariance, gamma, eps):
    apart = m.sum([(v - w) ** 2 for v, w in zip(a[i], b[i], strict=True)]) / len(a[i])
    one, two = (_terms(e, m, gamma, eps) for e in (a, b))
    return invariance * apart + variance * (one[0] + two[0]) + covariance * (one[1] + two[1])
