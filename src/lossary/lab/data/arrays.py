"""Arrays to a frame: (rows, features) and (rows,), as scikit-learn's functions take them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lossary.core.errors import DataError, sentence


def as_frame(data: object, target: Any) -> tuple[object, str | None]:
    """What `read` takes, and the name of its target column: both as they are unless `target` is an array of answers.

    Columns without a name are called x0, x1, ..., the target y. Raises DataError for shapes that do not fit.
    """
    if target is None and isinstance(data, tuple) and len(data) == 2:
        data, target = data
    if target is None or isinstance(target, str):
        if _array(data) is not None:
            raise DataError(
                sentence(
                    "data",
                    expected="rows and targets, or a frame with the name of its target column",
                    got=f"an array of shape {_array(data).shape} and target={target!r}",
                    remedy="call compare(X, y)",
                )
            )
        return data, target
    answers = _array(target)
    if answers is None:
        raise DataError(
            sentence(
                "target",
                expected="the name of a column, or an array with a value a row",
                got=type(target).__name__,
                remedy="name the column that is to be predicted",
            )
        )
    frame = data if isinstance(data, pd.DataFrame) else _columns(data)
    if answers.ndim != 1 or len(answers) != len(frame):
        raise DataError(
            sentence(
                "target",
                expected=f"one value for each of {len(frame):,} rows",
                got=f"the shape {answers.shape}",
                remedy="give y with the shape (rows,)",
            )
        )
    name = str(target.name) if isinstance(target, pd.Series) and target.name is not None else "y"
    if name in map(str, frame.columns):
        raise DataError(
            sentence(
                "target",
                expected="a name that no column of the rows has",
                got=repr(name),
                remedy="name the column as the target, or rename it",
            )
        )
    # By place, as in every function that takes X and y: an index, where there is one, means nothing here.
    return frame.reset_index(drop=True).assign(**{name: answers}), name


def _columns(data: object) -> pd.DataFrame:
    values = _array(data)
    if values is None or values.ndim != 2:
        got = type(data).__name__ if values is None else f"an array of shape {values.shape}"
        raise DataError(
            sentence(
                "data", expected="an array of shape (rows, features)", got=got, remedy="flatten each row"
            )
        )
    return pd.DataFrame(values, columns=[f"x{i}" for i in range(values.shape[1])])


def _array(value: object) -> Any:
    """numpy and torch arrays, series and lists of numbers or texts as a numpy array; None for anything else."""
    if isinstance(value, pd.Series):
        return value.to_numpy()
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "detach"):  # a tensor
        return value.detach().cpu().numpy()
    if isinstance(value, (list, tuple)) and value and not isinstance(value[0], (np.ndarray, pd.DataFrame)):
        return np.asarray(value)
    return None
