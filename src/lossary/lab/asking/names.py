"""Columns that name their row rather than say something of it."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

DISTINCT_TEXTS = 20  # an identifier has at least this many distinct texts
NAMES_A_ROW = re.compile(r"(^|[\s_.-])(id|key|uuid|guid)$|[a-z](Id|ID)$", re.ASCII)


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
