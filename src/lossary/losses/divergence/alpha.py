"""The alpha-divergences: one curve of divergences through both of Kullback and Leibler, Hellinger's and Pearson's."""

import math
from typing import Annotated

import torch
from torch import Tensor

from lossary.declare import (
    Claims,
    ClassLogits,
    DistributionTarget,
    Elicits,
    Example,
    Interval,
    Link,
    Paper,
    PerRow,
    Relative,
    Task,
    loss,
    share,
)

from ..multiclass.softmax import through_softmax
from .apart import difference, paired, undecided

#: Any order; those at which the divergence has another name are the examples.
Order = Interval("a finite number", -math.inf, math.inf, False, False, (-1.0, 0.0, 0.5, 1.0, 2.0))


def divergence(first: Tensor, second: Tensor, order: float) -> Tensor:
    """D(first || second) of rows of logarithms: Σ (f^a·s^(1-a) - a·f + (a - 1)·s)/(a·(a - 1)), at 1 and 0 its limit.

    Every term is at least 0 and is 0 where f = s, so that nothing is lost by adding them up; that is why f and s
    stand in it by themselves, which over two distributions add up to a constant.
    """
    if order < 0.5:
        return divergence(second, first, 1.0 - order)
    near = _terms(first, second, order).sum(-1)
    if order >= 1.0:
        return near
    # With little in common the constant would drown the slope of what there is.
    common = torch.exp(order * first + (1.0 - order) * second).sum(-1)
    return torch.where(common < 0.5, (1.0 - common) / (order * (1.0 - order)), near)


def _terms(first: Tensor, second: Tensor, order: float) -> Tensor:
    first, second = paired(first, second)
    # From order 1 on a class that `second` rules out costs without bound; a sum of infinities has no derivative.
    never = (second == -torch.inf) & (order >= 1.0)
    first, second = torch.where(never, 0.0, first), torch.where(never, 0.0, second)
    return torch.where(never, torch.inf, _finite(first, second, order))


def _finite(first: Tensor, second: Tensor, order: float) -> Tensor:
    if order == 0.5:
        return 2.0 * difference(0.5 * first, 0.5 * second).square()
    if order == 2.0:
        return difference(first, second, -0.5 * second - 0.5 * math.log(2.0)).square()
    gap = first - second
    if order == 1.0:
        return share(torch.exp(first), gap) - difference(first, second)
    # f^a·s^(1-a) - f is f·expm1((a - 1)·gap): exact near each other, and near order 1; powers where they are far apart.
    excess = order - 1.0
    lift = excess * gap
    near = lift.abs() < 0.7
    # The divisor goes into the power, which else overflows before it is divided.
    divisor = math.log(order * abs(excess))
    powers = torch.where(near, 0.0, order * first - excess * second - divisor)
    shrunk = torch.exp(first - divisor)
    grown = torch.where(near, shrunk * torch.expm1(torch.where(near, lift, 0.0)), torch.exp(powers) - shrunk)
    return math.copysign(1.0, excess) * grown - difference(first, second) / order


def defined(first, second, m, order):
    """One class's term of ``divergence`` over plain numbers, as a definition has it."""
    if first == 0 and second == 0:
        return first
    if order in (0, 1):
        f, s = (first, second) if order == 1 else (second, first)
        return s - f + (f * (m.log(f) - m.log(s)) if f != 0 else 0)
    powers = _power(first, order, m) * _power(second, 1 - order, m)
    return (powers - order * first + (order - 1) * second) / (order * (order - 1))


def _power(number, exponent, m):
    return number**exponent if number != 0 or exponent > 0 else -m.log(number)


def pulled(order, m):
    """From f and s to the derivatives of a class's term by log f and log s."""

    def pulls(f, s):
        if f == 0 or s == 0:
            return f, s
        by_f = m.log(f / s) if order == 1 else ((f / s) ** (order - 1) - 1) / (order - 1)
        by_s = m.log(f / s) if order == 0 else ((f / s) ** order - 1) / order
        return f * by_f, s * by_s

    return pulls


