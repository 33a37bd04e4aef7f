"""The command line as a whole: what it exits with, and that an error is one sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import lossary
from lossary.cli import main


def ends(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """The exit code of `lossary` with these arguments."""
    monkeypatch.setattr(sys, "argv", ["lossary", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


def test_the_version_is_the_package_s(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"{lossary.__version__}\n"


def test_a_command_that_does_not_exist_ends_with_2_and_the_nearest_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(monkeypatch, "comapre") == 2
    assert "Did you mean 'compare'?" in capsys.readouterr().err


def test_a_missing_file_is_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ends(monkeypatch, "compare", "nowhere.csv") == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: ")
    assert "nowhere.csv" in said
    assert said.count("\n") == 1


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "lossary.cli.app", raising=False)
    monkeypatch.setitem(sys.modules, "typer", None)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert capsys.readouterr().err == 'Error: typer is not installed; run: pip install "lossary[report]"\n'
