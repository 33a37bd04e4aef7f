"""Columns of any origin made into the four kinds a Table holds: whole numbers, numbers, dates, text.

Text from a file becomes numbers or dates only where every cell of the column says so and no second reading
exists:

- a decimal comma is believed once some cell of the file can be nothing else ("0,5", "1.234,5", "12,34"); a
  column whose cells all look like "1,234" stands for thousands or for thousandths, and stays text unless
  another column has settled it;
- "007" is a code, not the number 7, and its column stays text;
- "31/12/2020" settles day and month for its column; "03/04/2020" alone does not, and the column stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from lossary.core.errors import DataError, sentence
from lossary.lab.data.nearest import quoted

SECONDS_A_DAY = 86400.0
CODE = re.compile(r"[+-]?0\d+")
COMMA = re.compile(r"[+-]?(\d+|[1-9]\d{0,2}(\.\d{3})+)(,\d+)?")
ONLY_COMMA = re.compile(r"[+-]?(0,\d+|\d+,(\d{1,2}|\d{4,})|\d{4,},\d+|\d{1,3}(\.\d{3})+,\d+)")
POINT_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})*")
COMMA_THOUSANDS = re.compile(r"[+-]?([1-9]\d{0,2}(,\d{3})+|\d{1,3})(\.\d+)?")
ONLY_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}((,\d{3}){2,}|(,\d{3})+\.\d+)")
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")
YEAR_DATE = re.compile(r"\d{4}/\d{1,2}/\d{1,2}")
DAY_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")


def from_text(texts: pd.DataFrame) -> tuple[pd.DataFrame, str, tuple[str, ...]]:
    """Columns of text (missing cells absent) as numbers, dates or text; also the decimal mark and notes."""
    every = {name: texts[name] for name in texts.columns}
    numbers = {name: _numbers(column) for name, column in every.items()}
    levels = {name: column.dropna().unique().tolist() for name, column in every.items()}
    comma = any(
        numbers[name] is None and _all(COMMA, levels[name]) and _any(ONLY_COMMA, levels[name])
        for name in every
    )
    notes: list[str] = []
    columns: dict[str, pd.Series[Any]] = {}
    for name, column in every.items():
        number = numbers[name]
        if number is not None and comma and any("." in level for level in levels[name]):
            # In a file of decimal commas a point groups thousands: "1.234" is one thousand and more.
            number = _replaced(column, ".", "", levels[name], POINT_THOUSANDS, number)
        if number is None:
            number, note = _marked(name, column, levels[name], comma)
            notes.extend(note)
        if number is not None and (number.dropna() % 1 == 0).all() and _any(CODE, levels[name]):
            notes.append(f"column {quoted(name)} holds codes with leading zeros and was read as text")
            number = None
        if number is None:
            number, note = _dates(name, column, levels[name])
            notes.extend(note)
        columns[name] = _as_text(column) if number is None else number
    return pd.DataFrame(columns, index=texts.index), "," if comma else ".", tuple(notes)


def _all(pattern: re.Pattern[str], levels: Iterable[str]) -> bool:
    return all(pattern.fullmatch(level.strip()) for level in levels)


def _any(pattern: re.Pattern[str], levels: Iterable[str]) -> bool:
    return any(pattern.fullmatch(level.strip()) for level in levels)


def _numbers(column: pd.Series[Any]) -> pd.Series[Any] | None:
    """The column as numbers, or None where some cell is not one. All missing counts as numbers."""
    number = pd.to_numeric(column, errors="coerce")
    if int(number.isna().sum()) > int(column.isna().sum()):
        return None
    return _plain_numbers(number)


def _plain_numbers(number: pd.Series[Any]) -> pd.Series[Any]:
    whole = pd.api.types.is_integer_dtype(number.dtype) and not number.isna().any()
    if whole and (len(number) == 0 or number.max() <= np.iinfo(np.int64).max):
        return number.astype(np.int64)
    return number.astype(np.float64)


def _replaced(
    column: pd.Series[Any],
    old: str,
    new: str,
    levels: list[str],
    pattern: re.Pattern[str],
    otherwise: pd.Series[Any] | None,
) -> pd.Series[Any] | None:
    if not _all(pattern, levels):
        return otherwise
    return _numbers(column.str.replace(old, new, regex=False))


def _marked(
    name: str, column: pd.Series[Any], levels: list[str], comma: bool
) -> tuple[pd.Series[Any] | None, list[str]]:
    """Numbers written with a comma, as decimal mark or between thousands."""
    if comma and _all(COMMA, levels):
        pointless = column.str.replace(".", "", regex=False)
        return _numbers(pointless.str.replace(",", ".", regex=False)), []
    if not _all(COMMA_THOUSANDS, levels) or not levels:
        return None, []
    if _any(ONLY_THOUSANDS, levels):
        return _numbers(column.str.replace(",", "", regex=False)), []
    return None, [
        f"column {quoted(name)} was read as text: cells such as {quoted(levels[0])} may hold "
        "thousands or a decimal comma"
    ]


def _dates(name: str, column: pd.Series[Any], levels: list[str]) -> tuple[pd.Series[Any] | None, list[str]]:
    """Dates where every cell is one and its day and month are told apart."""
    if not levels or not any(form.fullmatch(levels[0].strip()) for form in (ISO_DATE, YEAR_DATE, DAY_DATE)):
        return None, []
    if _all(ISO_DATE, levels):
        return _parsed(column, levels, "ISO8601"), []
    if _all(YEAR_DATE, levels):
        return _parsed(column, levels, "%Y/%m/%d"), []
    parts = [match for level in levels if (match := DAY_DATE.fullmatch(level.strip()))]
    if len(parts) < len(levels):
        return None, []
    mark = parts[0][2]
    if any(part[2] != mark for part in parts):
        return None, []
    day_first = mark == "." or any(int(part[1]) > 12 for part in parts)
    month_first = any(int(part[3]) > 12 for part in parts)
    if day_first == month_first:
        return None, [
            f"column {quoted(name)} was read as text: {quoted(levels[0])} does not tell day from month; "
            "write dates as 2020-12-31"
        ]
    return _parsed(column, levels, f"%d{mark}%m{mark}%Y" if day_first else f"%m{mark}%d{mark}%Y"), []


def _parsed(column: pd.Series[Any], levels: list[str], form: str) -> pd.Series[Any] | None:
    # Each distinct text is parsed once: dates repeat, and parsing is the slow part.
    texts = pd.Series([level.strip() for level in levels])
    moments = pd.to_datetime(texts, format=form, errors="coerce", utc=True)
    if moments.isna().any():
        return None
    return column.map(dict(zip(levels, _zoneless(moments), strict=True))).astype("datetime64[us]")


def _zoneless(moments: pd.Series[Any]) -> pd.Series[Any]:
    plain: pd.Series[Any] = moments.dt.tz_convert(None).astype("datetime64[us]")
    return plain


def _as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Object column of str, NaN where missing."""
    plain = column.astype(object)
    return plain.where(plain.notna(), np.nan)


