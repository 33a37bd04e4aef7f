"""Total variation distance between two distributions."""

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassLogits,
    DistributionTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Task,
    loss,
)

from .apart import difference, paired, undecided


@loss(
    title="Total variation distance",
    task=Task.DIVERGENCE,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="class probabilities are softmax(prediction)",
    soft="distribution",
    elicits=Elicits.DISTRIBUTION,
    constant="one target: that distribution; one-hot targets of many rows: all on the commonest class",
    # With A the mass on which p exceeds the target, the slope's length is at most √2·A·(1 - A) <= √2/4.
    claims=Claims(lower=0.0, upper=1.0, lipschitz=8**-0.5),
    cancels=lambda x, y, m: undecided(x, y, m, lambda p, q: (p / 2, q / 2)),
    example=Example(((0.0, 0.0), (1.0, 0.0)), 0.5, "(|1/2 - 1| + |1/2 - 0|)/2 = 1/2"),
    use_when="The answer wanted is the largest gap in probability that any event has under the two distributions.",
    avoid_when="Training starts far from the target: where the prediction is sure and wrong, the slope is almost 0.",
    aliases=("tv_distance", "variational_distance"),
    elsewhere={
        "tfp.vi.total_variation": "no factor: a function of one log ratio, which tfp averages over samples",
    },
    paper=Paper("Levin and Peres", 2017, "Markov Chains and Mixing Times", equation="Proposition 4.2"),
)
def total_variation(prediction: ClassLogits, target: DistributionTarget) -> PerRow:
    """Half the sum of the differences in probability: the most that any event's probabilities can differ by."""
    gap, p, t = difference(*paired(prediction, target)).detach(), prediction.exp(), target.exp()
    # The value is the gaps', the slope that of the probabilities with the gaps' signs. Any multiple of Σ p = 1 may be
    # taken off the slope: taken off for the side that has most of p, it leaves nothing in which the other would drown.
    sign = gap.sign()
    side = torch.sign((p * sign).sum(-1, keepdim=True)).detach()
    slope = (sign - side) * (p - p.detach()) - sign * (t - t.detach())
    return 0.5 * (gap.abs() + slope).sum(-1)


@total_variation.definition
def _(x, y, m):
    return m.sum([m.abs(p - q) for p, q in zip(m.softmax(x), y, strict=True)]) / 2


@total_variation.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    p = prediction.softmax(-1)
    side = 0.5 * (p - target).sign()
    return p * (side - (p * side).sum(-1, keepdim=True))
