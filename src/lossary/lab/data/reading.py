"""From whatever the user names to a Table: a file, a frame, or an embedded set."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pandas as pd

from lossary.core.errors import DataError, MissingExtraError, sentence
from lossary.lab.data.columns import from_frame, from_text
from lossary.lab.data.delimited import decoded, read_text
from lossary.lab.data.embedded import EMBEDDED
from lossary.lab.data.nearest import listed, nearest, quoted
from lossary.lab.data.refusals import checked, unique_names
from lossary.lab.data.table import Reading, Table, content_digest

BOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # zip (so also .xlsx) and the older Excel format
PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")


def read(source: str | Path | pd.DataFrame, target: str | None = None, *, weight: str | None = None) -> Table:
    """The table behind `source`, with what is wrong with it said in one sentence.

    `source` is a path (CSV, TSV, Parquet), a pandas frame, or the name of an embedded set, which brings its
    own target and wins over a file of the same name ("./iris" is the file). Columns without any value are
    left out with a note. Raises DataError for data that cannot be compared on, MissingExtraError for a
    missing package.
    """
    if isinstance(source, pd.DataFrame):
        unique_names([str(label).strip() for label in source.columns], "the frame")
        frame = from_frame(source)
        found = Found(frame, "frame", "a pandas frame", content_digest(frame), Reading("frame"))
    elif str(source) in EMBEDDED:
        entry = EMBEDDED[str(source)]
        target = target or entry.target
        frame = from_frame(entry.frame())
        reading, digest = Reading("embedded", entry.name), content_digest(frame)
        found = Found(frame, entry.name, entry.source, digest, reading, licence=entry.licence)
    else:
        found = _from_file(Path(source))
    frame, notes = checked(found.frame, found.name, target, weight)
    assert target is not None  # `checked` refuses a table without a target
    return Table(
        frame=frame,
        target=target,
        name=found.name,
        source=found.source,
        licence=found.licence,
        digest=found.digest,
        weight=weight,
        notes=(*found.notes, *notes),
        reading=found.reading,
    )


@dataclass(frozen=True)
class Found:
    """What was read, before anything about its target is known."""

    frame: pd.DataFrame
    name: str
    source: str
    digest: str
    reading: Reading
    notes: tuple[str, ...] = ()
    licence: str | None = None


def _from_file(path: Path) -> Found:
    if not path.exists():
        raise _missing(path)
    if path.is_dir():
        inside = sorted(child.name for child in path.iterdir() if child.suffix.lower() in TABLES)
        raise DataError(
            sentence(
                f"source {quoted(path)}",
                expected="a file",
                got="a folder",
                remedy=f"name one of its files: {listed(inside)}" if inside else "name a file",
            )
        )
    try:
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
    if raw[:4] == b"PAR1" or path.suffix.lower() in (".parquet", ".pq"):
        frame = _parquet(raw, path)
        return Found(frame, path.stem, path.name, digest, Reading("parquet", str(path)))
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
    tabbed = "\t" if path.suffix.lower() in (".tsv", ".tab") else None
    texts, delimiter, shaped = read_text(text, path.name, tabbed)
    unique_names([str(label) for label in texts.columns], f"file {quoted(path.name)}")
    frame, decimal, typed = from_text(texts)
    reading = Reading("csv", str(path), delimiter, decimal, encoding)
    return Found(frame, path.stem, path.name, digest, reading, (*guessed, *shaped, *typed))


TABLES = {".csv", ".tsv", ".tab", ".txt", ".dat", ".parquet", ".pq"}


def _missing(path: Path) -> DataError:
    folder = path.parent
    files = sorted(child.name for child in folder.iterdir()) if folder.is_dir() else []
    near = nearest(path.name, files)
    near_set = nearest(str(path), EMBEDDED)
    if near is not None:
        remedy = f"the nearest file is {quoted(folder / near)}"
    elif near_set is not None:
        remedy = f"the nearest embedded set is {quoted(near_set)}"
    elif not folder.is_dir():
        remedy = f"there is no folder {quoted(folder)} either"
    else:
        remedy = f"check the path, or choose an embedded set: {listed(EMBEDDED)}"
    return DataError(
        sentence(
            f"source {quoted(path)}",
            expected="a file or the name of an embedded set",
            got="neither",
            remedy=remedy,
        )
    )


def _parquet(raw: bytes, path: Path) -> pd.DataFrame:
    if find_spec("pyarrow") is None:
        raise MissingExtraError(
            f"file {quoted(path.name)} is Parquet, which needs pyarrow; run: pip install 'lossary[lab]'"
        )
    try:
        # Ordinary columns only: an index that a frame was saved with comes back as a column of its own.
        frame = pd.read_parquet(BytesIO(raw), engine="pyarrow")
    except (OSError, ValueError) as error:  # pyarrow's own errors derive from these
        raise DataError(
            sentence(
                f"file {quoted(path.name)}",
                expected="a Parquet file",
                got=str(error).splitlines()[0].rstrip(".")[:120],
                remedy="write it again, or export CSV",
            )
        ) from None
    unique_names([str(label).strip() for label in frame.columns], f"file {quoted(path.name)}")
    return from_frame(frame)
