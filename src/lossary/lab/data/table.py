"""A table as the laboratory sees it: rows of columns, pictures or text, what is asked of them, and their origin."""

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

    format: str  # "csv", "parquet", "arrow", "npz", "pictures" (a folder), "frame", "arrays" or "embedded"
    path: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None


FILE = "file"  # the column that says which file, or which member of an array, a picture is
CLASS = "class"  # the target of pictures in class folders
MASK = "mask"  # the target of pictures with masks, which is no column


@dataclass(frozen=True, eq=False)
class Table:
    """Rows to learn from. Every column of `frame` is int64, float64, datetime64 without a zone, or object
    holding str with NaN where a cell is missing; the index is 0 .. rows - 1; column names are unique strings.

    A row may also be a picture: `pictures` is uint8 of shape (rows, channels, height, width), the frame then
    has the column "file" and, unless the answer is a mask, the target. `masks` is uint8 of shape (rows,
    height, width), 0 for background and 1, 2, ... for the objects of a picture; the target is then "mask" and
    no column. Where several columns of 0 and 1 are asked about at once, `targets` names them and `target` is
    their joined name. `group` names the rows that must not be parted, `time` says which came first, and
    `text` holds the text to read: none of the three is a feature.

    `digest` is the SHA-256 of the content: of a file's bytes, or of the values of a frame, pictures, masks or
    an embedded set. It names neither the target nor the weight column nor any other role: what depends on
    those must say so beside it.
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
    targets: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    text: str | None = None
    pictures: NDArray[np.uint8] | None = None
    masks: NDArray[np.uint8] | None = None
    kind: str | None = None  # the kind of task that an embedded set is about, such as "ordinal"

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.frame)

    @property
    def features(self) -> tuple[str, ...]:
        """The columns to learn from as numbers, in their order: all that have no other role."""
        roles = {self.target, *self.targets, self.weight, self.group, self.time, self.text}
        if self.pictures is not None:
            roles.add(FILE)
        return tuple(name for name in self.frame.columns if name not in roles)

    def answers(self) -> pd.Series[Any]:
        """The target column. Several targets are in `labels`, pictures' answers in `masks`."""
        return self.frame[self.target]

    def labels(self) -> NDArray[np.float32]:
        """Which of the targets hold in each row: 0 or 1, shape (rows, targets)."""
        return self.frame[list(self.targets)].to_numpy(dtype=np.float32)

    def weights(self) -> NDArray[np.float64] | None:
        """The weight of every row, shape (rows,), or None where every row counts alike."""
        return None if self.weight is None else self.frame[self.weight].to_numpy(dtype=np.float64)


def content_digest(frame: pd.DataFrame, *arrays: NDArray[np.uint8] | None) -> str:
    """SHA-256 over names, kinds and values, the same on every machine and version of pandas.

    Numbers enter as little-endian float64 or int64, dates as microseconds, text as UTF-8 with its length in
    front (so that moving a character between two cells changes the digest), missing cells as a length of
    -1. Pictures and masks enter as their shape and bytes, in the order given.
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
    for array in arrays:
        if array is not None:
            digest.update(b"bytes" + np.array(array.shape, dtype="<i8").tobytes())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _text(digest: Any, value: str | None) -> None:
    raw = b"" if value is None else value.encode("utf-8", "surrogatepass")
    digest.update((-1 if value is None else len(raw)).to_bytes(8, "little", signed=True) + raw)
