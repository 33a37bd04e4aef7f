"""The ledger of a comparison: what is planned and what is done, in one SQLite file that only the driver writes.

A slice is committed whole, in one transaction, or not at all; so a run that was killed anywhere goes on from its
last committed slice and ends with the same results. Clock times stand in a table of their own.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from lossary.core.errors import DataError
from lossary.lab import record
from lossary.lab.planning.plan import Plan, Stage
from lossary.lab.training.anchors import Anchored
from lossary.lab.training.choose import Trained

LEDGER = "ledger.sqlite"
LOCK = ".lock"

SCHEMA = """
CREATE TABLE IF NOT EXISTS plan (name TEXT PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stage (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS slice (stage INTEGER, number INTEGER, PRIMARY KEY (stage, number));
CREATE TABLE IF NOT EXISTS trained (
    key TEXT PRIMARY KEY, label TEXT NOT NULL, split INTEGER NOT NULL, rate REAL NOT NULL, seed INTEGER NOT NULL,
    score REAL, train REAL, tie REAL, epoch INTEGER NOT NULL, curve BLOB NOT NULL, diverged TEXT);
CREATE TABLE IF NOT EXISTS outputs (
    label TEXT, split INTEGER, rate REAL, valid BLOB NOT NULL, test BLOB NOT NULL, columns INTEGER NOT NULL,
    PRIMARY KEY (label, split, rate));
CREATE TABLE IF NOT EXISTS anchor (
    split INTEGER, name TEXT, test BLOB NOT NULL, columns INTEGER NOT NULL, PRIMARY KEY (split, name));
CREATE TABLE IF NOT EXISTS seconds (name TEXT PRIMARY KEY, spent REAL NOT NULL);
"""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Outputs:
    """Raw network outputs of one loss on one split at its best rate, every seed: (seeds, rows, outputs)."""

    label: str
    split: int
    rate: float
    valid: Floats
    test: Floats


class Store:
    """The ledger in a run folder. Use it in a `with`: it holds the folder's lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = FileLock(folder / LOCK)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # A file without a name: where none can be made, the lock would take that for another run's.
            tempfile.TemporaryFile(dir=folder).close()
            self._lock.acquire(timeout=0)
        except Timeout:  # an OSError too
            raise DataError(
                f"{folder}: another run is writing to this folder; wait for it, or name another folder with --out."
            ) from None
        except OSError as error:
            raise DataError(
                f"{folder}: expected a folder to write to, got {(error.strerror or 'an error').lower()}; "
                "name another one with --out."
            ) from None
        try:
            self._db = _opened(folder / LEDGER)
        except sqlite3.DatabaseError as error:
            self._lock.release()
            raise DataError(
                f"{folder / LEDGER}: expected a ledger of Lossary, got a file that SQLite refuses ({error}); "
                "delete the folder, or name another one with --out."
            ) from None

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the ledger and let the folder go."""
        self._db.close()
        self._lock.release()

    def adopt(self, plan: Plan) -> None:
        """Freeze the plan and its first stage, or check that the folder holds this very plan already."""
        held = self._db.execute("SELECT json FROM plan").fetchone()
        if held is None:
            with self._db:
                self._db.execute("INSERT INTO plan VALUES ('plan', ?)", [record.text(plan)])
                self._freeze(plan.first_stage())
        elif held[0] != record.text(plan):
            raise DataError(
                f"{self.folder}: holds a comparison with other {_difference(json.loads(held[0]), plan)}; "
                "name another folder with --out, or leave --out away."
            )

    def stages(self) -> list[Stage]:
        """The stages frozen so far."""
        rows = self._db.execute("SELECT json FROM stage ORDER BY number").fetchall()
        return [record.read(Stage, text) for (text,) in rows]

    def freeze(self, stage: Stage) -> None:
        """Write a later stage down before its first training."""
        with self._db:
            self._freeze(stage)

    def _freeze(self, stage: Stage) -> None:
        self._db.execute("INSERT INTO stage VALUES (?, ?)", [stage.number, record.text(stage)])

    def done(self, stage: int) -> frozenset[int]:
        """The slices of a stage that are committed."""
        rows = self._db.execute("SELECT number FROM slice WHERE stage = ?", [stage]).fetchall()
        return frozenset(number for (number,) in rows)

    def commit(
        self, stage: int, number: int, trained: Sequence[Trained], outputs: Sequence[Outputs], seconds: float
    ) -> None:
        """Write one slice, whole."""
        with self._db:
            self._db.executemany(
                "INSERT INTO trained VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_row(each) for each in trained],
            )
            self._db.executemany(
                "INSERT INTO outputs VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (o.label, o.split, o.rate, _bytes(o.valid), _bytes(o.test), o.test.shape[2])
                    for o in outputs
                ],
            )
            self._db.execute("INSERT INTO slice VALUES (?, ?)", [stage, number])
            self._spend(f"stage {stage}", seconds)

    def trained(self) -> list[Trained]:
        """Every training committed, in an order that does not depend on how it came about."""
        rows = self._db.execute("SELECT * FROM trained ORDER BY label, split, rate, seed").fetchall()
        return [_trained(row) for row in rows]

    def outputs(self, label: str, split: int, rate: float, seeds: int) -> Outputs:
        """The outputs at a rate that was the best of its stage."""
        valid, test, columns = self._db.execute(
            "SELECT valid, test, columns FROM outputs WHERE label = ? AND split = ? AND rate = ?",
            [label, split, rate],
        ).fetchone()
        return Outputs(label, split, rate, _floats(valid, seeds, columns), _floats(test, seeds, columns))

    def anchored(self) -> dict[int, tuple[Anchored, ...]]:
        """split -> the anchors committed for it."""
        rows = self._db.execute(
            "SELECT split, name, test, columns FROM anchor ORDER BY split, rowid"
        ).fetchall()
        found: dict[int, tuple[Anchored, ...]] = {}
        for split, name, test, columns in rows:
            found[split] = (*found.get(split, ()), Anchored(name, _floats(test, 1, columns)[0]))
        return found

    def commit_anchors(self, split: int, anchors: Sequence[Anchored], seconds: float) -> None:
        """Write the anchors of one split, whole."""
        with self._db:
            self._db.executemany(
                "INSERT INTO anchor VALUES (?, ?, ?, ?)",
                [(split, each.name, _bytes(each.outputs), each.outputs.shape[1]) for each in anchors],
            )
            self._spend("anchors", seconds)

    def spend(self, name: str, seconds: float) -> None:
        """Add to the time spent on something; interrupted runs add up."""
        with self._db:
            self._spend(name, seconds)

    def _spend(self, name: str, seconds: float) -> None:
        self._db.execute(
            "INSERT INTO seconds VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET spent = spent + excluded.spent",
            [name, seconds],
        )

    def seconds(self) -> dict[str, float]:
        """Time spent, by name."""
        return dict(self._db.execute("SELECT name, spent FROM seconds ORDER BY name").fetchall())


def _opened(ledger: Path) -> sqlite3.Connection:
    """The ledger with its tables. Raises sqlite3.DatabaseError, the file closed again, where it is none."""
    found = sqlite3.connect(ledger)
    try:
        found.executescript(SCHEMA)
    except sqlite3.DatabaseError:
        found.close()
        raise
    return found


def _difference(held: dict[str, object], plan: Plan) -> str:
    wanted = record.plain(plan)
    if held["data"] != wanted["data"]:
        return "data"
    if held["versions"] != wanted["versions"]:
        return "versions of its libraries"
    old, new = held["settings"], wanted["settings"]
    if isinstance(old, dict) and old != new:
        return "settings (" + ", ".join(_settings(old, new)) + ")"
    return "settings"


def _settings(old: dict[str, object], new: dict[str, object]) -> Iterable[str]:
    return (
        f"{name}={old.get(name)!r}, now {value!r}" for name, value in new.items() if old.get(name) != value
    )


def _row(t: Trained) -> tuple[object, ...]:
    # SQLite has no NaN: a score that is not a number is stored as NULL.
    scores = (None if isnan(value) else value for value in (t.score, t.train, t.tie))
    curve = np.array(t.curve, dtype="<f8").tobytes()
    return (t.key, t.label, t.split, t.rate, t.seed, *scores, t.epoch, curve, t.diverged)


def _trained(row: tuple[Any, ...]) -> Trained:
    key, label, split, rate, seed, *scores, epoch, curve, diverged = row
    score, train, tie = (nan if value is None else value for value in scores)
    points = tuple(np.frombuffer(curve, dtype="<f8").tolist())
    return Trained(key, label, split, rate, seed, score, train, tie, epoch, points, diverged)


def _bytes(values: Floats) -> bytes:
    return np.ascontiguousarray(values, dtype="<f4").tobytes()


def _floats(blob: bytes, seeds: int, columns: int) -> Floats:
    return np.frombuffer(blob, dtype="<f4").reshape(seeds, -1, columns).astype(np.float32)