def _swapped(order, m):
    pulls = pulled(order, m)
    return lambda p, q: pulls(q, p)[::-1]


@loss(
    title="Alpha-divergence",
    task=Task.DIVERGENCE,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="class probabilities are softmax(prediction)",
    soft="distribution",
    elicits=lambda alpha: Elicits.PROBABILITY if alpha == 1.0 else Elicits.DISTRIBUTION,
    constant="one target: the logarithms of its probabilities; many: those of the mean of target^alpha, to the 1/alpha",
    claims=Claims(
        # 1/p_k is a sum of exponentials of differences of logits, and so are, up to convexity, its powers.
        convex=lambda alpha: alpha >= 1.0,
        proper=lambda alpha: alpha == 1.0,
        lower=0.0,
        upper=lambda alpha: 1.0 / (alpha * (1.0 - alpha)) if 0.0 < alpha < 1.0 else None,
        smooth=True,
    ),
    cancels=lambda x, y, m, alpha: undecided(x, y, m, _swapped(alpha, m)),
    example=Example(((0.0, 0.0), (1.0, 0.0)), 0.5, "(1²/(1/2) - 1)/(2·1) = 1/2", {"alpha": 2.0}),
    relatives=(
        Relative("kl", "alpha 1 is KL(target || prediction)", ours={"alpha": 1.0}, theirs={"direction": "forward"}),
        Relative("kl", "alpha 0 is KL(prediction || target)", ours={"alpha": 0.0}, theirs={"direction": "reverse"}),
        Relative("hellinger", "alpha 1/2 is 4 times it", ours={"alpha": 0.5}, factor=4.0),
        Relative("chi_square", "alpha 2 is half of Pearson's", ours={"alpha": 2.0}, theirs={"direction": "forward"},
                 factor=0.5),
        Relative("chi_square", "alpha -1 is half of Neyman's", ours={"alpha": -1.0}, theirs={"direction": "reverse"},
                 factor=0.5),
    ),
    use_when="A compromise between covering the target (large alpha) and seeking its mode (small alpha) is wanted.",
    avoid_when="Targets have zeros and alpha is 0 or less, or predictions can be 0 and it is 1 or more: infinite.",
    aliases=("amari_alpha", "cressie_read", "power_divergence"),
    elsewhere={
        "scipy.stats.power_divergence(lambda_=alpha - 1)": "a factor of the counts: one over twice their sum",
        "tfp.vi.amari_alpha": "no factor: a function of one log ratio, which tfp averages over samples",
    },
    paper=Paper("Cichocki and Amari", 2010,
                "Families of Alpha- Beta- and Gamma-Divergences: Flexible and Robust Measures of Similarities",
                doi="10.3390/e12061532"),
)  # fmt: skip
def alpha_divergence(
    prediction: ClassLogits,
    target: DistributionTarget,
    *,
    alpha: Annotated[float, Order, "1 is KL(target || prediction), 0 is KL(prediction || target)"] = 0.5,
) -> PerRow:
    """The divergence of the prediction from the target whose order slides from seeking a mode to covering all.

    In the convention of Cichocki and Amari, (Σ t^alpha·p^(1-alpha) - 1)/(alpha·(alpha - 1)) for target t and
    prediction p; alpha and 1 - alpha exchange the two.
    """
    return divergence(target, prediction, alpha)


@alpha_divergence.definition
def _(x, y, m, *, alpha):
    return m.sum([defined(q, p, m, alpha) for p, q in zip(m.softmax(x), y, strict=True)])


@alpha_divergence.slope
def _(prediction: Tensor, target: Tensor, *, alpha: float) -> Tensor:
    log_p, log_t = prediction.log_softmax(-1), target.log()
    p = log_p.exp()
    powers = torch.exp(alpha * log_t + (1.0 - alpha) * log_p)
    pull = p * (log_p - log_t) if alpha == 0.0 else -powers / alpha
    return through_softmax(pull, p)
