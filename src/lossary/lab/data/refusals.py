"""What no comparison can use, each refused in one sentence: target, weight and rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lossary.core.errors import DataError, sentence
from lossary.lab.data.nearest import listed, quoted, suggestion
from lossary.lab.data.roles import Roles, distinct, labelled, usable

LARGEST = 1e100  # its square, a variance, is still a float64


def unique_names(names: Sequence[str], where: str) -> None:
    """Raises DataError where two columns share a name."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            sentence(
                where,
                expected="columns with names of their own",
                got=f"more than one called {listed(twice)}",
                remedy="rename or remove all but one",
            )
        )


def named(name: str, frame: pd.DataFrame, target: str | None) -> str:
    """The target. Raises DataError where there is none to choose, or none was named."""
    if not len(frame.columns):
        raise DataError(
            sentence(
                f"table {quoted(name)}",
                expected="columns",
                got="none",
                remedy="name a table with columns and rows",
            )
        )
    if target is None:
        raise DataError(
            sentence(
                "target",
                expected="the name of the column to predict",
                got="none",
                remedy=f"choose one of {quoted(name)}: {listed(frame.columns)}",
            )
        )
    return target


def checked(
    frame: pd.DataFrame, name: str, roles: Roles, *, pictures: bool = False, masked: bool = False
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The frame without empty rows and columns, and notes on those. Raises DataError for the unusable.

    Rows with `pictures` need no column to learn from, and where the answer is a mask (`masked`) the target is none.
    """
    asked = () if masked else roles.targets or (roles.target,)
    for target in asked:
        _present(frame, target, "target")
    for role in ("weight", "group", "time", "text"):
        column = getattr(roles, role)
        if column is not None:
            _present(frame, column, role)
    distinct(roles)
    frame, notes = _without_empty(frame, set(roles.taken))
    if len(frame) < 2:
        raise DataError(
            sentence(
                f"table {quoted(name)}",
                expected="at least 10 rows",
                got="1 row" if len(frame) else "no row",
                remedy="gather more data",
            )
        )
    if roles.targets:
        frame = labelled(frame, roles.targets)
    elif not masked:
        _usable_target(frame, roles.target)
    if roles.weight is not None:
        _usable_weight(frame[roles.weight], roles.weight)
    usable(frame, roles)
    _finite(frame)
    rest = [column for column in frame.columns if column not in roles.taken]
    if not rest and not pictures and roles.text is None:
        raise DataError(
            sentence(
                f"table {quoted(name)}",
                expected="at least one column with values beside the target",
                got="none",
                remedy="add the columns to learn from",
            )
        )
    return frame, notes


def _present(frame: pd.DataFrame, column: str, role: str) -> None:
    if column not in frame.columns:
        raise DataError(
            sentence(
                f"{role} {quoted(column)}",
                expected="a column of the table",
                got="no column of this name",
                remedy=suggestion(column, [str(label) for label in frame.columns], "column"),
            )
        )


def _without_empty(frame: pd.DataFrame, taken: set[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    notes = []
    filled = frame.notna()
    rows = filled.any(axis=1)
    if not rows.all():
        count = int((~rows).sum())
        notes.append(f"{count} empty row{' was' if count == 1 else 's were'} left out")
        frame = frame[rows].reset_index(drop=True)
    empty = [name for name in frame.columns if name not in taken and not filled[name].any()]
    if empty:
        word = "column" if len(empty) == 1 else "columns"
        notes.append(f"{word} {listed(empty)} left out: no value in any row")
        frame = frame.drop(columns=empty)
    return frame, tuple(notes)


def _usable_target(frame: pd.DataFrame, target: str) -> None:
    column = frame[target]
    subject = f"target {quoted(target)}"
    missing = int(column.isna().sum())
    if missing:
        raise DataError(
            sentence(
                subject,
                expected="a value in every row",
                got=f"{missing} missing of {len(column)}",
                remedy="remove the rows without an answer"
                if missing < len(column)
                else "name another column",
            )
        )
    if column.nunique() == 1:
        raise DataError(
            sentence(
                subject,
                expected="at least two different values",
                got=f"only {quoted(column.iloc[0])}",
                remedy="name another column",
            )
        )


def _usable_weight(column: pd.Series[Any], weight: str) -> None:
    subject = f"weight {quoted(weight)}"
    expected = "finite numbers of 0 or more, not all 0"
    numeric = pd.api.types.is_numeric_dtype(column.dtype)
    values = column.to_numpy(dtype=np.float64) if numeric else np.empty(0)
    if column.isna().all():
        got = "no value in any row"
    elif not numeric:
        got = f"text such as {quoted(column.dropna().iloc[0])}"
    elif np.isnan(values).any():
        got = f"{int(np.isnan(values).sum())} missing"
    elif np.isinf(values).any():
        got = "an infinite one"
    elif (values < 0).any():
        got = f"{values[values < 0][0]:g} in row {int(np.argmax(values < 0)) + 1}"
    elif not values.any():
        got = "only zeros"
    else:
        return
    raise DataError(sentence(subject, expected=expected, got=got, remedy="correct it or name another"))


def _finite(frame: pd.DataFrame) -> None:
    for name in frame.columns:
        if not pd.api.types.is_float_dtype(frame[name].dtype):
            continue
        sizes = frame[name].abs().to_numpy()
        for wrong, expected, got, remedy in (
            (np.isinf(sizes), "finite numbers", "infinite", "leave the cell empty where a value is unknown"),
            (
                sizes > LARGEST,
                f"numbers up to {LARGEST:g} in size",
                "beyond",
                "rescale the column or leave it out",
            ),
        ):
            if wrong.any():
                count = f"{int(wrong.sum())} {got}, the first in row {int(np.argmax(wrong)) + 1}"
                raise DataError(
                    sentence(f"column {quoted(name)}", expected=expected, got=count, remedy=remedy)
                )
