"""A table before anything is trained: the roles of its columns, its target, and what to beware of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from lossary.core.errors import DataError, sentence
from lossary.lab import record
from lossary.lab.asking.beware import Caution, cautions
from lossary.lab.asking.names import names_each_row
from lossary.lab.asking.task import Kind, Task
from lossary.lab.data.nearest import listed, quoted
from lossary.lab.data.table import Table

RARE = 0.01  # levels on fewer than this share of the training rows become "other"
LISTED_SHARE = 0.005  # levels kept in the profile: half of RARE, as training rows are more than half of all
WORDS = 4.0  # free text has at least this many words a cell, on average
SMALL_ROWS = 100
SMALL_CLASS = 20
FAR_OUT = 3.0  # interquartile ranges beyond a quartile: "far out" in Tukey, Exploratory Data Analysis, 1977


class Role(StrEnum):
    """What a column is used as; the last four are left out."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    DATE = "date"
    IDENTIFIER = "identifier"
    TEXT = "text"
    CONSTANT = "constant"


USED = frozenset({Role.NUMERIC, Role.CATEGORICAL, Role.DATE})


@dataclass(frozen=True)
class Column:
    """One feature. `counts` are the levels of a categorical column on at least 0.5 % of the rows, by name."""

    name: str
    role: Role
    missing: float  # share of the rows
    distinct: int
    why: str = ""  # why it is left out; empty for a column in use
    counts: tuple[tuple[str, int], ...] = ()
    low: float | None = None  # of a numeric column, as are the next two
    median: float | None = None
    high: float | None = None

    @property
    def used(self) -> bool:
        """Whether the network sees it."""
        return self.role in USED


@dataclass(frozen=True)
class Numbers:
    """A target of numbers. `gross_outliers` is the share beyond the quartiles by more than 3 IQR."""

    low: float
    median: float
    high: float
    mean: float
    std: float
    iqr: float
    skew: float
    gross_outliers: float


