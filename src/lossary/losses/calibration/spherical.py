"""The spherical score as a loss."""

from torch import Tensor

from lossary.declare import (
    Claims,
    ClassLogits,
    ClassTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Task,
    log_softmax,
    loss,
)
from lossary.losses.divergence.alpha import divergence
from lossary.losses.divergence.apart import missing, undecided
from lossary.losses.multiclass.softmax import soften


def _pulls(x, y, m):
    p = m.softmax(x)
    size, length = m.sqrt(m.sum([v * v for v in p])), m.sqrt(m.sum([v * v for v in y]))
    along = m.sum([v * t for v, t in zip(p, y, strict=True)]) / size

    def pulls(v, t):
        apart = v * along / size - t
        return apart * v / size, (t / length - v / size) * t

    return pulls


@loss(
    title="Spherical score",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="class probabilities are softmax(logits); the class is their argmax",
    soft="distribution",
    elicits=Elicits.PROBABILITY,
    constant="the logarithms of the classes' shares",
    claims=Claims(proper=True, lower=0.0, upper=1.0, calibrated=True, smooth=True),
    cancels=lambda x, y, m: undecided(x, y, m, _pulls(x, y, m)),
    symbolic=False,
    formula=r"\lVert y \rVert - \frac{\sum_j y_j p_j}{\lVert p \rVert} \text{ with } p = \operatorname{softmax}(x)",
    derivative=r"u_i \left(u_i \sum_j u_j y_j - y_i\right) \text{ with } u = p / \lVert p \rVert",
    example=Example(((0.0, 0.0), 0), 0.2928932188134525, "1 - (1/2)/√(1/4 + 1/4) = 1 - 1/√2 = 0.29289"),
    use_when="Probabilities are wanted under a bounded cost that asks only how the likely classes stand to each other.",
    avoid_when="Training starts from confident mistakes: there the slope vanishes, faster than the Brier score's.",
    aliases=("spherical_score", "spherical_loss"),
    paper=Paper("Gneiting and Raftery", 2007, "Strictly proper scoring rules, prediction, and estimation",
                doi="10.1198/016214506000001437"),
)  # fmt: skip
def spherical(logits: ClassLogits, target: ClassTarget) -> PerRow:
    """What the true class lacks of 1 once the probabilities are scaled to a vector of length 1.

    A soft target y is a point like any other: the loss is then |y| - y·p/|p|, which is 0 where it is met.
    """
    # The squares of the scaled probabilities are softmax(2·log p), whose logarithm is exact at the winner too.
    squares = log_softmax(2.0 * logits, -1)
    if not target.is_floating_point():
        return missing(0.5 * squares.gather(-1, target.unsqueeze(-1)).squeeze(-1))
    # 1 - cos(y, p) is half the squared distance of the scaled vectors, a quarter of the divergence of their squares.
    truth = log_softmax(2.0 * target.log(), -1)
    length = target.square().sum(-1).sqrt()
    return 0.25 * length * divergence(truth, squares, 0.5)


@spherical.definition
def _(x, y, m):
    p = m.softmax(x)
    along = m.sum([v * t for v, t in zip(p, y, strict=True)])
    return m.sqrt(m.sum([t**2 for t in y])) - along / m.sqrt(m.sum([v**2 for v in p]))


@spherical.slope
def _(logits: Tensor, target: Tensor) -> Tensor:
    p = logits.softmax(-1)
    truth = soften(target, p)
    unit = p / p.square().sum(-1, keepdim=True).sqrt()
    return unit * ((unit * truth).sum(-1, keepdim=True) * unit - truth)
