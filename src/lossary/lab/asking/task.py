"""What is asked of a table: a class, several labels, a grade, a number, a count, a mask, a neighbour.

How the kind of a target is inferred, in this order:

0. masks are a segmentation, several target columns are labels; an embedded set says what it is about;
1. text: two levels are binary, more are multiclass;
2. numbers with two distinct values: binary;
3. whole numbers with at most 10 levels, at least 10 rows a level on average and 5 of each: multiclass;
4. other numbers: regression.

A date is refused, and so is a target that names its row: text of which more than half of the values are
distinct (from 20 on), whole numbers that count the rows through, and whole numbers all distinct in a column
called id or key. Rules 1 to 4 can be overruled with `kind=`: grades, counts, anomalies and retrieval are never
guessed.

The positive level of a binary target, in this order: `positive=` where it is given; the larger of two
numbers; the one level that says yes ("yes", "true", "positive", "y", "t", "1"); the rarer one; the later in
the alphabet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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


EMBEDDED_IN = 16  # numbers that a row is embedded in, for retrieval


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
    names = {value: _label(value) for value in answers.unique().tolist()}
    return [names[value] for value in answers.tolist()]


def _label(value: object) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def infer(
    table: Table, *, positive: str | None = None, kind: Kind | str | None = None, order: Sequence[str] = ()
) -> Task:
    """The task behind the table's target, by the rules above. Raises DataError where there is none.

    `positive` names the level to look for among two; `kind` overrules rules 1 to 4; `order` has the grades of an
    ordinal target from low to high, where they are text.
    """
    wanted = _asked(table, kind)
    if table.masks is not None or wanted is Kind.SEGMENTATION:
        return _segmentation(table, wanted)
    if table.targets or wanted is Kind.MULTILABEL:
        return _multilabel(table, wanted)
    answers = table.answers()
    target = table.target
    if pd.api.types.is_datetime64_any_dtype(answers.dtype):
        raise _refused(target, "classes or numbers", "dates", "derive a number of days or a class from it")
    if wanted is not Kind.COUNT:
        _refuse_identifier(answers, target)
    numeric = bool(pd.api.types.is_numeric_dtype(answers.dtype))
    distinct = int(answers.nunique())
    by = "as asked" if kind is not None else "as usual for this set"
    found, reason = _kind(answers, numeric, distinct, wanted, by)
    if found.numbers:
        if positive is not None:
            raise _positive_without_two(target, positive, "numbers")
        return Task(found, target, (), 1, reason)
    levels = tuple(_label(value) for value in sorted(answers.unique().tolist()))
    if found is Kind.ORDINAL and positive is None:
        return _graded(answers, levels, numeric, order, target, reason)
    _refuse_rare(answers, target)
    if not found.two:
        if positive is not None:
            raise _positive_without_two(target, positive, f"{distinct} levels")
        outputs = EMBEDDED_IN if found is Kind.RETRIEVAL else len(levels)
        return Task(found, target, levels, outputs, reason)
    chosen, why = _positive(answers, levels, numeric, positive, target)
    negative = next(level for level in levels if level != chosen)
    return Task(found, target, (negative, chosen), 1, f"{reason}; {why}")


def _asked(table: Table, kind: Kind | str | None) -> Kind | None:
    wanted = table.kind if kind is None else str(kind)
    if wanted is None:
        return None
    try:
        return Kind(wanted)
    except ValueError:
        if kind is None:
            return None  # an embedded set about something that the laboratory does not do yet
        raise DataError(
            sentence(
                f"task {quoted(wanted)}",
                expected=f"one of {', '.join(each.value for each in Kind)}",
                got="no task of this name",
                remedy=suggestion(wanted, [each.value for each in Kind], "task"),
            )
        ) from None


def _segmentation(table: Table, wanted: Kind | None) -> Task:
    if table.masks is None or wanted not in (None, Kind.SEGMENTATION):
        got = "a table without masks" if table.masks is None else f"masks, and the task {wanted}"
        raise _refused(
            table.target, "pictures with a mask each", got, "name a folder with images/ and masks/"
        )
    _, height, width = table.masks.shape
    share = 100 * float((table.masks > 0).mean())
    reason = f"a mask of {height} x {width} pixels for every picture; {share:.1f} % of them are foreground"
    return Task(Kind.SEGMENTATION, table.target, ("background", "foreground"), height * width, reason)


def _multilabel(table: Table, wanted: Kind | None) -> Task:
    names = table.targets
    if not names or wanted not in (None, Kind.MULTILABEL):
        got = "one target column" if not names else f"{len(names)} target columns, and the task {wanted}"
        raise _refused(table.target, "several columns of 0 and 1", got, "name them all: --target 'a,b,c'")
    labels = table.frame[list(names)]
    for name in names:
        count = int(labels[name].sum())
        if min(count, len(labels) - count) < LEAST_OF_A_CLASS:
            raise _refused(
                name,
                f"a label that at least {LEAST_OF_A_CLASS} rows have, and as many have not",
                f"{count} of {len(labels)} rows",
                "leave this label out",
            )
    each = float(labels.to_numpy().sum(axis=1).mean())
    return Task(
        Kind.MULTILABEL, table.target, names, len(names), f"{len(names)} labels, {each:.1f} a row on average"
    )


def _refuse_rare(answers: pd.Series[Any], target: str) -> None:
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


def _graded(
    answers: pd.Series[Any],
    levels: tuple[str, ...],
    numeric: bool,
    order: Sequence[str],
    target: str,
    reason: str,
) -> Task:
    """Grades from low to high, as asked or by number; one with too few rows joins its smaller neighbour."""
    if not order and not numeric:
        raise _refused(
            target,
            "grades in their order",
            f"the levels {listed(levels)}",
            "say it: --order 'low,middle,high'",
        )
    if order and sorted(order) != sorted(levels):
        raise _refused(
            target, f"an order of its levels {listed(levels)}", listed(order), "name each of them once"
        )
    counts = pd.Series(labels(answers)).value_counts()
    groups = [([level], int(counts[level])) for level in order or levels]
    while len(groups) > 1 and min(count for _, count in groups) < LEAST_OF_A_CLASS:
        at = min(range(len(groups)), key=lambda i: groups[i][1])
        beside = min((i for i in (at - 1, at + 1) if 0 <= i < len(groups)), key=lambda i: groups[i][1])
        low, high = sorted((at, beside))
        joined = (groups[low][0] + groups[high][0], groups[low][1] + groups[high][1])
        groups[low : high + 1] = [joined]
    if len(groups) < LEAST_GRADES:
        got = f"{len(groups)}, the rest having fewer rows"
        raise _refused(
            target, f"{LEAST_GRADES} grades of {LEAST_OF_A_CLASS} rows each", got, "gather more rows"
        )
    names = tuple(values[0] if len(values) == 1 else f"{values[0]} to {values[-1]}" for values, _ in groups)
    said = reason if not order else f"{reason}, in the order asked for"
    if len(names) == len(levels):
        return Task(Kind.ORDINAL, target, names, len(names), said)
    together = listed(name for name, (values, _) in zip(names, groups, strict=True) if len(values) > 1)
    said += f"; taken together as {together}, where a grade has fewer than {LEAST_OF_A_CLASS} rows"
    return Task(Kind.ORDINAL, target, names, len(names), said, tuple(tuple(values) for values, _ in groups))


def _kind(
    answers: pd.Series[Any], numeric: bool, distinct: int, kind: Kind | None, by: str
) -> tuple[Kind, str]:
    whole = numeric and bool((answers % 1 == 0).all())
    what = f"{distinct} distinct {'whole numbers' if whole else 'numbers'}" if numeric else ""
    what = what or f"{distinct} levels of text"
    if kind is not None:
        _fits(answers, numeric, whole, distinct, kind, what)
        return kind, f"{what}, taken as {TAKEN[kind]} {by}" if numeric and distinct > 2 else what
    if not numeric or distinct == 2:
        return Kind.BINARY if distinct == 2 else Kind.MULTICLASS, what
    few = distinct <= MOST_WHOLE_LEVELS and len(answers) >= ROWS_A_LEVEL * distinct
    if whole and few and answers.value_counts().min() >= LEAST_OF_A_CLASS:
        return Kind.MULTICLASS, f"{what} from {answers.min():g} to {answers.max():g}, taken as classes"
    return Kind.REGRESSION, what


TAKEN = {
    Kind.BINARY: "two classes",
    Kind.MULTICLASS: "classes",
    Kind.REGRESSION: "numbers",
    Kind.ORDINAL: "grades",
    Kind.COUNT: "counts",
    Kind.ANOMALY: "the usual and the odd",
    Kind.RETRIEVAL: "classes to be found by likeness",
}
LEAST_GRADES, MOST_GRADES = 3, 30


def _fits(answers: pd.Series[Any], numeric: bool, whole: bool, distinct: int, kind: Kind, what: str) -> None:
    """Refuse a kind that was asked for and that the target cannot have."""
    name = str(answers.name)
    if kind.two and distinct != 2:
        raise _refused(name, f"two levels for the {kind} task", what, "use multiclass or regression")
    if kind.numbers and not numeric:
        raise _refused(name, f"numbers for {kind}", what, "use binary or multiclass")
    if kind is Kind.COUNT and (not whole or answers.min() < 0):
        got = what if not whole else f"{answers.min():g}"
        raise _refused(name, "whole numbers of at least 0 for count", got, "use regression")
    if kind is Kind.MULTICLASS and distinct == 2:
        raise _refused(name, "three levels or more for multiclass", what, "use binary")
    if kind is Kind.ORDINAL and not LEAST_GRADES <= distinct <= MOST_GRADES:
        raise _refused(
            name, f"{LEAST_GRADES} to {MOST_GRADES} grades for ordinal", what, "use binary or regression"
        )


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
