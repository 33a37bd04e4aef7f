"""What is asked of a table: one of two classes, one of several, or a number.

How the kind of a target is inferred, in this order:

1. text: two levels are binary, more are multiclass;
2. numbers with two distinct values: binary;
3. whole numbers with at most 10 levels, at least 10 rows a level on average and 5 of each: multiclass;
4. other numbers: regression.

A date is refused, and so is a target that names its row: text of which more than half of the values are
distinct (from 20 on), whole numbers that count the rows through, and whole numbers all distinct in a column
called id or key. Rules 3 and 4 can be overruled with `kind=`.

The positive level of a binary target, in this order: `positive=` where it is given; the larger of two
numbers; the one level that says yes ("yes", "true", "positive", "y", "t", "1"); the rarer one; the later in
the alphabet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lossary.core.errors import DataError, sentence
from lossary.lab.data.nearest import listed, quoted, suggestion
from lossary.lab.data.table import Table

MOST_WHOLE_LEVELS = 10  # rule 3: a digit, a grade, a cultivar; a count of children mostly has more
ROWS_A_LEVEL = 10  # rule 3, on average
LEAST_OF_A_CLASS = 5  # then each of the three parts of a split can hold one
DISTINCT_TEXTS = 20  # an identifier has at least this many distinct texts
AFFIRMATIVE = frozenset({"yes", "true", "positive", "y", "t", "1"})
NAMES_A_ROW = re.compile(r"(^|[\s_.-])(id|key|uuid|guid)$|[a-z](Id|ID)$", re.ASCII)


class Kind(StrEnum):
    """Which sort of answer a target is."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


@dataclass(frozen=True)
class Task:
    """What is predicted. `levels` are the classes in the order of their codes (negative, positive)."""

    kind: Kind
    target: str
    levels: tuple[str, ...]
    outputs: int  # of the network: one for a number or a logit, else one a class
    reason: str  # one sentence: why this kind, and why this level is the positive one

    @property
    def positive(self) -> str | None:
        """The level that is looked for, where there are two."""
        return self.levels[1] if self.kind is Kind.BINARY else None

    def encode(self, answers: pd.Series[Any]) -> NDArray[Any]:
        """Answers as the losses take them, shape (rows,): int64 codes of the levels, or float64 numbers.

        Raises DataError for a value that is no level.
        """
        if self.kind is Kind.REGRESSION:
            return answers.to_numpy(dtype=np.float64)
        codes = pd.Index(self.levels, dtype=object).get_indexer(pd.Index(labels(answers), dtype=object))
        if (codes < 0).any():
            raise DataError(
                sentence(
                    f"target {quoted(self.target)}",
                    expected=f"one of the levels {listed(self.levels)}",
                    got=quoted(labels(answers)[int(np.argmax(codes < 0))]),
                    remedy="use the levels of the table that the task was inferred from",
                )
            )
        return codes.astype(np.int64)


def refuse_weightless(table: Table, task: Task) -> None:
    """Raises DataError where all rows of a class have weight 0: no split could learn it or judge it."""
    weight = table.weights()
    if weight is None or task.kind is Kind.REGRESSION:
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
    names = {value: _label(value) for value in answers.unique().tolist()}
    return [names[value] for value in answers.tolist()]


def _label(value: object) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def infer(table: Table, *, positive: str | None = None, kind: Kind | None = None) -> Task:
    """The task behind the table's target, by the rules above. Raises DataError where there is none.

    `positive` names the level to look for in a binary task; `kind` overrules rules 3 and 4.
    """
    answers = table.answers()
    target = table.target
    if pd.api.types.is_datetime64_any_dtype(answers.dtype):
        raise _refused(target, "classes or numbers", "dates", "derive a number of days or a class from it")
    _refuse_identifier(answers, target)
    numeric = bool(pd.api.types.is_numeric_dtype(answers.dtype))
    distinct = int(answers.nunique())
    found, reason = _kind(answers, numeric, distinct, kind)
    if found is Kind.REGRESSION:
        if positive is not None:
            raise _positive_without_two(target, positive, "numbers")
        return Task(found, target, (), 1, reason)
    levels = tuple(_label(value) for value in sorted(answers.unique().tolist()))
    counts = answers.value_counts()
    if counts.max() == 1:
        raise _refused(
            target, "several rows of each class", "one row of each", "gather more rows of each class"
        )
    if counts.min() < LEAST_OF_A_CLASS:
        rarest = _label(counts.index[-1])
        raise _refused(
            target,
            f"at least {LEAST_OF_A_CLASS} rows of each class",
            f"{counts.min()} of {quoted(rarest)}",
            "merge rare classes or leave their rows out",
        )
    if found is Kind.MULTICLASS:
        if positive is not None:
            raise _positive_without_two(target, positive, f"{distinct} levels")
        return Task(found, target, levels, len(levels), reason)
    chosen, why = _positive(answers, levels, numeric, positive, target)
    negative = next(level for level in levels if level != chosen)
    return Task(found, target, (negative, chosen), 1, f"{reason}; {why}")


