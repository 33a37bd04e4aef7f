"""`lossary compare`: the run folder, the exit codes, one sentence for each mistake, and being killed."""

from __future__ import annotations

import errno
import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from typer.testing import CliRunner, Result

from lossary.cli.app import app
from lossary.lab import Comparison
from lossary.report.source import command

SMALL = ["--splits", "3", "--seeds", "1", "--epochs", "2"]
HERE = ["--workers", "1"]


def lossary(*words: str) -> Result:
    return CliRunner(env={"NO_COLOR": "1", "COLUMNS": "120"}).invoke(app, ["compare", *words])


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as people have them: a byte-order mark, semicolons, decimal commas, gaps, dates, and a hostile name."""
    numbers = np.random.default_rng(0)
    rows = ["area;built;sold;<script>alert(1)</script>;price"]
    for _ in range(150):
        area = numbers.uniform(40, 200)
        built = "" if numbers.random() < 0.1 else str(numbers.integers(1900, 2020))
        sold = f"20{numbers.integers(10, 24)}-{numbers.integers(1, 13):02}-{numbers.integers(1, 29):02}"
        place = ["north", "south", "east", ""][numbers.integers(4)]
        price = 2000 * area + 30000 * (place == "south") + numbers.normal(0, 20000)
        rows.append(f"{area:.1f};{built};{sold};{place};{price:.0f}".replace(".", ","))
    path = tmp_path_factory.mktemp("data") / "houses.csv"
    path.write_text("\n".join(rows), encoding="utf-8-sig")
    return path


def test_a_run_leaves_a_report_a_script_a_model_and_results(houses: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = lossary(str(houses), "--target", "price", "--out", str(out), *SMALL, *HERE)
    assert done.exit_code == 0, done.output
    found = Comparison.from_json((out / "results.json").read_text(encoding="utf-8"))
    assert found.headline in " ".join(done.stdout.split())
    assert f"Report: {out / 'report.html'}" in done.stdout
    assert "<script>alert(1)</script>" in {column.name for column in found.profile.columns}
    assert "<script>alert(1)</script>" not in (out / "report.html").read_text(encoding="utf-8")
    compile((out / "train.py").read_text(encoding="utf-8"), "train.py", "exec")
    assert json.loads((out / "timings.json").read_text(encoding="utf-8"))["total"] > 0
    with safe_open(out / "model.safetensors", "pt") as model:
        assert json.loads(model.metadata()["loss"]) == found.recommendation.candidate.expression
        assert model.get_tensor("0.weight").shape[1] == len(json.loads(model.metadata()["inputs"]))


def test_json_is_results_json_and_nothing_else(tmp_path: Path) -> None:
    done = lossary("iris", "--losses", "cross_entropy, mse", "--json", "--out", str(tmp_path), *SMALL, *HERE)
    assert done.exit_code == 0, done.output
    assert done.stdout == (tmp_path / "results.json").read_text(encoding="utf-8")


def test_quiet_says_the_verdict_and_the_path_alone(tmp_path: Path) -> None:
    done = lossary("iris", "--losses", "cross_entropy, mse", "--quiet", "--out", str(tmp_path), *SMALL, *HERE)
    assert done.exit_code == 0, done.output
    found = Comparison.from_json((tmp_path / "results.json").read_text(encoding="utf-8"))
    said = done.stdout.strip()
    assert found.headline in said.splitlines()
    assert said.endswith(f"Report: {tmp_path / 'report.html'}")
    assert found.rows[0].candidate.why not in said
    assert done.stderr == ""


def test_the_command_of_a_report_makes_the_same_results(
    houses: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    losses = ["--losses", "mse, huber(delta=0.5)", "--metric", "r2", "--rope", "0.0123456789"]
    done = lossary(os.path.relpath(houses), "--target", "price", *losses, "--out", "first", *SMALL, *HERE)
    assert done.exit_code == 0, done.output
    first = Comparison.from_json((tmp_path / "first" / "results.json").read_text(encoding="utf-8"))
    program, door, *words = shlex.split(command(first, str(houses)))
    assert (program, door) == ("lossary", "compare")
    done = lossary(*words, "--out", "second", *HERE)
    assert done.exit_code == 0, done.output
    results = [(tmp_path / name / "results.json").read_bytes() for name in ("first", "second")]
    assert results[0] == results[1]
    assert str(houses) in (tmp_path / "second" / "report.html").read_text(encoding="utf-8")
    assert os.path.relpath(houses, tmp_path / "first") in (tmp_path / "first" / "train.py").read_text()
    assert not list(tmp_path.rglob("*.new"))


def test_a_reference_is_named_by_its_label_in_the_command(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    asked = ["--losses", "mse, hinge", "--reference", "mse", "--quiet"]
    done = lossary("breast_cancer", *asked, "--out", str(first), *SMALL, *HERE)
    assert done.exit_code == 0, done.output
    words = shlex.split(command(Comparison.from_json((first / "results.json").read_text(encoding="utf-8"))))
    assert "mse on sigmoid" in words
    done = lossary(*words[2:], "--quiet", "--out", str(second), *HERE)
    assert done.exit_code == 0, done.output
    assert (second / "results.json").read_bytes() == (first / "results.json").read_bytes()


@pytest.mark.parametrize(
    "error",
    [sqlite3.OperationalError("database or disk is full"), OSError(errno.ENOSPC, "No space left on device")],
)
def test_a_full_disk_is_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("lossary.lab.running.store.Store.commit", fail)
    done = lossary("iris", "--losses", "cross_entropy, mse", "--quiet", "--out", str(tmp_path), *SMALL, *HERE)
    assert done.exit_code == 2
    [sentence] = done.stderr.strip().splitlines()
    assert sentence.startswith("Error: run folder: expected a disk that can be written to, got ")


ROWS = "".join(f"{i % 7},{i % 2},{i}\n" for i in range(40))


@pytest.mark.parametrize(
    ("content", "target", "said"),
    [
        (None, "y", "neither"),
        ("", "y", "empty"),
        ("x,y,n\n" + "".join(f"{i},1,{i}\n" for i in range(40)), "y", "two different values"),
        ("x,y,n\n" + ROWS, "n", "identifier"),
        ("x,class,n\n" + ROWS, "clas", "'class'"),
        ("x,y,n\n1,0,1\n", "y", "row"),
        ("x,y\n" + "".join(f",{i % 2}\n" for i in range(40)), "y", "column"),
        (b"\x00\x01\xff\xfe\x00\x9c" * 40, "y", "text"),
    ],
    ids=["missing", "empty", "constant", "identifier", "misspelt", "one row", "all missing", "binary"],
)
def test_data_that_cannot_be_used_are_refused_in_one_sentence(
    content: str | bytes | None, target: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "data.csv"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = lossary(str(path), "--target", target, "--out", str(tmp_path / "run"), *HERE)
    assert done.exit_code == 2
    assert done.stdout == ""
    [sentence] = done.stderr.strip().splitlines()
    assert sentence.startswith("Error: ")
    assert said in sentence
    assert not (tmp_path / "run").exists()


def start(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from lossary.cli import main; main()", "compare", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, env={**os.environ, "NO_COLOR": "1"}, **pipes)  # type: ignore[call-overload, no-any-return]


def slices(folder: Path) -> int:
    """How many slices the ledger holds."""
    if not (folder / "ledger.sqlite").is_file():
        return 0
    with closing(sqlite3.connect(f"file:{folder / 'ledger.sqlite'}?mode=ro", uri=True)) as ledger:
        try:
            return int(ledger.execute("SELECT count(*) FROM slice").fetchone()[0])
        except sqlite3.OperationalError:  # the table is being made
            return 0


def wait_for_a_slice(folder: Path, before: int, running: subprocess.Popen[str]) -> None:
    for _ in range(600):
        if slices(folder) > before:
            return
        assert running.poll() is None, running.communicate()
        time.sleep(0.1)
    raise AssertionError("no slice was committed in a minute")


@pytest.mark.parametrize("beside", [["--seeds", "9"], ["--target", "x"], ["--out", "elsewhere"], ["--force"]])
def test_an_option_beside_a_folder_that_is_resumed_is_refused_and_not_overheard(
    beside: list[str], tmp_path: Path
) -> None:
    done = lossary("--resume", str(tmp_path), *beside, "--workers", "1", "--quiet")
    assert done.exit_code == 2
    assert f"got {beside[0]} too; leave it out" in done.stderr


def test_killed_in_the_middle_it_resumes_and_writes_the_same_bytes(tmp_path: Path) -> None:
    asked = ["iris", "--losses", "cross_entropy, mse", "--splits", "6", "--seeds", "5", "--epochs", "4"]
    killed = start(*asked, "--out", str(tmp_path / "killed"))
    wait_for_a_slice(tmp_path / "killed", 0, killed)
    killed.kill()
    killed.communicate()
    assert not (tmp_path / "killed" / "results.json").exists()

    before = slices(tmp_path / "killed")
    interrupted = start(*asked, "--out", str(tmp_path / "killed"), *HERE)
    wait_for_a_slice(tmp_path / "killed", before, interrupted)
    interrupted.send_signal(signal.SIGINT)
    _, errors = interrupted.communicate()
    if interrupted.returncode != 0:  # it may have been done before the signal came
        assert interrupted.returncode == 130
        assert "run the same command again" in errors
        assert "Traceback" not in errors

    for name in ("killed", "whole"):
        done = lossary(*asked, "--quiet", "--out", str(tmp_path / name), *HERE)
        assert done.exit_code == 0, done.output
    first, second = (tmp_path / name / "results.json" for name in ("killed", "whole"))
    assert first.read_bytes() == second.read_bytes()
