"""What a training reads: rows, what the loss compares the outputs with, and how much each row counts."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from lossary.lab.training.random_features import random_features
from lossary.lab.training.trial import Learns, SplitData


@dataclass(frozen=True)
class Lesson:
    """x (rows, ...), target (rows, ...), and weight (rows,) or None where every row counts once."""

    x: Tensor
    target: Tensor
    weight: Tensor | None


def lesson(data: SplitData, learns: Learns) -> Lesson:
    """The training rows. Where no answer is learned: those with answer 0 alone, and their target is made of them."""
    weight = data.w_train
    if data.balance is not None:
        weight = data.balance if weight is None else weight * data.balance
    if learns == "answer":
        return Lesson(data.x_train, data.y_train, weight)
    usual = data.y_train == 0
    x = data.x_train[usual]
    flat = x.flatten(1)
    target = flat if learns == "inputs" else random_features(flat)
    return Lesson(x, target, None if weight is None else weight[usual])
