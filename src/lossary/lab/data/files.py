"""A file or a folder by its path: CSV, TSV, Parquet, Arrow, Feather, .npz, pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pandas as pd

from lossary.core.errors import DataError, MissingExtraError, sentence
from lossary.lab.data.archive import from_archive, is_archive
from lossary.lab.data.columns import from_frame, from_text
from lossary.lab.data.delimited import decoded, read_text
from lossary.lab.data.folder import from_folder
from lossary.lab.data.found import DAMAGE, Content, Found, refused
from lossary.lab.data.nearest import listed, nearest, quoted
from lossary.lab.data.refusals import unique_names
from lossary.lab.data.table import Reading

BOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # zip (so also .xlsx) and the older Excel format
PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
ARROW = (b"ARROW1", b"FEA1")  # Arrow's file format, which Feather is too, and the first Feather
TABLES = frozenset(
    {".csv", ".tsv", ".tab", ".txt", ".dat", ".parquet", ".pq", ".arrow", ".feather", ".ipc", ".npz"}
)


def from_path(path: Path, known: Iterable[str]) -> Found:
    """What is behind a path. `known` are the names of the embedded sets, to suggest one of them.

    Raises DataError for what is missing, unreadable or no data, MissingExtraError for a missing package.
    """
    try:
        if not path.exists():
            raise _missing(path, list(known))
        if path.is_dir():
            return from_folder(path, TABLES)
        if path.is_char_device() or path.is_block_device():
            raise refused(f"source {quoted(path)}", "a file or a folder", "a device", "name a file")
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(
            sentence(
                f"file {quoted(path)}",
                expected="a file that can be read",
                got=(error.strerror or "an error").lower(),
                remedy="check its permissions",
            )
        ) from None
    digest = hashlib.sha256(raw).hexdigest()
    content, reading = _content(raw, path)
    return Found(content, path.stem, path.name, digest, reading)


def _content(raw: bytes, path: Path) -> tuple[Content, Reading]:
    suffix = path.suffix.lower()
    if raw[:4] == b"PAR1" or suffix in (".parquet", ".pq"):
        return Content(_parquet(raw, path)), Reading("parquet", str(path))
    if raw.startswith(ARROW) or suffix in (".arrow", ".arrows", ".feather", ".ipc"):
        return Content(_arrow(raw, path)), Reading("arrow", str(path))
    if suffix == ".npz" or (raw.startswith(BOOKS[0]) and is_archive(raw)):
        return from_archive(raw, path.name), Reading("npz", str(path))
    if raw.startswith(b"\x93NUMPY"):
        raise refused(
            f"file {quoted(path.name)}",
            "inputs and answers together",
            "one array",
            "save both in one file: numpy.savez('data.npz', x=inputs, y=answers)",
        )
    if raw.startswith(BOOKS) or raw.startswith(PACKED):
        book = raw.startswith(BOOKS)
        raise DataError(
            sentence(
                f"file {quoted(path.name)}",
                expected="a table as text (CSV, TSV) or Parquet",
                got="a workbook or a zip archive" if book else "a compressed file",
                remedy="save the sheet as CSV" if book else "unpack it first",
            )
        )
    text, encoding, guessed = decoded(raw, path.name)
    tabbed = "\t" if suffix in (".tsv", ".tab") else None
    texts, delimiter, shaped = read_text(text, path.name, tabbed)
    unique_names([str(label) for label in texts.columns], f"file {quoted(path.name)}")
    frame, decimal, typed = from_text(texts)
    reading = Reading("csv", str(path), delimiter, decimal, encoding)
    return Content(frame, notes=(*guessed, *shaped, *typed)), reading


def _missing(path: Path, known: list[str]) -> DataError:
    folder = path.parent
    files = sorted(child.name for child in folder.iterdir()) if folder.is_dir() else []
    near = nearest(path.name, files)
    near_set = nearest(str(path), known)
    if near is not None:
        remedy = f"the nearest file is {quoted(folder / near)}"
    elif near_set is not None:
        remedy = f"the nearest embedded set is {quoted(near_set)}"
    elif not folder.is_dir():
        remedy = f"there is no folder {quoted(folder)} either"
    else:
        remedy = f"check the path, or choose an embedded set: {listed(known)}"
    return DataError(
        sentence(
            f"source {quoted(path)}",
            expected="a file or the name of an embedded set",
            got="neither",
            remedy=remedy,
        )
    )


def _parquet(raw: bytes, path: Path) -> pd.DataFrame:
    _need_pyarrow(path, "Parquet")
    from pyarrow import ArrowException

    try:
        # Ordinary columns only: an index that a frame was saved with comes back as a column of its own.
        frame = pd.read_parquet(BytesIO(raw), engine="pyarrow")
        unique_names([str(label).strip() for label in frame.columns], f"file {quoted(path.name)}")
        return from_frame(frame)
    except DataError:
        raise
    except (ArrowException, *DAMAGE) as error:
        raise _damaged(path, "a Parquet file", error) from None


def _arrow(raw: bytes, path: Path) -> pd.DataFrame:
    _need_pyarrow(path, "Arrow")
    from pyarrow import ArrowException, feather, ipc

    try:
        if raw.startswith(b"FEA1"):
            table = feather.read_table(BytesIO(raw))
        else:
            opened = ipc.open_file if raw.startswith(ARROW) else ipc.open_stream
            table = opened(BytesIO(raw)).read_all()
        unique_names([str(label).strip() for label in table.column_names], f"file {quoted(path.name)}")
        return from_frame(table.to_pandas())
    except DataError:
        raise
    except (ArrowException, *DAMAGE) as error:
        raise _damaged(path, "an Arrow or Feather file", error) from None


def _need_pyarrow(path: Path, format: str) -> None:
    if find_spec("pyarrow") is None:
        raise MissingExtraError(
            f"file {quoted(path.name)} is {format}, which needs pyarrow; run: pip install 'lossary[lab]'"
        )


def _damaged(path: Path, expected: str, error: Exception) -> DataError:
    said = (str(error).splitlines() or [""])[0].rstrip(".")[:120]
    got = said if isinstance(error, (OSError, ValueError)) and said else "a damaged one"
    return refused(f"file {quoted(path.name)}", expected, got, "write it again, or export CSV")
