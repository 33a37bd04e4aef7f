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

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lossary.core.errors import DataError, sentence
from lossary.lab.asking.grades import LEAST_GRADES, MOST_GRADES, graded
from lossary.lab.asking.names import names_each_row
from lossary.lab.asking.positive import positive_level
from lossary.lab.asking.refused import refused
from lossary.lab.asking.task import LEAST_OF_A_CLASS, Kind, Task, label_of
from lossary.lab.data.nearest import quoted, suggestion
from lossary.lab.data.table import Table

MOST_WHOLE_LEVELS = 10  # rule 3: a digit, a grade, a cultivar; a count of children mostly has more
ROWS_A_LEVEL = 10  # rule 3, on average
EMBEDDED_IN = 16  # numbers that a row is embedded in, for retrieval


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
        raise refused(target, "classes or numbers", "dates", "derive a number of days or a class from it")
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
    levels = tuple(label_of(value) for value in sorted(answers.unique().tolist()))
    if found is Kind.ORDINAL and positive is None:
        return graded(answers, levels, numeric, order, target, reason)
    _refuse_rare(answers, target)
    if not found.two:
        if positive is not None:
            raise _positive_without_two(target, positive, f"{distinct} levels")
        outputs = EMBEDDED_IN if found is Kind.RETRIEVAL else len(levels)
        return Task(found, target, levels, outputs, reason)
    chosen, why = positive_level(answers, levels, numeric, positive, target)
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
        raise refused(table.target, "pictures with a mask each", got, "name a folder with images/ and masks/")
    _, height, width = table.masks.shape
    share = 100 * float((table.masks > 0).mean())
    reason = f"a mask of {height} x {width} pixels for every picture; {share:.1f} % of them are foreground"
    return Task(Kind.SEGMENTATION, table.target, ("background", "foreground"), height * width, reason)


def _multilabel(table: Table, wanted: Kind | None) -> Task:
    names = table.targets
    if not names or wanted not in (None, Kind.MULTILABEL):
        got = "one target column" if not names else f"{len(names)} target columns, and the task {wanted}"
        raise refused(table.target, "several columns of 0 and 1", got, "name them all: --target 'a,b,c'")
    labels = table.frame[list(names)]
    for name in names:
        count = int(labels[name].sum())
        if min(count, len(labels) - count) < LEAST_OF_A_CLASS:
            raise refused(
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
        raise refused(
            target, "several rows of each class", "one row of each", "gather more rows of each class"
        )
    if counts.min() < LEAST_OF_A_CLASS:
        rarest = label_of(counts.index[-1])
        raise refused(
            target,
            f"at least {LEAST_OF_A_CLASS} rows of each class",
            f"{counts.min()} of {quoted(rarest)}",
            "merge rare classes or leave their rows out",
        )


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


def _fits(answers: pd.Series[Any], numeric: bool, whole: bool, distinct: int, kind: Kind, what: str) -> None:
    """Refuse a kind that was asked for and that the target cannot have."""
    name = str(answers.name)
    if kind.two and distinct != 2:
        raise refused(name, f"two levels for the {kind} task", what, "use multiclass or regression")
    if kind.numbers and not numeric:
        raise refused(name, f"numbers for {kind}", what, "use binary or multiclass")
    if kind is Kind.COUNT and (not whole or answers.min() < 0):
        got = what if not whole else f"{answers.min():g}"
        raise refused(name, "whole numbers of at least 0 for count", got, "use regression")
    if kind is Kind.MULTICLASS and distinct == 2:
        raise refused(name, "three levels or more for multiclass", what, "use binary")
    if kind is Kind.ORDINAL and not LEAST_GRADES <= distinct <= MOST_GRADES:
        raise refused(
            name, f"{LEAST_GRADES} to {MOST_GRADES} grades for ordinal", what, "use binary or regression"
        )


def _refuse_identifier(answers: pd.Series[Any], target: str) -> None:
    if answers.dtype == object:
        parsed = pd.to_numeric(answers, errors="coerce")
        if parsed.notna().mean() >= 0.9 and parsed.isna().any():
            odd = answers[parsed.isna()].iloc[0]
            row = int(np.argmax(parsed.isna().to_numpy())) + 1
            remedy = "correct the cell or remove the row"
            raise refused(target, "numbers", f"numbers and the text {quoted(odd)} in row {row}", remedy)
    why = names_each_row(answers)
    if why is not None:
        raise refused(target, "values to predict", f"an identifier ({why})", "name another column")


def _positive_without_two(target: str, positive: str, got: str) -> DataError:
    return DataError(
        sentence(
            f"positive {quoted(positive)}",
            expected=f"a target of two levels in {quoted(target)}",
            got=got,
            remedy="leave it out",
        )
    )
