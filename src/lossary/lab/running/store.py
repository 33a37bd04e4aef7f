"""The ledger of a comparison: what is planned and what is done, in one SQLite file that only the driver writes.

A slice is committed whole, in one transaction and with a seal, or not at all; so a run that was killed anywhere goes
on from its last committed slice and ends with the same results. Clock times stand in a table of their own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isnan, nan
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from filelock import FileLock, Timeout

from lossary.core.errors import DataError
from lossary.lab import record
from lossary.lab.planning.plan import Plan, Stage
from lossary.lab.running.ledger import ANCHORS, LEDGER, content, damaged, opened, refusals, seal
from lossary.lab.running.outputs import Floats, Outputs
from lossary.lab.running.request import Request, differing
from lossary.lab.training.anchors import Anchored
from lossary.lab.training.choose import Trained

__all__ = ["Outputs", "Store"]

LOCK = ".lock"

T = TypeVar("T")


class Store:
    """The ledger in a run folder. Use it in a `with`: it holds the folder's lock, which dies with the process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ledger = folder / LEDGER
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
            self._db = opened(self._ledger)
        except BaseException:
            self._lock.release()
            raise

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

    def adopt(self, plan: Plan, request: Request | None = None) -> None:
        """Freeze the plan and its first stage, or check that the folder holds this very plan already.

        The request is kept beside it, for `lossary.lab.resume` and to say what has changed where the plan is another.
        """
        held, text = self._text("plan"), record.text(plan)
        if held is None:
            with self._writing():
                self._db.execute("INSERT INTO plan VALUES ('plan', ?)", [text])
                if request is not None:
                    self._db.execute("INSERT INTO plan VALUES ('request', ?)", [record.text(request)])
                self._freeze(plan.first_stage())
        elif held != text:
            raise DataError(differing(self.folder, held, plan, self.request(), request))

    def plan(self) -> Plan | None:
        """The plan that is frozen here, if one is. Raises RecordError for one of another version of Lossary."""
        return self._kept("plan", Plan)

    def request(self) -> Request | None:
        """What was asked when the plan was frozen, if that is known."""
        return self._kept("request", Request)

    def stages(self) -> list[Stage]:
        """The stages frozen so far."""
        return [record.read(Stage, text) for (text,) in self._rows("SELECT json FROM stage ORDER BY number")]

    def freeze(self, stage: Stage) -> None:
        """Write a later stage down before its first training."""
        with self._writing():
            self._freeze(stage)

    def _freeze(self, stage: Stage) -> None:
        text = record.text(stage)
        self._db.execute(
            "INSERT INTO stage VALUES (?, ?, ?)", [stage.number, text, seal([(stage.number, text)])]
        )

    def done(self, stage: int) -> frozenset[int]:
        """The slices of a stage that are committed."""
        rows = self._rows("SELECT number FROM slice WHERE stage = ?", stage)
        return frozenset(number for (number,) in rows)

    def commit(
        self, stage: int, number: int, trained: Sequence[Trained], outputs: Sequence[Outputs], seconds: float
    ) -> None:
        """Write one slice, whole."""
        with self._writing():
            self._db.executemany(
                f"INSERT INTO trained VALUES ({', '.join('?' * 13)})",
                [(stage, number, *_row(each)) for each in trained],
            )
            self._db.executemany(
                "INSERT INTO outputs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        stage,
                        number,
                        o.label,
                        o.split,
                        o.rate,
                        _bytes(o.valid),
                        _bytes(o.test),
                        o.test.shape[2],
                    )
                    for o in outputs
                ],
            )
            self._close(stage, number)
            self._spend(f"stage {stage}", seconds)

    def _close(self, stage: int, number: int) -> None:
        """Mark a slice as done, with the seal of what the ledger now holds of it."""
        kept = content(self._db, stage, number)
        self._db.execute("INSERT INTO slice VALUES (?, ?, ?)", [stage, number, kept])

    def trained(self) -> list[Trained]:
        """Every training committed, in an order that does not depend on how it came about."""
        columns = "key, label, split, rate, seed, score, train, tie, epoch, curve, diverged"
        rows = self._rows(f"SELECT {columns} FROM trained ORDER BY label, split, rate, seed")
        return [_trained(row) for row in rows]

    def outputs(self, label: str, split: int, rate: float, seeds: int) -> Outputs:
        """The outputs at a rate that was the best of its stage."""
        [(valid, test, columns)] = self._rows(
            "SELECT valid, test, columns FROM outputs WHERE label = ? AND split = ? AND rate = ?",
            label,
            split,
            rate,
        )
        return Outputs(label, split, rate, _floats(valid, seeds, columns), _floats(test, seeds, columns))

    def anchored(self) -> dict[int, tuple[Anchored, ...]]:
        """split -> the anchors committed for it."""
        found: dict[int, tuple[Anchored, ...]] = {}
        for split, name, test, columns in self._rows(
            "SELECT split, name, test, columns FROM anchor ORDER BY split, rowid"
        ):
            found[split] = (*found.get(split, ()), Anchored(name, _floats(test, 1, columns)[0]))
        return found

    def commit_anchors(self, split: int, anchors: Sequence[Anchored], seconds: float) -> None:
        """Write the anchors of one split, whole."""
        with self._writing():
            self._db.executemany(
                "INSERT INTO anchor VALUES (?, ?, ?, ?, ?)",
                [
                    (ANCHORS, split, each.name, _bytes(each.outputs), each.outputs.shape[1])
                    for each in anchors
                ],
            )
            self._close(ANCHORS, split)
            self._spend("anchors", seconds)

    def spend(self, name: str, seconds: float) -> None:
        """Add to the time spent on something; interrupted runs add up."""
        with self._writing():
            self._spend(name, seconds)

    def _spend(self, name: str, seconds: float) -> None:
        self._db.execute(
            "INSERT INTO seconds VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET spent = spent + excluded.spent",
            [name, seconds],
        )

    def seconds(self) -> dict[str, float]:
        """Time spent, by name."""
        return dict(self._rows("SELECT name, spent FROM seconds ORDER BY name"))

    def _kept(self, name: str, kind: type[T]) -> T | None:
        held = self._text(name)
        try:
            return None if held is None else record.read(kind, held)
        except ValueError:
            raise damaged(self._ledger, f"its {name} cannot be read") from None

    def _text(self, name: str) -> str | None:
        return next((text for (text,) in self._rows("SELECT json FROM plan WHERE name = ?", name)), None)

    def _rows(self, query: str, *values: object) -> list[Any]:
        with refusals(self._ledger):
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction. Raises DataError where the disk refuses it; what was committed before stands."""
        with refusals(self._ledger), self._db:
            yield


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
