"""Which columns are asked about, and which have another role: each found in the table, and refused where unfit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lossary.lab.data.found import refused
from lossary.lab.data.nearest import listed, quoted, suggestion

LEAST_GROUPS = 3  # training, validation and test rows each need one of their own
TRUTH = {"True": 1, "False": 0, 1: 1, 0: 0}


@dataclass(frozen=True)
class Roles:
    """The columns with a role, by name; `target` is the user's word where `targets` are several columns."""

    target: str
    targets: tuple[str, ...] = ()
    weight: str | None = None
    group: str | None = None
    time: str | None = None
    text: str | None = None

    @property
    def taken(self) -> tuple[str, ...]:
        """Every column that is no feature."""
        others = (self.weight, self.group, self.time, self.text)
        return (*(self.targets or (self.target,)), *(name for name in others if name is not None))


def expanded(target: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns that "a,b,c" or "label_*" mean, in the order of the words; () where it is one column's name.

    A column of just this name comes first, whatever signs are in it. Raises DataError for a word that means none.
    """
    if target in columns or not ("," in target or "*" in target):
        return ()
    found: dict[str, None] = {}
    for word in (part.strip() for part in target.split(",")):
        pattern = re.compile(".*".join(re.escape(part) for part in word.split("*")))
        meant = [name for name in columns if name == word or ("*" in word and pattern.fullmatch(name))]
        if not meant:
            raise refused(
                f"target {quoted(word)}",
                "a column of the table" if "*" not in word else "columns of the table",
                "no column of this name" if "*" not in word else "none that it fits",
                suggestion(word, columns, "column"),
            )
        found.update(dict.fromkeys(meant))
    return tuple(found)


def distinct(roles: Roles) -> None:
    """Raises DataError where one column has two roles."""
    named = [("weight", roles.weight), ("group", roles.group), ("time", roles.time), ("text", roles.text)]
    held = dict.fromkeys(roles.targets or (roles.target,), "the target")
    for role, name in named:
        if name is None:
            continue
        if name in held:
            raise refused(f"{role} {quoted(name)}", "a column of its own", held[name], "name another column")
        held[name] = f"the {role}"


def usable(frame: pd.DataFrame, roles: Roles) -> None:
    """Raises DataError for groups that part nothing, a time that is none, text that is numbers."""
    if roles.group is not None:
        _usable_group(frame[roles.group], roles.group)
    if roles.time is not None:
        _usable_time(frame[roles.time], roles.time)
    if roles.text is not None:
        column = frame[roles.text]
        if column.dtype != object or not column.notna().any():
            got = "no value in any row" if not column.notna().any() else f"values such as {_example(column)}"
            raise refused(f"text {quoted(roles.text)}", "a column of text", got, "name another column")


def _usable_group(column: pd.Series[Any], name: str) -> None:
    subject, expected = f"group {quoted(name)}", "a column that names each row's group"
    absent, count = int(column.isna().sum()), int(column.nunique())
    if absent:
        raise refused(
            subject, expected, f"{absent:,} missing of {len(column):,}", "fill them or name another"
        )
    if count < LEAST_GROUPS:
        got = f"only {_example(column)}" if count == 1 else f"{count} groups"
        expected = f"at least {LEAST_GROUPS} groups, for training, validation and test rows"
        raise refused(subject, expected, got, "name another column")
    if count == len(column):
        raise refused(
            subject,
            "groups of several rows",
            "another one in every row",
            "leave it out: nothing stays together",
        )


def _usable_time(column: pd.Series[Any], name: str) -> None:
    subject, expected = f"time {quoted(name)}", "dates or numbers that order the rows"
    absent = int(column.isna().sum())
    if column.dtype == object:
        got = f"text such as {_example(column.dropna())}" if absent < len(column) else "no value in any row"
        raise refused(subject, expected, got, "write dates as 2020-12-31")
    if absent:
        raise refused(
            subject, expected, f"{absent:,} missing of {len(column):,}", "fill them or name another"
        )
    if column.nunique() == 1:
        raise refused(subject, expected, f"only {_example(column)}", "name another column")


def _example(column: pd.Series[Any]) -> str:
    return quoted(column.iloc[0])


def labelled(frame: pd.DataFrame, targets: tuple[str, ...]) -> pd.DataFrame:
    """The frame with 0 and 1 in every target. Raises DataError for other values, missing ones, and for a target that
    is the same in every row."""
    columns = {}
    for name in targets:
        column = frame[name]
        subject = f"target {quoted(name)}"
        expected = "0 or 1 in every row, as one of several targets"
        remedy = "ask about it alone, or make a column of 0 and 1 of each of its levels"
        absent = int(column.isna().sum())
        if absent:
            raise refused(
                subject, expected, f"{absent:,} missing of {len(column):,}", "fill them or leave it out"
            )
        other = [value for value in column.unique().tolist() if value not in TRUTH]
        if other:
            raise refused(subject, expected, listed(other[:3]), remedy)
        values = column.map(TRUTH).astype(np.int64)
        if values.nunique() == 1:
            raise refused(
                subject,
                "both 0 and 1, as one of several targets",
                f"only {int(values.iloc[0])}",
                "leave it out: there is nothing to learn",
            )
        columns[name] = values
    return frame.assign(**columns)
