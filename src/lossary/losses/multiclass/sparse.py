"""Sparsemax and entmax: probabilities that can be exactly 0, and the losses they minimise.

Both are one family (Blondel, Martins and Niculae 2020): the Fenchel-Young loss of Tsallis' entropy of order alpha, 2
for sparsemax and 3/2 for entmax15; cross-entropy is its limit at order 1.
"""

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassScores,
    ClassTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Task,
    loss,
    over_classes,
)

from .simplex import entmax15_probabilities, heights_above, sparsemax_probabilities
from .softmax import soften


def _others(terms: Tensor, wins: Tensor) -> Tensor:
    """Σ of ``terms`` but one's own, for every class: nothing is taken from a sum that it is most of."""
    top = torch.where(wins, terms, 0.0).sum(-1, keepdim=True)
    return torch.where(wins, 0.0, terms).sum(-1, keepdim=True) + torch.where(wins, 0.0, top - terms)


def fenchel_young(scores: Tensor, target: Tensor, alpha: float) -> Tensor:
    """E[max_p (p·scores + H(p)) - scores_Y] with H Tsallis' entropy of order alpha, 2 or 3/2.

    With u the heights, p = u^(1/(alpha - 1)) and r = 1 - p_Y the sum of the others' p, the difference comes out as
    (Σ_others u·p + w·r²) / alpha, plus what Y lies below the threshold: no term is negative. w·r² is what
    u_Y·p_Y - alpha·(u_Y - 1/alpha)/(alpha - 1) leaves: w = 1 at order 2, (2 + u_Y)/(1 + u_Y)² at order 3/2.
    """
    heights, above = heights_above(scores, alpha)
    # A height of 0 may round to either side of it: cut there, the derivative would be cut as well.
    u = torch.where(above, heights, 0.0)
    p, w = (u, 1.0) if alpha == 2.0 else (u.square(), (2.0 + u) / (1.0 + u).square())
    wins = torch.zeros_like(above).scatter(-1, scores.detach().argmax(-1, keepdim=True), True)
    missed = torch.where(above, 0.0, -heights) / (alpha - 1.0)
    costs = (_others((u * p).abs(), wins) + w * _others(p, wins).square()) / alpha + missed
    return over_classes(lambda cost: cost, costs, target)


def _probabilities(x, m, alpha):
    """p of the definition: the support is the most of the sorted scores that its own threshold lies below."""
    z = [(alpha - 1) * v for v in x]
    ordered = m.sort(z)[::-1]
    for count in range(len(x), 0, -1):
        mean = m.sum(ordered[:count]) / count
        squares = m.sum([(v - mean) ** 2 for v in ordered[:count]])
        if alpha == 2:
            threshold = mean - 1 / m.sum([1] * count)
        elif squares < 1:
            threshold = mean - m.sqrt((1 - squares) / count)
        else:
            continue
        if ordered[count - 1] > threshold:
            break
    heights = [v - threshold if v > threshold else 0 for v in z]
    return heights if alpha == 2 else [h**2 for h in heights]


def _three_halves(m):
    """3/2 among the judge's numbers, whose digits a float's 4/3 would end."""
    return m.sum([3]) / 2


def _definition(x, y, m, alpha):
    p = _probabilities(x, m, alpha)
    power = 1 / (alpha * (alpha - 1))
    entropy = m.sum([q - q**alpha for q in p if q != 0]) * power
    return m.sum([w * (m.sum([q * (u - v) for q, u in zip(p, x, strict=True) if q != 0]) + entropy)
                  for v, w in zip(x, y, strict=True) if w != 0])  # fmt: skip


def _sums(x, y, m, alpha):
    """Σ p·|differences of scores|: what rounding is counted in, since 1 less such a difference may be next to 0."""
    p = _probabilities(x, m, alpha)
    return m.sum([w * m.sum([q * m.abs(u - v) for q, u in zip(p, x, strict=True) if q != 0])
                  for v, w in zip(x, y, strict=True) if w != 0])  # fmt: skip


_CLAIMS = Claims(convex=True, proper=True, lower=0.0, lipschitz=2.0**0.5, calibrated=True, smooth=True)


