"""The Jensen-Shannon divergence."""

import math

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
    share,
)

from ..multiclass.softmax import through_softmax
from .apart import paired, undecided


def _pulls(m):
    def pulls(p, q):
        return tuple(each * m.log(2 * each / (p + q)) / 2 if each != 0 else each for each in (p, q))

    return pulls


@loss(
    title="Jensen-Shannon divergence",
    task=Task.DIVERGENCE,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="class probabilities are softmax(prediction)",
    soft="distribution",
    elicits=Elicits.DISTRIBUTION,
    constant="one target: the logarithms of its probabilities",
    claims=Claims(lower=0.0, upper=math.log(2.0), smooth=True),
    cancels=lambda x, y, m: undecided(x, y, m, _pulls(m)),
    example=Example(((0.0, 0.0), (1.0, 0.0)), 0.2157615543388357,
                    "the middle is (3/4, 1/4): log(4/3)/2 + (log(2/3) + log 2)/4 = 0.21576"),
    use_when="Neither distribution is the reference and both have zeros, where Kullback's divergence is infinite.",
    avoid_when="The two have nothing in common, as early in training: the slope is then almost 0.",
    aliases=("js", "jsd", "jensen_shannon_divergence"),
    elsewhere={
        "scipy.spatial.distance.jensenshannon": "no factor: SciPy takes the square root, the Jensen-Shannon distance",
        "tfp.vi.jensen_shannon": "no factor: a function of one log ratio, which tfp averages over samples",
    },
    paper=Paper("Lin", 1991, "Divergence measures based on the Shannon entropy", doi="10.1109/18.61115"),
)  # fmt: skip
def jensen_shannon(prediction: ClassLogits, target: DistributionTarget) -> PerRow:
    """The mean of Kullback's divergences of both distributions from the one halfway between them."""
    one, other = paired(prediction, target)
    up = one > other
    mass, low = torch.exp(torch.where(up, prediction, target)), torch.where(up, other - one, one - other)
    # With r = exp(low) the ratio of the smaller probability to the larger and t = tanh(low/2), a class's term is its
    # mean probability times (log(1 - t²) + t·low)/2, from which small gaps cancel nothing; or its log 2 less what the
    # two have in common. Where that is little, the log 2 of all classes is one constant and must not drown it.
    ratio, close = torch.exp(low), low > -1.0
    gap = torch.where(close, low, 0.0)
    slant = torch.tanh(0.5 * gap)
    common = (1.0 + ratio) * torch.log1p(ratio) - share(ratio, low)
    term = torch.where(close, 0.25 * (1.0 + ratio) * (torch.log1p(-slant.square()) + slant * gap),
                       0.5 * ((1.0 + ratio) * math.log(2.0) - common))  # fmt: skip
    shared = (mass * common).sum(-1)
    return torch.where(shared < math.log(2.0), math.log(2.0) - 0.5 * shared, (mass * term).sum(-1))


@jensen_shannon.definition
def _(x, y, m):
    def cost(p, q):
        return p * m.log(2 * p / (p + q)) / 2 if p != 0 else p

    return m.sum([cost(p, q) + cost(q, p) for p, q in zip(m.softmax(x), y, strict=True)])


@jensen_shannon.slope
def _(prediction: Tensor, target: Tensor) -> Tensor:
    p = prediction.softmax(-1)
    pull = 0.5 * p * torch.log(2.0 * p / (p + target))
    return through_softmax(pull, p)
