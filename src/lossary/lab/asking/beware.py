"""Columns that give the answer away, rows that stand in a table twice, and rows that are poor judges of a rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lossary.lab.asking.splits import Split
from lossary.lab.asking.task import Kind
from lossary.lab.data.nearest import quoted
from lossary.lab.metrics import get_metric

ROWS_A_VALUE = 5  # a column whose values repeat this often, on average, cannot fit the target by chance alone
ENOUGH = 20  # rows below which a one-to-one copy proves nothing
SQUARED = ("rmse", "r2")  # metrics that a few gross errors decide


@dataclass(frozen=True)
class Caution:
    """Something to beware of: kind ("leak", "duplicates", "dropped", "small"), its column, a sentence."""

    kind: str
    column: str | None
    text: str


def cautions(
    frame: pd.DataFrame, features: Sequence[str], answers: pd.Series[Any], kind: Kind
) -> tuple[Caution, ...]:
    """Leaks, column by column, and exact duplicates among the rows."""
    found = []
    codes = pd.factorize(answers)[0]
    for name in features:
        how = _gives_away(frame[name], answers, codes, kind)
        if how is not None:
            found.append(
                Caution("leak", name, f"column {quoted(name)} {how}: a leak unless it is known beforehand")
            )
    twice = int(row_keys(frame).duplicated().sum())
    if twice:
        rows = "1 row is an exact copy" if twice == 1 else f"{twice} rows are exact copies"
        text = f"{rows} of another: copies stand in training and in test rows alike"
        found.append(Caution("duplicates", None, text))
    return tuple(found)


def dirty_validation(metric: str, gross: float | None = None) -> str:
    """Why a squared error is a poor judge of rates where this share of the targets are gross outliers.

    benchmarks/outliers.py measures it: rates chosen by RMSE on such rows were worse by test RMSE too.
    """
    share = "" if gross is None else f", {100 * gross:.2g} % of them,"
    return (
        f"the validation rows hold gross outliers{share} and {get_metric(metric).title} on them picks worse rates and "
        "epochs than the mean absolute error does: choose --metric mae or median_error where they are errors"
    )


def row_keys(frame: pd.DataFrame) -> pd.Series[Any]:
    """A number for each row, equal for equal rows (a 64-bit hash: chance collisions are of no account)."""
    return pd.util.hash_pandas_object(frame, index=False)


def straddling(frame: pd.DataFrame, split: Split) -> int:
    """How many test rows have an exact copy, target included, among the training or validation rows."""
    keys = row_keys(frame).to_numpy()
    return int(np.isin(keys[split.test], keys[np.concatenate([split.train, split.valid])]).sum())


def _gives_away(
    column: pd.Series[Any], answers: pd.Series[Any], codes: NDArray[np.intp], kind: Kind
) -> str | None:
    if column.dtype == answers.dtype and column.rename("x").equals(answers.rename("x")):
        return "is the target"
    filled = column.notna().to_numpy()
    rows = int(filled.sum())
    if rows < ENOUGH:
        return None
    own = pd.factorize(column[filled])[0]
    if not kind.numbers or own.max() + 1 < rows / ROWS_A_VALUE:
        how = _levels_match(own, codes[filled], rows)
        if how is not None:
            return how
    if kind.numbers and column.dtype != object:
        return _same_order(column[filled], answers[filled])
    return None


def _levels_match(own: NDArray[np.intp], codes: NDArray[np.intp], rows: int) -> str | None:
    values, levels = int(own.max()) + 1, len(np.unique(codes))
    if values < 2 or levels < 2 or values > rows / ROWS_A_VALUE:
        return None
    pairs = len(np.unique(own.astype(np.int64) * (int(codes.max()) + 1) + codes))
    if pairs == values == levels:
        return "is a one-to-one copy of the target"
    return "determines the target" if pairs == values else None


def _same_order(column: pd.Series[Any], answers: pd.Series[Any]) -> str | None:
    """A strictly monotone function of the target, such as the price in cents or its logarithm."""
    ours, theirs = column.rank(method="dense").to_numpy(), answers.rank(method="dense").to_numpy()
    if ours.max() < ENOUGH / 2:
        return None
    rising = bool(np.array_equal(ours, theirs))
    falling = bool(np.array_equal(ours, theirs.max() + 1 - theirs))
    return "is a one-to-one copy of the target" if rising or falling else None
