"""Self-distillation: a student that predicts its teacher's centred and sharpened answer about another view."""

from collections.abc import Sequence
from typing import Annotated

import torch
from torch import Tensor

from lossary.core.domains import PerClass
from lossary.declare import (
    AnyNumber,
    Claims,
    ClassLogits,
    Elicits,
    Example,
    Link,
    Paper,
    PerRow,
    Positive,
    Task,
    like,
    log_softmax,
    loss,
    share,
)

Center = PerClass(AnyNumber)


def _logs(row, m, temperature):
    """Log-probabilities of plain logits over a temperature."""
    row = [v / temperature for v in row]
    total = m.log(m.sum([m.exp(v) for v in row]))
    return [v - total for v in row]


def _centred(row, center):
    return row if center is None else [v - c for v, c in zip(row, center, strict=True)]


def _sizes(x, teacher, m, *, student_temperature, teacher_temperature, center):
    """The terms, and what rounding the logits of both sides leaves undecided of them, in thirty-seconds."""
    own, logs = _logs(x, m, student_temperature), _logs(_centred(teacher, center), m, teacher_temperature)
    said, told = _logs(x, m, 1), _logs(teacher, m, 1)
    moves = [0 if center is None else abs(float(c)) for c in center or x]
    p, q = [m.exp(v) for v in own], [m.exp(v) for v in logs]
    lost = [(abs(t) + c) / teacher_temperature for t, c in zip(told, moves, strict=True)]
    gone = [abs(v) / student_temperature for v in said]
    mean_lost = m.sum([a * b for a, b in zip(q, lost, strict=True) if a != 0])
    mean_gone = m.sum([a * b for a, b in zip(p, gone, strict=True) if a != 0])
    return m.sum(
        [
            share * (-v * (1 + (a + mean_lost) / 8) + (b + mean_gone) / 8)
            for share, v, a, b in zip(q, own, lost, gone, strict=True)
            if share != 0
        ]
    )


@loss(
    title="DINO",
    task=Task.METRIC,
    link=Link.SOFTMAX,
    outputs="one logit per prototype",
    decode="the encoder's output before the head",
    elicits=Elicits.PROBABILITY,
    constant="student_temperature times the logarithms of the teacher's mean probabilities",
    claims=Claims(
        convex=True,
        lower=0.0,
        smooth=True,
        lipschitz=lambda student_temperature: 2**0.5 / student_temperature,
    ),
    cancels=_sizes,
    symbolic=False,
    formula=r"-\sum_j q_j \log p_j \text{ with } p = \operatorname{softmax}(x/\tau_s), q = "
            r"\operatorname{softmax}((t - c)/\tau_t)",
    derivative=r"(p_i - q_i)/\tau_s",
    example=Example(
        ((0.5, 0.0), (1.0, 0.0)), 0.8132616875182228,
        "the teacher, centred, says (1/2, 1/2), the student has logits 1 and 0: log(1 + e) - 1/2",
        {"student_temperature": 0.5, "center": (1.0, 0.0)},
    ),
    use_when="The teacher is a moving average of the student, sees global views only, and is centred.",
    avoid_when="Nothing centres the teacher: sharpened answers alone collapse to one prototype.",
    aliases=("dino_loss", "self_distillation"),
    elsewhere={
        "lightly.loss.DINOLoss": "no factor: it keeps a centre of its own, and takes the mean over pairs of views",
        "dino.main_dino.DINOLoss": "no factor: it keeps a centre of its own, and takes the mean over pairs of views",
    },
    paper=Paper("Caron et al.", 2021, "Emerging Properties in Self-Supervised Vision Transformers", equation="2",
                arxiv="2104.14294"),
)  # fmt: skip
def dino(
    student: ClassLogits,
    teacher: ClassLogits,
    *,
    student_temperature: Annotated[float, Positive, "what the student's logits are divided by"] = 0.1,
    teacher_temperature: Annotated[
        float, Positive, "what the teacher's are divided by: lower, so that it is sharper"
    ] = 0.04,
    center: Annotated[
        Tensor | Sequence[float] | None, Center, "what is subtracted from the teacher's logits; None is 0"
    ] = None,
) -> PerRow:
    """The cross-entropy of the student's probabilities by the teacher's, which are centred and sharpened.

    Shapes: both (..., C) with the prototypes on the class axis, center (C,); per unit (...). Detach the teacher. The
    centre is yours to keep: the paper's is a moving average of the teacher's mean logits over batches, and its loss the
    mean of this one over pairs of a student's and a teacher's view that differ.

    Of the tokens of patches, (N, P, C) with ``class_dim=-1`` and a ``mask`` of those that were hidden from the student,
    it is iBOT's masked image modelling (Zhou et al. 2022, arXiv 2111.07832), as a mean over the hidden patches of all
    pictures; their whole objective adds this loss of the class tokens.
    """
    if center is not None:
        teacher = teacher - like(center, teacher)
    told = log_softmax(teacher / teacher_temperature, -1)
    said = log_softmax(student / student_temperature, -1)
    # A share too small for the dtype is not nothing where the student rules its prototype out.
    never = ((said == -torch.inf) & (told != -torch.inf)).any(-1)
    return torch.where(never, torch.inf, share(told.exp(), -said).sum(-1))


@dino.definition
def _(x, teacher, m, *, student_temperature, teacher_temperature, center):
    own, told = _logs(x, m, student_temperature), _logs(_centred(teacher, center), m, teacher_temperature)
    return m.sum([-m.exp(t) * v for v, t in zip(own, told, strict=True) if m.exp(t) != 0])


@dino.slope
def _(
    student: Tensor,
    teacher: Tensor,
    *,
    student_temperature: float,
    teacher_temperature: float,
    center: Tensor | Sequence[float] | None,
) -> Tensor:
    if center is not None:
        teacher = teacher - like(center, teacher)
    told = (teacher / teacher_temperature).softmax(-1)
    return ((student / student_temperature).softmax(-1) - told) / student_temperature
