"""The SQLite file under the ledger: opened only when it is whole and ours, and every refusal of a disk in one sentence.

A transaction is on the disk whole or not at all: SQLite writes what it is about to overwrite to a journal first, and
whoever opens the file after a crash rolls back what was not committed. `synchronous = FULL` makes that true of a
power cut as well; it costs two or three milliseconds a slice, which takes seconds to train.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lossary.core.errors import DataError

LEDGER = "ledger.sqlite"
APPLICATION = 0x4C6F7373  # "Loss": says in the file's header whose it is
VERSION = 2  # of the tables below; raised when one of them changes
ANCHORS = -1  # the "stage" of the simple models: their slices are the splits

SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE plan (name TEXT PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE stage (number INTEGER PRIMARY KEY, json TEXT NOT NULL, seal TEXT NOT NULL);
CREATE TABLE slice (stage INTEGER, number INTEGER, seal TEXT NOT NULL, PRIMARY KEY (stage, number));
CREATE TABLE trained (
    stage INTEGER NOT NULL, slice INTEGER NOT NULL,
    key TEXT PRIMARY KEY, label TEXT NOT NULL, split INTEGER NOT NULL, rate REAL NOT NULL, seed INTEGER NOT NULL,
    score REAL, train REAL, tie REAL, epoch INTEGER NOT NULL, curve BLOB NOT NULL, diverged TEXT);
CREATE TABLE outputs (
    stage INTEGER NOT NULL, slice INTEGER NOT NULL,
    label TEXT, split INTEGER, rate REAL, valid BLOB NOT NULL, test BLOB NOT NULL, columns INTEGER NOT NULL,
    PRIMARY KEY (label, split, rate));
CREATE TABLE anchor (
    stage INTEGER NOT NULL, split INTEGER, name TEXT, test BLOB NOT NULL, columns INTEGER NOT NULL,
    PRIMARY KEY (split, name));
CREATE INDEX trained_by_slice ON trained (stage, slice);
CREATE INDEX outputs_by_slice ON outputs (stage, slice);
CREATE TABLE seconds (name TEXT PRIMARY KEY, spent REAL NOT NULL);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
COMMIT;
"""
#: The rows of a slice, in the order they were written.
CONTENT = (
    "SELECT * FROM trained WHERE stage = ? AND slice = ? ORDER BY rowid",
    "SELECT * FROM outputs WHERE stage = ? AND slice = ? ORDER BY rowid",
    "SELECT * FROM anchor WHERE stage = ? AND split = ? ORDER BY rowid",
)


def opened(ledger: Path) -> sqlite3.Connection:
    """The ledger with its tables, checked. Raises DataError, the file closed again, where it cannot be used."""
    with refusals(ledger):
        found = sqlite3.connect(ledger)
        try:
            found.execute("PRAGMA journal_mode = DELETE")
            found.execute("PRAGMA synchronous = FULL")
            if found.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                found.executescript(SCHEMA)
            _check(found, ledger)
        except BaseException:
            found.close()
            raise
    return found


def _check(found: sqlite3.Connection, ledger: Path) -> None:
    application, version = (
        found.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    )
    if application != APPLICATION:
        raise DataError(
            f"{ledger}: expected a ledger of Lossary, got a database of another program; "
            "name another folder with --out."
        )
    if version != VERSION:
        raise DataError(
            f"{ledger}: expected a ledger in format {VERSION}, got format {version}, which another version of "
            "Lossary wrote; finish the run with that version, or name another folder with --out."
        )
    [said] = found.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise damaged(ledger, said.splitlines()[0])
    for number, text, kept in found.execute("SELECT number, json, seal FROM stage").fetchall():
        if seal([(number, text)]) != kept:
            raise damaged(ledger, f"stage {number} is not what was written")
    for stage, number, kept in found.execute("SELECT stage, number, seal FROM slice").fetchall():
        if content(found, stage, number) != kept:
            raise damaged(ledger, f"slice {number} of stage {stage} is not what was written")


def content(found: sqlite3.Connection, stage: int, number: int) -> str:
    """The seal of a slice as it stands in the ledger."""
    return seal(row for query in CONTENT for row in found.execute(query, [stage, number]))


def seal(rows: Iterable[tuple[object, ...]]) -> str:
    """The sha256 of rows: what is read later is what was written, or the ledger is refused."""
    found = hashlib.sha256()
    for row in rows:
        for value in row:
            raw = value if isinstance(value, bytes) else repr(value).encode()
            found.update(f"{len(raw)} ".encode() + raw)
    return found.hexdigest()


@contextmanager
def refusals(ledger: Path) -> Iterator[None]:
    """Whatever SQLite or the disk under it refuses becomes a DataError of one sentence."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise  # a defect: something was to be written twice, or after the end
    except UnicodeDecodeError:  # from a name or a message that holds what is no text
        raise damaged(ledger, "a text in it is none") from None
    except (sqlite3.DatabaseError, OSError) as error:
        raise refused(ledger, error) from None


def refused(ledger: Path, error: sqlite3.DatabaseError | OSError) -> DataError:
    """The sentence for an error of the disk or of SQLite."""
    code = getattr(error, "sqlite_errorname", "")
    if "decode to UTF-8" in str(error):  # Python's own, with the text in it
        return damaged(ledger, "a text in it is none")
    if code in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
        return damaged(ledger, str(error))
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return DataError(
            f"{ledger}: expected to be alone with it, got a ledger that another program holds open; "
            "close that program, then run the same command again: it goes on from its last finished slice."
        )
    said = error.strerror if isinstance(error, OSError) else str(error)
    if code.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
        return DataError(
            f"{ledger}: expected a ledger of Lossary that can be written to, got a refusal ({said}); "
            "check its permissions, or name another folder with --out."
        )
    return DataError(
        f"{ledger.parent}: expected a disk that can be written to, got {(said or 'an error').lower()}; make room or "
        "check its permissions, then run the same command again: it goes on from its last finished slice."
    )


def damaged(ledger: Path, said: str) -> DataError:
    """The sentence for a file that is not what was written."""
    return DataError(
        f"{ledger}: expected a ledger of Lossary, got a damaged file ({said}); "
        "delete the folder and run again, or name another one with --out."
    )
