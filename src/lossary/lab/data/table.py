"""A table as the laboratory sees it: named columns, one target, and where it all came from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Reading:
    """How a file was read, in the words of `pandas.read_csv`; `path` is as it was given, or bare in a record."""

    format: str  # "csv", "parquet", "frame" or "embedded"
    path: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """Rows to learn from. Every column of `frame` is int64, float64, datetime64 without a zone, or object
    holding str with NaN where a cell is missing; the index is 0 .. rows - 1; column names are unique strings.

    `digest` is the SHA-256 of the content: of a file's bytes, or of the values of a frame or an embedded set.
    It names neither the target nor the weight column: what depends on those must say so beside it.
    """

    frame: pd.DataFrame
    target: str
    name: str
    source: str
    licence: str | None
    digest: str
    weight: str | None = None
    notes: tuple[str, ...] = ()
    reading: Reading = field(default_factory=lambda: Reading("frame"))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.frame)

    @property
    def features(self) -> tuple[str, ...]:
        """The columns to learn from, in their order: all but the target and the weight."""
        return tuple(name for name in self.frame.columns if name not in (self.target, self.weight))

    def answers(self) -> pd.Series[Any]:
        """The target column."""
        return self.frame[self.target]

    def weights(self) -> NDArray[np.float64] | None:
        """The weight of every row, shape (rows,), or None where every row counts alike."""
        return None if self.weight is None else self.frame[self.weight].to_numpy(dtype=np.float64)


def content_digest(frame: pd.DataFrame) -> str:
    """SHA-256 over names, kinds and values, the same on every machine and version of pandas.

    Numbers enter as little-endian float64 or int64, dates as microseconds, text as UTF-8 with its length in
    front (so that moving a character between two cells changes the digest), missing cells as a length of
    -1.
    """
    digest = hashlib.sha256()
    for name in frame.columns:
        column = frame[name]
        _text(digest, str(name))
        if pd.api.types.is_numeric_dtype(column.dtype):
            kind = "<i8" if pd.api.types.is_integer_dtype(column.dtype) else "<f8"
            digest.update(kind.encode() + np.ascontiguousarray(column.to_numpy().astype(kind)).tobytes())
        elif pd.api.types.is_datetime64_any_dtype(column.dtype):
            moments = column.to_numpy().astype("datetime64[us]").astype("<i8")
            digest.update(b"date" + np.ascontiguousarray(moments).tobytes())
        else:
            digest.update(b"text")
            for value, absent in zip(column.tolist(), column.isna().tolist(), strict=True):
                _text(digest, None if absent else str(value))
    return digest.hexdigest()


def _text(digest: Any, value: str | None) -> None:
    raw = b"" if value is None else value.encode("utf-8", "surrogatepass")
    digest.update((-1 if value is None else len(raw)).to_bytes(8, "little", signed=True) + raw)
