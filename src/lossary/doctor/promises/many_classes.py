"""A head with as many classes as a language has words."""

from __future__ import annotations

from dataclasses import replace

import torch

from ...core.card import Task
from ...core.unit import Unit
from ..promise import insist, promise
from ..rounding import GRADIENT
from ..subject import Subject

CLASSES = 70_000


@promise(
    10,
    applies=lambda loss: (
        loss.unit is Unit.ROW and loss.indexed and not loss.per_class and loss.facts.task is not Task.ORDINAL
    ),
)
def many_equal_classes_are_treated_alike(subject: Subject) -> None:
    """Of 70,000 equal logits all but the true class have one derivative, and together they add to 0."""
    case = subject.case(2, classes=CLASSES)
    target = torch.tensor([7, 0])
    case = replace(case, inputs=(torch.zeros(2, CLASSES), target))
    _, (gradient, *_) = case.gradients(reduction="sum")
    eps = torch.finfo(torch.float32).eps
    for row, label in zip(gradient.double(), target.tolist(), strict=True):
        others = torch.cat([row[:label], row[label + 1 :]])
        typical = others.median()
        apart = ((others - typical).abs().max() / typical.abs()).item()
        insist(
            apart <= GRADIENT * eps, f"derivatives of equal classes differ by {apart:.2g} of themselves", case
        )
        rest = (row.sum().abs() / row.abs().max()).item()
        insist(rest <= GRADIENT * eps, f"the derivatives add up to {rest:.2g} of the greatest", case)
