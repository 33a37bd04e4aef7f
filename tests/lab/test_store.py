"""The ledger commits a slice whole, refuses another plan, and lets one run at a time write."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lossary.core.errors import DataError
from lossary.lab import record
from lossary.lab.planning.candidate import Candidate
from lossary.lab.planning.plan import Plan, Settings
from lossary.lab.running.ledger import VERSION
from lossary.lab.running.ledger import refused as ledger_refused
from lossary.lab.running.store import Outputs, Store
from lossary.lab.training.anchors import Anchored
from lossary.lab.training.choose import Trained
from lossary.lab.training.networks import Mlp
from lossary.lab.training.trial import Setup

PLAN = Plan(
    data="abc",
    kind="binary",
    settings=Settings(
        "y", "accuracy", "hinge", 0.01, None, None, 0, 3, 2, 5, None, 32, (8,), (0.01, 0.1), ()
    ),
    candidates=(Candidate("hinge", "hinge", "hinge", "identity", "mode", "a reason", True, ""),),
    setup=Setup(Mlp(4, (8,), 1), "accuracy", epochs=5),
    versions=(("torch", "2"),),
)


def trained(rate: float, score: float = 0.5) -> Trained:
    return Trained(f"key {rate}", "hinge", 0, rate, 0, score, 0.75, math.nan, 3, (0.1, 0.2), None)


def outputs(rate: float) -> Outputs:
    values = np.arange(8, dtype=np.float32).reshape(2, 4, 1) + np.float32(rate)
    return Outputs("hinge", 0, rate, values, values[:, :3])


def test_what_is_committed_is_there_after_the_run_was_killed(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.adopt(PLAN)
        store.commit(0, 0, [trained(0.01), trained(0.1)], [outputs(0.1)], 1.5)
    with Store(tmp_path) as store:
        store.adopt(PLAN)
        assert store.stages() == [PLAN.first_stage()]
        assert store.done(0) == {0}
        first, second = store.trained()
        assert first.curve == (0.1, 0.2)
        assert math.isnan(second.tie)
        assert (first.score, first.diverged) == (0.5, None)
        kept = store.outputs("hinge", 0, 0.1, seeds=2)
        np.testing.assert_array_equal(kept.test, outputs(0.1).test)
        np.testing.assert_array_equal(kept.valid, outputs(0.1).valid)


def test_a_slice_that_fails_on_its_way_leaves_nothing_behind(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.adopt(PLAN)
        with pytest.raises(sqlite3.IntegrityError):
            store.commit(0, 0, [trained(0.01), trained(0.01)], [], 0.0)
        assert store.trained() == []
        assert store.done(0) == frozenset()


def test_a_second_run_on_the_same_folder_is_told_so(tmp_path: Path) -> None:
    with (
        Store(tmp_path),
        pytest.raises(DataError, match="another run is writing to this folder; wait for it"),
    ):
        Store(tmp_path)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (replace(PLAN, data="def"), "other data"),
        (replace(PLAN, versions=(("torch", "3"),)), r"other versions of its libraries \(torch 2, now 3\)"),
        (replace(PLAN, kind="multiclass"), "other losses or another network"),
        (replace(PLAN, settings=replace(PLAN.settings, seeds=3)), r"other settings \(seeds=2, now 3\)"),
    ],
)
def test_a_folder_with_another_plan_is_refused_in_one_sentence(
    tmp_path: Path, other: Plan, said: str
) -> None:
    with Store(tmp_path) as store:
        store.adopt(PLAN)
        with pytest.raises(DataError, match=said + ".*name another folder with --out"):
            store.adopt(other)


def test_anchors_of_a_split_are_kept_in_their_order(tmp_path: Path) -> None:
    values = np.ones((3, 1), dtype=np.float32)
    with Store(tmp_path) as store:
        store.commit_anchors(1, [Anchored("constant", values), Anchored("boosting", 2 * values)], 0.5)
        found = store.anchored()
    assert [each.name for each in found[1]] == ["constant", "boosting"]
    np.testing.assert_array_equal(found[1][1].outputs, 2 * values)


def test_the_time_of_interrupted_runs_adds_up(tmp_path: Path) -> None:
    for _ in range(2):
        with Store(tmp_path) as store:
            store.spend("report", 1.5)
    with Store(tmp_path) as store:
        assert store.seconds() == {"report": 3.0}


@pytest.mark.parametrize(
    ("called", "error", "said"),
    [
        ("tempfile.TemporaryFile", FileNotFoundError(2, "No such file or directory"), "no such file"),
        ("FileLock.acquire", PermissionError(13, "Permission denied"), "permission denied"),
    ],
)
def test_a_folder_that_takes_no_files_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, called: str, error: OSError, said: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(f"lossary.lab.running.store.{called}", refuse)
    with pytest.raises(DataError, match=f"expected a folder to write to, got {said}.*--out"):
        Store(tmp_path)


def test_a_ledger_that_is_refused_lets_its_folder_go(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    for _ in range(2):
        with pytest.raises(
            DataError, match="expected a ledger of Lossary that can be written to, got a refusal"
        ):
            Store(tmp_path)
    (tmp_path / "ledger.sqlite").rmdir()
    with Store(tmp_path) as store:
        assert store.stages() == []


def test_a_folder_that_is_a_file_and_a_ledger_that_is_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match="expected a folder to write to, got file exists"):
        Store(tmp_path / "file")
    (tmp_path / "ledger.sqlite").write_text("not a database, but long enough to be read as one" * 20)
    with pytest.raises(DataError, match="expected a ledger of Lossary"):
        Store(tmp_path)


def filled(folder: Path) -> Path:
    """A ledger with a slice and the anchors of a split in it."""
    with Store(folder) as store:
        store.adopt(PLAN)
        store.commit(0, 0, [trained(0.01), trained(0.1)], [outputs(0.1)], 1.5)
        store.commit_anchors(0, [Anchored("constant", np.ones((3, 1), dtype=np.float32))], 0.5)
    return folder / "ledger.sqlite"


def refused(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        Store(folder)
    said = str(caught.value)
    assert "\n" not in said
    assert "--out" in said
    return said


@pytest.mark.parametrize("left", [0.3, 0.6, 0.99])
def test_a_ledger_that_lost_its_end_is_refused(tmp_path: Path, left: float) -> None:
    ledger = filled(tmp_path)
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[: int(left * len(whole))])
    assert "got a damaged file" in refused(tmp_path)


def test_a_ledger_overwritten_anywhere_is_refused_or_says_what_it_said(tmp_path: Path) -> None:
    ledger = filled(tmp_path)
    whole, numbers = ledger.read_bytes(), np.random.default_rng(0)
    with Store(tmp_path) as store:
        before = record.text((store.trained(), store.outputs("hinge", 0, 0.1, seeds=2).test))
    silent = 0
    for _ in range(60):
        at = int(numbers.integers(len(whole) - 64))
        ledger.write_bytes(whole[:at] + numbers.bytes(64) + whole[at + 64 :])
        try:
            with Store(tmp_path) as store:
                store.adopt(PLAN)
                assert store.request() is None
                found = (store.trained(), store.outputs("hinge", 0, 0.1, seeds=2).test)
                assert record.text(found) == before
                silent += 1
        except DataError as error:
            assert "\n" not in str(error)
    assert silent < 60


@pytest.mark.parametrize(
    "query",
    [
        "UPDATE trained SET score = 0.9 WHERE rate = 0.01",
        "UPDATE outputs SET test = valid",
        "DELETE FROM trained WHERE rate = 0.01",
        "UPDATE anchor SET test = zeroblob(12)",
    ],
)
def test_a_slice_that_is_not_what_was_written_is_refused(tmp_path: Path, query: str) -> None:
    with closing(sqlite3.connect(filled(tmp_path))) as ledger, ledger:
        ledger.execute(query)
    assert "is not what was written" in refused(tmp_path)


@pytest.mark.parametrize(
    ("pragma", "said"),
    [
        (
            f"user_version = {VERSION + 1}",
            f"got format {VERSION + 1}, which another version of Lossary wrote",
        ),
        ("application_id = 1", "got a database of another program"),
    ],
)
def test_a_ledger_of_another_version_or_program_is_refused(tmp_path: Path, pragma: str, said: str) -> None:
    with closing(sqlite3.connect(filled(tmp_path))) as ledger, ledger:
        ledger.execute(f"PRAGMA {pragma}")
    assert said in refused(tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SQLITE_FULL", "expected a disk that can be written to, got database or disk is full"),
        ("SQLITE_IOERR_WRITE", "expected a disk that can be written to"),
        ("SQLITE_READONLY", "expected a ledger of Lossary that can be written to"),
        ("SQLITE_BUSY", "got a ledger that another program holds open"),
    ],
)
def test_every_refusal_of_sqlite_has_its_sentence(tmp_path: Path, name: str, said: str) -> None:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorname = name
    sentence = str(ledger_refused(tmp_path / "ledger.sqlite", error))
    assert said in sentence
    assert "\n" not in sentence
