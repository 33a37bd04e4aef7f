"""`lossary data`: every set named with its source and licence."""

from __future__ import annotations

import json
import sys

import pytest

from lossary.cli import main
from lossary.lab.data import sets


def ends(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """The exit code of `lossary data` with these arguments, on a screen wide enough for any line."""
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr(sys, "argv", ["lossary", "data", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


def test_every_set_is_listed_with_source_and_licence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(monkeypatch) == 0
    said = capsys.readouterr().out
    for entry in sets():
        assert f"{entry.source}; {entry.licence}" in said
        assert f"  {entry.name}  " in said or entry.name.startswith("keel:")
    assert "keel:NAME  100 sets; `lossary data keel` lists them" in said
    assert "130 sets." in said


def test_the_sets_of_a_task_and_of_a_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(monkeypatch, "ordinal", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in found] == ["era", "esl", "lev", "swd"]
    assert (found[0]["rows"], found[0]["inputs"], found[0]["extra"], found[0]["installed"]) == (
        1000,
        [4],
        "data",
        True,
    )
    assert ends(monkeypatch, "keel") == 0
    assert capsys.readouterr().out.count("keel:") == 100


def test_a_missing_package_is_named_beside_its_sets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "river", None)
    assert ends(monkeypatch, "anomaly") == 0
    assert "CC BY 4.0; needs pip install 'lossary[data]'" in capsys.readouterr().out


def test_a_name_of_no_set_is_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(monkeypatch, "nothing") == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "Error: set 'nothing': expected a task or part of a name, got neither; tasks are binary, "
    )
    assert said.count("\n") == 1
