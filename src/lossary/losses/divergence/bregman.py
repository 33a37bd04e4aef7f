"""Bregman divergences between probabilities, by their generator."""

from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Choice,
    Claims,
    ClassLogits,
    DistributionTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Relative,
    Task,
    loss,
)

from ..multiclass.softmax import through_softmax
from .alpha import divergence
from .apart import difference, paired, undecided


def _itakura_saito(prediction: Tensor, target: Tensor) -> Tensor:
    """Σ t/p - log(t/p) - 1; infinite where one of two probabilities is 0, and 0 where both are."""
    target, prediction = paired(target, prediction)
    gap = target - prediction
    never = gap.isinf()
    gap = torch.where(never, 0.0, gap)
    return torch.where(never, torch.inf, torch.expm1(gap) - gap).sum(-1)


def _pulls(m, generator):
    def pulls(p, q):
        if generator == "square":
            return 2 * (p - q) * p, 2 * (p - q) * q
        if p == 0 or q == 0:
            return p, q
        if generator == "negative_entropy":
            return p - q, q * m.log(q / p)
        return q / p - 1, q / p - 1

    return pulls


@loss(
    title="Bregman divergence",
    task=Task.DIVERGENCE,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="class probabilities are softmax(prediction)",
    soft="distribution",
    elicits=Elicits.PROBABILITY,
    constant="the logarithms of the mean target distribution, whatever the generator; no other divergences have this "
    "(Banerjee, Guo and Wang 2005)",
    claims=Claims(
        convex=lambda generator: generator == "negative_entropy",
        # Itakura's and Saito's is infinite at every one-hot target, so that no expectation tells predictions apart.
        proper=lambda generator: generator != "itakura_saito",
        lower=0.0,
        upper=lambda generator: 2.0 if generator == "square" else None,
        smooth=True,
    ),
    cancels=lambda x, y, m, generator: undecided(x, y, m, _pulls(m, generator)),
    example=Example(((0.0, 0.0), (0.75, 0.25)), 0.2876820724517809,
                    "φ = -log: 3/2 - log(3/2) - 1 + 1/2 - log(1/2) - 1 = -log(3/4) = 0.28768",
                    {"generator": "itakura_saito"}),
    relatives=(
        Relative("brier", "the square generates the Brier score", ours={"generator": "square"}),
        Relative("kl", "negative entropy generates KL(target || prediction)", ours={"generator": "negative_entropy"},
                 theirs={"direction": "forward"}),
    ),
    use_when="Targets are distributions that vary around the one wanted: of all divergences these elicit their mean.",
    avoid_when="The generator is itakura_saito and a target can be 0: it compares ratios and is infinite there.",
    aliases=("bregman_divergence",),
    paper=Paper("Bregman", 1967, "The relaxation method of finding the common point of convex sets and its application "
                "to the solution of problems in convex programming",
                doi="10.1016/0041-5553(67)90040-7"),
)  # fmt: skip
def bregman(
    prediction: ClassLogits,
    target: DistributionTarget,
    *,
    generator: Annotated[
        str,
        Choice(("square", "negative_entropy", "itakura_saito")),
        "the convex φ, summed over classes: p², p·log p or -log p",
    ] = "square",
) -> PerRow:
    """How far a convex function at the target lies above its tangent at the prediction: φ(t) - φ(p) - φ'(p)·(t - p)."""
    if generator == "square":
        return difference(*paired(prediction, target)).square().sum(-1)
    if generator == "negative_entropy":
        return divergence(target, prediction, 1.0)
    return _itakura_saito(prediction, target)


@bregman.definition
def _(x, y, m, *, generator):
    def square(p, t):
        return t**2 - p**2 - 2 * p * (t - p)

    def entropy(p, t):
        return (t * (m.log(t) - m.log(p)) if t != 0 else t) - (t - p)

    def logarithm(p, t):
        return (t - p) / p - m.log(t) + m.log(p) if p != 0 else -m.log(p)

    between = {"square": square, "negative_entropy": entropy, "itakura_saito": logarithm}[generator]
    return m.sum([between(p, t) for p, t in zip(m.softmax(x), y, strict=True) if p != 0 or t != 0])


@bregman.slope
def _(prediction: Tensor, target: Tensor, *, generator: str) -> Tensor:
    p = prediction.softmax(-1)
    if generator == "square":
        pull = 2.0 * (p - target) * p
    elif generator == "negative_entropy":
        pull = p - target
    else:
        pull = 1.0 - target / p
    return through_softmax(pull, p)
