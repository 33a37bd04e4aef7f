"""A student that learns from a teacher's probabilities and from labels."""

from typing import Annotated

from torch import Tensor

from lossary.declare import (
    Claims,
    ClassLogits,
    ClassTarget,
    DistributionTarget,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Positive,
    Task,
    Unit,
    log_softmax,
    loss,
    over_classes,
)
from lossary.losses.multiclass.softmax import logit_roundings, soften

from .alpha import divergence, pulled
from .apart import undecided


def _tempered(row, m, temperature):
    powers = [q ** (1 / temperature) if q != 0 else q for q in row]
    return [each / m.sum(powers) for each in powers]


def _undecided(x, teacher, y, m, *, temperature, alpha):
    def pulls(p, t):
        return pulled(1, m)(t, p)[::-1]

    soft = undecided([v / temperature for v in x], _tempered(teacher, m, temperature), m, pulls)
    return alpha * temperature**2 * soft + (1 - alpha) * logit_roundings(x, y, m)


@loss(
    title="Knowledge distillation",
    task=Task.MULTICLASS,
    link=Link.SOFTMAX,
    outputs="one logit per class",
    decode="class probabilities are softmax(student); the class is their argmax",
    soft="mixture",
    elicits=Elicits.PROBABILITY,
    constant="between the logarithms of the classes' shares and, at alpha 1, the teacher's logits",
    claims=Claims(convex=True, lower=0.0, smooth=True),
    cancels=_undecided,
    symbolic=False,
    formula=r"\alpha T^2 \sum_j t_j \log \frac{t_j}{s_j} - (1 - \alpha) \sum_j y_j \log p_j \text{ with } "
    r"t = \operatorname{softmax}(\log(\text{teacher})/T), s = \operatorname{softmax}(x/T), "
    r"p = \operatorname{softmax}(x)",
    derivative=r"\alpha T (s_i - t_i) + (1 - \alpha) (p_i - y_i)",
    example=Example(((0.0, 0.0), (0.8, 0.2), 0), 0.45983961481023764,
                    "the teacher says (2/3, 1/3), of entropy 0.63651: 4·(log 2 - 0.63651)/2 + log(2)/2",
                    {"temperature": 2.0, "alpha": 0.5}),
    use_when="A larger model for the same classes is at hand; give its logits, with target_inputs='logits'.",
    avoid_when="The teacher is hardly better than the labels, or sure of every row: nothing is left for it to say.",
    aliases=("knowledge_distillation", "kd", "hinton_distillation"),
    paper=Paper("Hinton, Vinyals and Dean", 2015, "Distilling the Knowledge in a Neural Network", arxiv="1503.02531"),
)  # fmt: skip
def distillation(
    student: ClassLogits,
    teacher: DistributionTarget,
    target: ClassTarget,
    *,
    temperature: Annotated[float, Positive, "what both logits are divided by before they are compared"] = 4.0,
    alpha: Annotated[float, Unit, "the teacher's share; the labels have the rest"] = 0.5,
) -> PerRow:
    """Cross-entropy mixed with the divergence from a teacher, both softened, so that what it confuses is learnt too.

    The divergence is multiplied by the temperature's square, which keeps its slope of one size at every temperature.
    """
    told = divergence(log_softmax(teacher / temperature, -1), log_softmax(student / temperature, -1), 1.0)
    labels = over_classes(lambda log_p: -log_p, student, target)
    # A part with no share is left out, since it may be infinite.
    if alpha in (0.0, 1.0):
        return temperature**2 * told if alpha == 1.0 else labels
    return alpha * temperature**2 * told + (1.0 - alpha) * labels


@distillation.definition
def _(x, teacher, y, m, *, temperature, alpha):
    def log_softmax(row):
        total = m.log(m.sum([m.exp(v) for v in row]))
        return [v - total for v in row]

    soft, truth = log_softmax([v / temperature for v in x]), _tempered(teacher, m, temperature)
    told = m.sum([t * (m.log(t) - v) for v, t in zip(soft, truth, strict=True) if t != 0])
    labels = m.sum([-q * v for v, q in zip(log_softmax(x), y, strict=True) if q != 0])
    if alpha in (0, 1):
        return temperature**2 * told if alpha == 1 else labels
    return alpha * temperature**2 * told + (1 - alpha) * labels


@distillation.slope
def _(student: Tensor, teacher: Tensor, target: Tensor, *, temperature: float, alpha: float) -> Tensor:
    softer = (student / temperature).softmax(-1) - (teacher.log() / temperature).softmax(-1)
    p = student.softmax(-1)
    truth = soften(target, p)
    return alpha * temperature * softer + (1.0 - alpha) * (p - truth)