@loss(
    title="Sparsemax loss",
    task=Task.MULTICLASS,
    link=Link.SPARSEMAX,
    outputs="one score per class",
    probabilities=sparsemax_probabilities,
    raw=lambda probabilities: probabilities,
    decode="class probabilities are sparsemax(scores), many of them 0 (sparsemax_probabilities); the class is argmax",
    soft="mixture",
    elicits=Elicits.PROBABILITY,
    constant="the classes' shares themselves",
    claims=_CLAIMS,
    cancels=lambda x, y, m: _sums(x, y, m, 2),
    example=Example(((0.5, 0.0), 0), 0.0625, "p = (3/4, 1/4), and the loss is (1/4)²·(1 + 1)/2 = 1/16"),
    use_when="Most classes are out of the question for each row, and their probability is to be exactly 0.",
    avoid_when="Log-likelihoods are wanted, or rows start far from the truth: a class at 0 says not how far off it is.",
    aliases=("sparsemax_loss", "multiclass_sparsemax"),
    elsewhere={"optax.losses.multiclass_sparsemax_loss": 1.0, "entmax.sparsemax_loss": 1.0},
    paper=Paper("Martins and Astudillo", 2016,
                "From Softmax to Sparsemax: A Sparse Model of Attention and Multi-Label Classification",
                arxiv="1602.02068"),
    symbolic=False,
    formula=r"\sum_k y_k \left(p \cdot x + \frac{1 - p \cdot p}{2} - x_k\right) \text{ with } p = "
            r"\operatorname{sparsemax}(x) \text{ the point of the simplex nearest to } x",
    derivative="p_i - y_i",
)  # fmt: skip
def sparsemax(scores: ClassScores, target: ClassTarget) -> PerRow:
    """What the true class lacks under probabilities that are the nearest point of the simplex, hence often 0."""
    return fenchel_young(scores, target, 2.0)


@sparsemax.definition
def _(x, y, m):
    return _definition(x, y, m, 2)


@sparsemax.slope
def _(scores: Tensor, target: Tensor) -> Tensor:
    soft = soften(target, scores)
    return sparsemax_probabilities(scores) * soft.sum(-1, keepdim=True) - soft


@loss(
    title="Entmax loss of order 1.5",
    task=Task.MULTICLASS,
    link=Link.ENTMAX,
    outputs="one score per class",
    probabilities=entmax15_probabilities,
    raw=lambda probabilities: 2.0 * probabilities.sqrt(),
    decode="class probabilities are entmax(scores), some of them 0 (entmax15_probabilities); the class is argmax",
    soft="mixture",
    elicits=Elicits.PROBABILITY,
    constant="twice the square roots of the classes' shares",
    claims=_CLAIMS,
    cancels=lambda x, y, m: _sums(x, y, m, _three_halves(m)),
    example=Example(((0.0, 0.0), 0), 0.3905242917512699, "u = √1/2: (u³ + (1 - u)²·(2 + u))·2/3 = 0.39052"),
    use_when="Classes are many, as words are, and most are to get probability 0 with a slope that fades in smoothly.",
    avoid_when="Log-likelihoods are wanted: a class at probability 0 has none.",
    aliases=("entmax15_loss", "entmax_1_5"),
    elsewhere={"entmax.entmax15_loss": 1.0},
    paper=Paper("Peters, Niculae and Martins", 2019, "Sparse Sequence-to-Sequence Models", arxiv="1905.05702"),
    symbolic=False,
    formula=r"\sum_k y_k \left(p \cdot x + \frac{4}{3} \sum_j (p_j - p_j^{1.5}) - x_k\right) \text{ with } p_j = "
            r"\max(0, x_j / 2 - \tau)^2 \text{ and } \tau \text{ such that they add up to 1}",
    derivative="p_i - y_i",
)  # fmt: skip
def entmax15(scores: ClassScores, target: ClassTarget) -> PerRow:
    """What the true class lacks under probabilities half way between softmax's and sparsemax's, some of them 0."""
    return fenchel_young(scores, target, 1.5)


@entmax15.definition
def _(x, y, m):
    return _definition(x, y, m, _three_halves(m))


@entmax15.slope
def _(scores: Tensor, target: Tensor) -> Tensor:
    soft = soften(target, scores)
    return entmax15_probabilities(scores) * soft.sum(-1, keepdim=True) - soft