def from_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A user's frame with columns of the four kinds, names as text, a plain index; the frame is not changed.

    Raises DataError for a column of lists, bytes or complex numbers.
    """
    columns = {}
    for position, label in enumerate(frame.columns):
        columns[position] = _plain(str(label), frame.iloc[:, position]).reset_index(drop=True)
    plain = pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))
    plain.columns = pd.Index([str(label).strip() for label in frame.columns], dtype=object)
    return plain


def _plain(name: str, column: pd.Series[Any]) -> pd.Series[Any]:
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return _plain(name, column.astype(kind.categories.dtype))
    if isinstance(kind, pd.PeriodDtype):
        return _plain(name, column.dt.to_timestamp())
    if pd.api.types.is_bool_dtype(kind):
        return _as_text(column.astype(object).map({True: "True", False: "False"}))
    if pd.api.types.is_complex_dtype(kind):
        raise _unusable(name, "complex numbers")
    if pd.api.types.is_numeric_dtype(kind):
        return _plain_numbers(column if not column.isna().any() else column.astype("Float64").astype(float))
    if isinstance(kind, pd.DatetimeTZDtype):
        return _zoneless(column)
    if pd.api.types.is_datetime64_dtype(kind):
        return column.astype("datetime64[us]")
    if pd.api.types.is_timedelta64_dtype(kind):
        days: pd.Series[Any] = column.dt.total_seconds() / SECONDS_A_DAY
        return days
    return _from_objects(name, column)


def _from_objects(name: str, column: pd.Series[Any]) -> pd.Series[Any]:
    inner = pd.api.types.infer_dtype(column, skipna=True)
    if inner in ("integer", "floating", "mixed-integer-float", "decimal"):
        return _plain_numbers(pd.to_numeric(column.map(_undecimal)))
    if inner in ("datetime64", "datetime", "date"):
        return pd.to_datetime(column, utc=True).pipe(_zoneless)
    if inner == "bytes":
        raise _unusable(name, "bytes")
    first = next((cell for cell in column.dropna().tolist() if not np.isscalar(cell)), None)
    if isinstance(first, (list, tuple, set, dict, np.ndarray)):
        raise _unusable(name, f"a {type(first).__name__} in a cell")
    return _as_text(column.map(str, na_action="ignore"))


def _undecimal(cell: object) -> object:
    return float(cell) if isinstance(cell, Decimal) else cell


def _unusable(name: str, got: str) -> DataError:
    return DataError(
        sentence(
            f"column {quoted(name)}",
            expected="numbers, dates, text or true and false",
            got=got,
            remedy="turn it into several plain columns or leave it out",
        )
    )
