"""Kullback-Leibler divergence, either way round."""

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
    share,
)


def _forward(direction: str) -> float | str:
    """The factor to a library that offers one direction."""
    return 1.0 if direction == "forward" else "no factor: it is the other direction"


@loss(
    title="Kullback-Leibler divergence",
    task=Task.DIVERGENCE,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="class probabilities are softmax(prediction)",
    soft="distribution",
    elicits=Elicits.PROBABILITY,
    constant="the logarithms of the mean target distribution (forward)",
    claims=Claims(convex=lambda direction: direction == "forward", proper=lambda direction: direction == "forward",
                  lower=0.0, smooth=True),
    cancels=lambda x, y, m, direction: m.kl_terms(x, y, direction),
    example=Example(((0.0, 0.0), (1.0, 0.0)), 0.6931471805599453, "1·(log 1 - log 1/2) = log 2"),
    relatives=(Relative("cross_entropy", "less the target's own entropy (forward)", up_to_target=True),),
    use_when="The target is itself a distribution, as a teacher's output; forward covers it, reverse seeks its mode.",
    avoid_when="The target is one class: cross-entropy is the same and says it plainly.",
    aliases=("kl_div", "kl_divergence", "kullback_leibler_divergence"),
    elsewhere={
        "torch.nn.functional.kl_div(reduction='batchmean')": _forward,
        "torch.nn.functional.kl_div(reduction='mean')": "a factor of the shape: the number of classes",
        "keras.losses.KLDivergence": _forward,
        "optax.losses.kl_divergence": _forward,
        "scipy.stats.entropy": _forward,
    },
    paper=Paper("Kullback and Leibler", 1951, "On information and sufficiency", equation="2.4",
                doi="10.1214/aoms/1177729694"),
)  # fmt: skip
def kl(
    prediction: ClassLogits,
    target: DistributionTarget,
    *,
    direction: Annotated[
        str,
        Choice(("forward", "reverse")),
        "forward: KL(target || prediction); reverse: KL(prediction || target)",
    ] = "forward",
) -> PerRow:
    """How many nats are lost by coding one distribution with the other.

    ``inputs`` says what the prediction holds, ``target_inputs`` what the target does (probabilities by default).
    """
    first, second = (target, prediction) if direction == "forward" else (prediction, target)
    mass = torch.exp(first)
    there = mass > 0
    # A class without mass counts 0 whatever the other distribution says of it, also where both say -inf.
    gap = torch.where(there, first, 0.0) - torch.where(there, second, 0.0)
    never = (gap.isinf() & there).any(-1)
    # Where the value is infinite its derivative is set to 0: a sum of opposite infinities has none.
    return torch.where(never, torch.inf, share(mass, torch.where(never.unsqueeze(-1), 0.0, gap)).sum(-1))


@kl.definition
def _(x, y, m, *, direction):
    top = m.log(m.sum([m.exp(v) for v in x]))
    if direction == "forward":
        return m.sum([q * (m.log(q) - (v - top)) for v, q in zip(x, y, strict=True) if q != 0])
    p = [m.exp(v - top) for v in x]
    return m.sum([a * ((v - top) - m.log(q)) for a, v, q in zip(p, x, y, strict=True) if a != 0])


@kl.slope
def _(prediction: Tensor, target: Tensor, *, direction: str) -> Tensor:
    log_p = torch.log_softmax(prediction, -1)
    p = log_p.exp()
    if direction == "forward":
        return p * target.sum(-1, keepdim=True) - target
    gap = log_p - target.log()
    return p * (gap - (p * gap).sum(-1, keepdim=True))