@dataclass(frozen=True)
class Profile:
    """A table in figures: everything that candidates, metric and preparation are chosen from."""

    name: str
    source: str
    licence: str | None
    digest: str
    target: str
    weight: str | None
    kind: Kind
    rows: int
    columns: tuple[Column, ...]
    classes: tuple[tuple[str, int], ...]  # level (or label) and rows, in the order of the task; else empty
    numbers: Numbers | None
    warnings: tuple[Caution, ...]
    notes: tuple[str, ...]
    seen: str = ""  # what the network sees instead of columns: "5,000 pictures of 28 x 28 pixels"; else ""

    @property
    def used(self) -> tuple[Column, ...]:
        """The columns the network sees, in their order."""
        return tuple(column for column in self.columns if column.used)

    @property
    def dropped(self) -> tuple[Column, ...]:
        """The columns left out, each with its reason."""
        return tuple(column for column in self.columns if not column.used)

    @property
    def smallest_class(self) -> float | None:
        """Share of the rows in the rarest class (or with the rarest label); None for numbers and masks."""
        return min(count for _, count in self.classes) / self.rows if self.classes else None

    @property
    def texts(self) -> bool:
        """Whether the network sees words, which are no numbers that it could rebuild."""
        return self.seen.startswith(f"{self.rows:,} texts ")

    @property
    def small(self) -> bool:
        """Fewer than 100 rows, or than 20 of a class: intervals are shown and verdicts withheld."""
        return self.rows < SMALL_ROWS or any(count < SMALL_CLASS for _, count in self.classes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dict(record.plain(self))

    @staticmethod
    def from_dict(plain: dict[str, Any]) -> Profile:
        """What `to_dict` wrote."""
        return record.restore(Profile, plain)


def profile(table: Table, task: Task) -> Profile:
    """The profile of a table. Raises DataError where nothing is left to learn from."""
    seen = _seen(table)
    columns = tuple(_column(table.frame[name]) for name in (() if seen else table.features))
    if not seen and not any(column.used for column in columns):
        raise DataError(
            sentence(
                f"table {quoted(table.name)}",
                expected="at least one column to learn from",
                got=f"only {listed(f'{column.name} ({column.why})' for column in columns)}",
                remedy="add columns with values that repeat or can be measured",
            )
        )
    classes: tuple[tuple[str, int], ...] = ()
    numbers: Numbers | None = None
    if task.kind.numbers:
        numbers = _numbers(table.answers())
    elif task.kind is Kind.MULTILABEL:
        counts = task.answers(table).sum(axis=0)
        classes = tuple((level, int(count)) for level, count in zip(task.levels, counts, strict=True))
    elif task.kind.classes:
        counts = np.bincount(task.answers(table), minlength=len(task.levels))
        classes = tuple((level, int(count)) for level, count in zip(task.levels, counts, strict=True))
    left_out = tuple(
        Caution("dropped", column.name, f"column {quoted(column.name)} is left out: {column.why}")
        for column in columns
        if not column.used
    )
    names = [column.name for column in columns]
    single = task.kind.numbers or task.kind.classes
    copies = cautions(table.frame, names, table.answers(), task.kind) if single and not seen else ()
    return Profile(
        name=table.name,
        source=table.source,
        licence=table.licence,
        digest=table.digest,
        target=table.target,
        weight=table.weight,
        kind=task.kind,
        rows=table.rows,
        columns=columns,
        classes=classes,
        numbers=numbers,
        warnings=(*copies, *left_out, *_small(table.rows, classes)),
        notes=table.notes,
        seen=seen,
    )


def _seen(table: Table) -> str:
    """What the network sees where that is no columns, in words."""
    if table.pictures is not None:
        _, channels, height, width = table.pictures.shape
        tone = {1: "grey", 3: "coloured"}.get(channels, f"{channels}-channel")
        return f"{table.rows:,} {tone} pictures of {height} x {width} pixels"
    if table.text is not None:
        words = pd.Series([len(str(text).split()) for text in table.frame[table.text].fillna("")])
        return (
            f"{table.rows:,} texts in column {quoted(table.text)}, {words.median():.0f} words in the median"
        )
    return ""


def _column(column: pd.Series[Any]) -> Column:
    name = str(column.name)
    missing = float(column.isna().mean())
    distinct = int(column.nunique())
    role, why = _role(column, missing, distinct)
    if role is Role.CATEGORICAL:
        counts = column.value_counts()
        kept = counts[counts >= LISTED_SHARE * len(column)]
        levels = tuple(sorted((str(level), int(count)) for level, count in kept.items()))
        return Column(name, role, missing, distinct, counts=levels)
    if role is Role.NUMERIC:
        low, median, high = (float(value) for value in column.quantile([0.0, 0.5, 1.0]))
        return Column(name, role, missing, distinct, low=low, median=median, high=high)
    return Column(name, role, missing, distinct, why)


def _role(column: pd.Series[Any], missing: float, distinct: int) -> tuple[Role, str]:
    """The role of a column, and why it is left out where it is."""
    if distinct == 1 and missing == 0:
        return Role.CONSTANT, "one value in every row"
    if column.dtype != object:
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            return Role.DATE, ""
        names_row = names_each_row(column)
        return (Role.NUMERIC, "") if names_row is None else (Role.IDENTIFIER, names_row)
    names_row = names_each_row(column)
    if distinct > 2:
        sample = column.dropna().iloc[:1000]
        words = float(sample.str.count(r"\S+").mean())
        if words >= WORDS and (names_row is not None or distinct > len(column) * RARE / 2):
            return Role.TEXT, f"free text, {words:.0f} words a cell"
    if names_row is not None:
        return Role.IDENTIFIER, names_row
    if column.value_counts().iloc[0] < RARE * len(column):
        return Role.IDENTIFIER, f"has {distinct} levels and none on 1 % of the rows"
    return Role.CATEGORICAL, ""


def _numbers(answers: pd.Series[Any]) -> Numbers:
    values = answers.to_numpy(dtype=np.float64)
    first, median, third = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))
    # Where half of the values are equal the IQR is 0 and every other would be an outlier: use the deviation.
    spread = third - first or float(values.std())
    far = (values < first - FAR_OUT * spread) | (values > third + FAR_OUT * spread)
    return Numbers(
        low=float(values.min()),
        median=median,
        high=float(values.max()),
        mean=float(values.mean()),
        std=float(values.std()),
        iqr=third - first,
        skew=float((((values - values.mean()) / (values.std() or 1.0)) ** 3).mean()),
        gross_outliers=float(far.mean()),
    )


def _small(rows: int, classes: tuple[tuple[str, int], ...]) -> tuple[Caution, ...]:
    found = []
    if rows < SMALL_ROWS:
        found.append(Caution("small", None, f"{rows} rows are few: under {SMALL_ROWS} no verdict is safe"))
    rare = [(level, count) for level, count in classes if count < SMALL_CLASS]
    if rare:
        level, count = min(rare, key=lambda pair: pair[1])
        more = f" ({len(rare)} such classes)" if len(rare) > 1 else ""
        text = f"class {quoted(level)} has {count} rows{more}: under {SMALL_CLASS} no verdict is safe"
        found.append(Caution("small", None, text))
    return tuple(found)
