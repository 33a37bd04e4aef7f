"""`lossary study`: the list, one study, and what it refuses."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lossary.cli.app import app
from lossary.core.errors import MissingExtraError
from lossary.lab.studies import known
from lossary.lab.studies.conduct import Recipe
from lossary.lab.studies.study import Study

run = CliRunner()


def test_without_a_name_the_studies_are_listed() -> None:
    found = run.invoke(app, ["study"])
    assert found.exit_code == 0
    assert all(name in found.stdout for name in known.NAMES)
    assert len(json.loads(run.invoke(app, ["study", "--json"]).stdout)) == len(known.NAMES)


def test_a_study_prints_its_hash_before_its_outcomes_and_where_its_page_is(tmp_path: Path) -> None:
    words = ["study", "darts", "--quick", "--workers", "1", "--out", str(tmp_path)]
    first = run.invoke(app, words)
    assert first.exit_code == 0, first.output
    digest = known.study("darts")[0].digest(quick=True)
    assert first.stdout.index(digest) < first.stdout.index("holds on a condition")
    [folder] = tmp_path.iterdir()
    assert folder.name == f"study-darts-{digest[:10]}"
    assert (folder / "study.html").is_file() and str(folder / "study.html") in first.stdout
    again = run.invoke(app, words)
    assert again.stdout == first.stdout
    shown = json.loads(run.invoke(app, [*words, "--json"]).stdout)
    assert shown["digest"] == digest and shown == json.loads((folder / "result.json").read_text())


def test_an_unknown_study_is_refused_in_one_sentence(tmp_path: Path) -> None:
    found = run.invoke(app, ["study", "dart", "--out", str(tmp_path)])
    assert found.exit_code == 2
    assert (
        "study: expected a study by its name, or all, got 'dart'; the nearest study is 'darts'."
        in found.stderr
    )


def test_an_interruption_and_a_full_disk_are_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error, code, said in (
        (KeyboardInterrupt(), 130, "run the same command again"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "got No space left on device; make room"),
    ):

        def refused(*_: object, error: BaseException = error, **__: object) -> None:
            raise error

        monkeypatch.setattr("lossary.lab.studies.conduct.conduct", refused)
        found = run.invoke(app, ["study", "darts", "--quick", "--out", str(tmp_path)])
        assert found.exit_code == code and said in found.stderr


def test_all_writes_the_textbook_and_one_that_cannot_run_does_not_keep_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = known.study

    def without_one(name: str) -> tuple[Study, Recipe]:
        if name == "images":
            raise MissingExtraError("images: run: pip install 'lossary[data]'")
        return whole(name)

    monkeypatch.setattr(known, "NAMES", ("darts", "images"))
    monkeypatch.setattr(known, "study", without_one)
    page = tmp_path / "docs" / "textbook.md"
    found = run.invoke(
        app, ["study", "all", "--quick", "--workers", "1", "--out", str(tmp_path), "--textbook", str(page)]
    )
    assert found.exit_code == 2 and str(page) in found.stderr
    text = page.read_text(encoding="utf-8")
    assert "Slightly wrong many times" in text and "- `images`: images: run: pip install" in text
    assert (page.parent / "pictures" / "textbook" / "darts.svg").is_file()
