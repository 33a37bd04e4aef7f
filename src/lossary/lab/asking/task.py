"""What is asked of a table: a class, several labels, a grade, a number, a count, a mask, a neighbour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lossary.core.errors import DataError, sentence
from lossary.lab.data.nearest import listed, quoted
from lossary.lab.data.table import Table

LEAST_OF_A_CLASS = 5  # then each of the three parts of a split can hold one


class Kind(StrEnum):
    """Which sort of answer a target is."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"
    MULTILABEL = "multilabel"
    ORDINAL = "ordinal"
    COUNT = "count"
    ANOMALY = "anomaly"
    SEGMENTATION = "segmentation"
    RETRIEVAL = "retrieval"

    @property
    def numbers(self) -> bool:
        """Whether the answer is a number."""
        return self in (Kind.REGRESSION, Kind.COUNT)

    @property
    def classes(self) -> bool:
        """Whether every row is of exactly one class."""
        return self not in (Kind.REGRESSION, Kind.COUNT, Kind.MULTILABEL, Kind.SEGMENTATION)

    @property
    def coded(self) -> bool:
        """Whether the losses take the answer as the number of a class, int64."""
        return self in (Kind.MULTICLASS, Kind.ORDINAL, Kind.RETRIEVAL)

    @property
    def two(self) -> bool:
        """Whether the answer is one of two classes, one of which is looked for."""
        return self in (Kind.BINARY, Kind.ANOMALY)


@dataclass(frozen=True)
class Task:
    """What is predicted. `levels` are the classes in the order of their codes (negative, positive), or the labels."""

    kind: Kind
    target: str
    levels: tuple[str, ...]
    outputs: (
        int  # of the answer: one for a number or a logit, else one a class, a label, a pixel, a coordinate
    )
    reason: str  # one sentence: why this kind, and why this level is the positive one
    merged: tuple[tuple[str, ...], ...] = ()  # of grades with too few rows: the values behind each level

    @property
    def positive(self) -> str | None:
        """The level that is looked for, where there are two."""
        return self.levels[1] if self.kind.two else None

    def answers(self, table: Table) -> NDArray[Any]:
        """What every row's answer is, as the losses take it: (rows,), (rows, labels) or (rows, pixels).

        Class codes int64, the rest float64. Raises DataError for a value that is no level.
        """
        if self.kind is Kind.SEGMENTATION:
            assert table.masks is not None  # else `infer` finds another task
            return (table.masks > 0).reshape(table.rows, -1).astype(np.float64)
        if self.kind is Kind.MULTILABEL:
            return table.frame[list(table.targets)].to_numpy(dtype=np.float64)
        return self.encode(table.answers())

    def encode(self, answers: pd.Series[Any]) -> NDArray[Any]:
        """Answers as the losses take them, shape (rows,): int64 codes of the levels, or float64 numbers.

        Raises DataError for a value that is no level.
        """
        if self.kind.numbers:
            return answers.to_numpy(dtype=np.float64)
        members = self.merged or tuple((level,) for level in self.levels)
        code_of = {value: code for code, values in enumerate(members) for value in values}
        codes = np.array([code_of.get(label, -1) for label in labels(answers)], dtype=np.int64)
        if (codes < 0).any():
            raise DataError(
                sentence(
                    f"target {quoted(self.target)}",
                    expected=f"one of the levels {listed(self.levels)}",
                    got=quoted(labels(answers)[int(np.argmax(codes < 0))]),
                    remedy="use the levels of the table that the task was inferred from",
                )
            )
        return codes


def refuse_weightless(table: Table, task: Task) -> None:
    """Raises DataError where all rows of a class have weight 0: no split could learn it or judge it."""
    weight = table.weights()
    if weight is None or not task.kind.classes:
        return
    totals = np.bincount(task.encode(table.answers()), weights=weight, minlength=len(task.levels))
    for level, total in zip(task.levels, totals.tolist(), strict=True):
        if total == 0:
            raise DataError(
                sentence(
                    f"weight {quoted(table.weight)}",
                    expected="rows that count in each class",
                    got=f"class {quoted(level)} with a total weight of 0",
                    remedy="correct the weights, or leave the rows of this class out",
                )
            )


def labels(answers: pd.Series[Any]) -> list[str]:
    """The answers as the names of levels: text as it is, whole numbers without a decimal point."""
    names = {value: label_of(value) for value in answers.unique().tolist()}
    return [names[value] for value in answers.tolist()]


def label_of(value: object) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)
