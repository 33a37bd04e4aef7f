"""What was read from a source, before anything is asked about it, and what its source itself says is to be asked."""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lossary.core.errors import DataError, sentence
from lossary.lab.data.table import Reading

# What decoders of pictures, archives and Arrow raise on damaged bytes, as random damage to files has shown.
DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, eq=False)
class Content:
    """Columns, and pictures (rows, channels, height, width) and masks (rows, height, width) where there are any.

    `target` is a column, a pattern of columns, or "mask"; `text` and `group` are columns.
    """

    frame: pd.DataFrame
    target: str | None = None
    text: str | None = None
    group: str | None = None
    pictures: NDArray[np.uint8] | None = None
    masks: NDArray[np.uint8] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Found:
    """The content of a source and where it is from."""

    content: Content
    name: str
    source: str
    digest: str
    reading: Reading
    licence: str | None = None
    kind: str | None = None


def refused(subject: str, expected: str, got: str, remedy: str) -> DataError:
    """The error of a source that cannot be used."""
    return DataError(sentence(subject, expected=expected, got=got, remedy=remedy))
