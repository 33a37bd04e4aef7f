"""The chi-square divergence, either way round."""

from typing import Annotated

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
from .apart import undecided


def _pulls(direction):
    def forward(p, q):
        return (p - q * q / p, 2 * q * (q / p - 1)) if p != 0 else (p, q)

    if direction == "forward":
        return forward
    return lambda p, q: forward(q, p)[::-1]


@loss(
    title="Chi-square divergence",
    task=Task.DIVERGENCE,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="class probabilities are softmax(prediction)",
    soft="distribution",
    elicits=Elicits.DISTRIBUTION,
    constant="one target: the logarithms of its probabilities; many: those of their root mean square (forward)",
    # 1/p_k is a sum of exponentials of differences of logits.
    claims=Claims(convex=lambda direction: direction == "forward", lower=0.0, smooth=True),
    cancels=lambda x, y, m, direction: undecided(x, y, m, _pulls(direction)),
    symbolic=False,
    formula=r"\sum_j \frac{(y_j - p_j)^2}{p_j} \text{ forward, } \sum_j \frac{(y_j - p_j)^2}{y_j} \text{ reverse}",
    derivative=r"g_i - p_i \sum_j g_j \text{ with } g_j = -y_j^2/p_j \text{ forward, } 2\,p_j^2/y_j \text{ reverse}",
    example=Example(((0.0, 0.0), (1.0, 0.0)), 1.0, "(1 - 1/2)²/(1/2) + (0 - 1/2)²/(1/2) = 1"),
    relatives=(
        Relative("alpha_divergence", "twice alpha 2 (forward)", ours={"direction": "forward"}, theirs={"alpha": 2.0},
                 factor=2.0),
        Relative("alpha_divergence", "twice alpha -1 (reverse)", ours={"direction": "reverse"}, theirs={"alpha": -1.0},
                 factor=2.0),
    ),
    use_when="The variance of importance weights target/prediction is what counts: forward is that variance.",
    avoid_when="Rare classes are estimated roughly: a probability 1000 times too small costs 1000 times its mass.",
    aliases=("chi2", "pearson_chi_square"),
    elsewhere={
        "scipy.stats.chisquare": "a factor of the counts: one over their sum (forward)",
        "tfp.vi.pearson": "no factor: a function of one log ratio, which tfp averages over samples",
    },
    paper=Paper("Pearson", 1900, "On the criterion that a given system of deviations from the probable in the case of "
                "a correlated system of variables is such that it can be reasonably supposed to have arisen from "
                "random sampling", doi="10.1080/14786440009463897"),
)  # fmt: skip
def chi_square(
    prediction: ClassLogits,
    target: DistributionTarget,
    *,
    direction: Annotated[
        str,
        Choice(("forward", "reverse")),
        "forward: Pearson's, squares over the prediction; reverse: Neyman's, squares over the target",
    ] = "forward",
) -> PerRow:
    """The squared differences in probability, each relative to the probability it is counted against."""
    return 2.0 * divergence(target, prediction, 2.0 if direction == "forward" else -1.0)


@chi_square.definition
def _(x, y, m, *, direction):
    def cost(p, q):
        below = p if direction == "forward" else q
        return (q - p) ** 2 / below if below != 0 else -m.log(below)

    return m.sum([cost(p, q) for p, q in zip(m.softmax(x), y, strict=True) if p != 0 or q != 0])


@chi_square.slope
def _(prediction: Tensor, target: Tensor, *, direction: str) -> Tensor:
    p = prediction.softmax(-1)
    pull = -(target**2) / p if direction == "forward" else 2.0 * p**2 / target
    return through_softmax(pull, p)