def _kind(answers: pd.Series[Any], numeric: bool, distinct: int, kind: Kind | None) -> tuple[Kind, str]:
    if not numeric:
        found = Kind.BINARY if distinct == 2 else Kind.MULTICLASS
        if kind not in (None, found):
            raise _refused(
                str(answers.name), f"a target fit for {kind}", f"{distinct} levels of text", f"use {found}"
            )
        return found, f"{distinct} levels of text"
    whole = bool((answers % 1 == 0).all())
    what = f"{distinct} distinct {'whole numbers' if whole else 'numbers'}"
    if kind is Kind.REGRESSION:
        return kind, f"{what}, taken as numbers as asked"
    if distinct == 2:
        return Kind.BINARY, what
    if kind is Kind.BINARY:
        raise _refused(
            str(answers.name), "two levels for a binary task", what, "use multiclass or regression"
        )
    if kind is Kind.MULTICLASS:
        return kind, f"{what}, taken as classes as asked"
    few = distinct <= MOST_WHOLE_LEVELS and len(answers) >= ROWS_A_LEVEL * distinct
    if whole and few and answers.value_counts().min() >= LEAST_OF_A_CLASS:
        return Kind.MULTICLASS, f"{what} from {answers.min():g} to {answers.max():g}, taken as classes"
    return Kind.REGRESSION, what


def _positive(
    answers: pd.Series[Any], levels: tuple[str, ...], numeric: bool, positive: str | None, target: str
) -> tuple[str, str]:
    if positive is not None:
        name = positive.strip()
        if numeric and name not in levels:
            name = _number_label(name)
        if name not in levels:
            remedy = suggestion(positive, levels, "level")
            raise DataError(
                sentence(
                    f"positive {quoted(positive)}",
                    expected=f"a level of {quoted(target)}",
                    got="no level of this name",
                    remedy=remedy,
                )
            )
        usual = _usual_positive(answers, levels, numeric)  # asked for or not, its reason stays
        return usual if usual[0] == name else (name, f"{quoted(name)} is positive as asked")
    return _usual_positive(answers, levels, numeric)


def _usual_positive(answers: pd.Series[Any], levels: tuple[str, ...], numeric: bool) -> tuple[str, str]:
    if numeric:
        return levels[1], f"{quoted(levels[1])} is positive: the larger"
    saying_yes = [level for level in levels if level.casefold() in AFFIRMATIVE]
    if len(saying_yes) == 1:
        return saying_yes[0], f"{quoted(saying_yes[0])} is positive: it says yes"
    counts = answers.value_counts()
    if counts[levels[0]] < counts[levels[1]]:
        return levels[0], f"{quoted(levels[0])} is positive: the rarer"
    rarer = counts[levels[1]] < counts[levels[0]]
    return levels[
        1
    ], f"{quoted(levels[1])} is positive: {'the rarer' if rarer else 'the later in the alphabet'}"


def _number_label(text: str) -> str:
    try:
        return _label(float(text))
    except ValueError:
        return text


def names_each_row(column: pd.Series[Any]) -> str | None:
    """Why a column looks like a name of its row rather than a value, or None: see the rules above."""
    distinct, filled = int(column.nunique()), int(column.count())
    if pd.api.types.is_integer_dtype(column.dtype):
        if filled < DISTINCT_TEXTS or distinct < filled:
            return None
        if int(column.max()) - int(column.min()) == filled - 1:
            return "counts the rows through"
        return "is different in every row and called an id" if NAMES_A_ROW.search(str(column.name)) else None
    if column.dtype == object and distinct >= DISTINCT_TEXTS and distinct > filled / 2:
        return f"has {distinct} distinct texts in {filled} rows"
    return None


def _refuse_identifier(answers: pd.Series[Any], target: str) -> None:
    if answers.dtype == object:
        parsed = pd.to_numeric(answers, errors="coerce")
        if parsed.notna().mean() >= 0.9 and parsed.isna().any():
            odd = answers[parsed.isna()].iloc[0]
            row = int(np.argmax(parsed.isna().to_numpy())) + 1
            remedy = "correct the cell or remove the row"
            raise _refused(target, "numbers", f"numbers and the text {quoted(odd)} in row {row}", remedy)
    why = names_each_row(answers)
    if why is not None:
        raise _refused(target, "values to predict", f"an identifier ({why})", "name another column")


def _positive_without_two(target: str, positive: str, got: str) -> DataError:
    return DataError(
        sentence(
            f"positive {quoted(positive)}",
            expected=f"a target of two levels in {quoted(target)}",
            got=got,
            remedy="leave it out",
        )
    )


def _refused(target: str, expected: str, got: str, remedy: str) -> DataError:
    return DataError(sentence(f"target {quoted(target)}", expected=expected, got=got, remedy=remedy))
