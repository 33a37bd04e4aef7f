"""`train.py`: runs as it stands, carries the laboratory's own preparation, and no name from data becomes code."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import torch

from lossary.lab.asking import prepare
from lossary.lab.asking.task import Kind
from lossary.lab.comparison import Comparison
from lossary.lab.data import read
from lossary.report.script import script, write_script

Made = Callable[[Kind], Comparison]
Compared = Callable[..., Comparison]
NASTY = "<script>alert(1)</script>"
ALLOWED = {"torch", "numpy", "pandas", "sklearn", "lossary", "safetensors", *sys.stdlib_module_names}


def loaded(path: Path) -> ModuleType:
    """The script as a module: its functions without its run."""
    module = ModuleType("train_script")
    module.__file__ = str(path)
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)
    return module


def skeleton(text: str) -> str:
    """The script without its literals."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = 0
    return ast.dump(tree)


@pytest.mark.parametrize("kind", [Kind.BINARY, Kind.MULTICLASS, Kind.REGRESSION])
def test_the_script_imports_only_what_its_reader_has(made: Made, kind: Kind) -> None:
    tree = ast.parse(script(made(kind), "None"))
    names = [a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {name.partition(".")[0] for name in names} <= ALLOWED


def test_safetensors_is_used_only_where_it_is_installed(made: Made) -> None:
    text = script(made(Kind.BINARY), "None")
    top = [node for node in ast.parse(text).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert "safetensors" not in " ".join(ast.unparse(node) for node in top)


def test_no_name_from_data_becomes_code(compared: Compared) -> None:
    names = [
        '"""\nimport os\n"""',
        "'); raise SystemExit(1) #",
        "{{ 7*7 }}{% raise %}",
        "\\",
        "a\nb",
        "\u202eevil",
    ]
    numbers = np.random.default_rng(0)
    frame = pd.DataFrame({name: numbers.normal(size=60) for name in names})
    frame["t"] = np.where(numbers.random(60) < 0.5, '"""x', "');boom(")
    tame = frame.rename(columns={name: f"c{i}" for i, name in enumerate(names)})
    tame["t"] = tame["t"].map({'"""x': "a", "');boom(": "b"})
    found = [script(compared(read(f, "t"), Kind.BINARY), "None") for f in (frame, tame)]
    assert skeleton(found[0]).count("elts") == skeleton(found[1]).count("elts")
    assert skeleton(found[0]) == skeleton(found[1])
    stored = {node.value for node in ast.walk(ast.parse(found[0])) if isinstance(node, ast.Constant)}
    assert {name.strip() for name in names} <= stored
    assert "boom" not in {node.id for node in ast.walk(ast.parse(found[0])) if isinstance(node, ast.Name)}


def test_the_data_are_found_from_the_script_whatever_the_working_directory(
    compared: Compared, houses: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    houses.to_csv(tmp_path / "o'houses.csv", index=False)
    monkeypatch.chdir(tmp_path)
    found = compared(read("o'houses.csv", "price"), Kind.REGRESSION)
    (tmp_path / "runs" / "one").mkdir(parents=True)
    path = write_script(found, tmp_path / "runs" / "one")
    monkeypatch.chdir("/")
    assert Path(loaded(path).DATA).resolve() == tmp_path / "o'houses.csv"


def test_rows_from_memory_must_be_named_when_the_script_is_run(
    compared: Compared,
    houses: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = loaded(write_script(compared(read(houses, "price"), Kind.REGRESSION), tmp_path))
    monkeypatch.setattr(sys, "argv", ["train.py"])
    with pytest.raises(SystemExit) as stopped:
        module.main()
    assert stopped.value.code == 2
    assert "the following arguments are required: data" in capsys.readouterr().err


def test_other_rows_than_those_compared_are_announced(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = loaded(write_script(made(Kind.MULTICLASS), tmp_path))
    module.EPOCHS = 1
    read("iris").frame.iloc[20:].to_csv(tmp_path / "fewer.csv", index=False)
    for arguments, announced in ((["iris"], False), ([str(tmp_path / "fewer.csv")], True)):
        monkeypatch.setattr(sys, "argv", ["train.py", *arguments, "--holdouts", "0"])
        module.main()
        assert ("not the rows that were compared" in capsys.readouterr().out) is announced


def test_the_script_prepares_columns_as_the_laboratory_does(made: Made, tmp_path: Path) -> None:
    found = made(Kind.REGRESSION)
    module = loaded(write_script(found, tmp_path))
    frame = read(module.DATA, "price").frame
    training, rest = frame.iloc[:130], frame.iloc[130:]
    ours = prepare.fit(found.profile, training)
    theirs = module.preparation().fit(training)
    mine, its = ours.transform(rest)[:, ours.varies], theirs.transform(rest)
    assert mine.shape == its.shape
    np.testing.assert_allclose(np.sort(mine, axis=1), np.sort(its, axis=1), atol=1e-5)
    assert NASTY in module.NUMBERS


@pytest.mark.parametrize("kind", [Kind.BINARY, Kind.MULTICLASS, Kind.REGRESSION])
def test_the_script_trains_a_network_that_beats_the_constant(made: Made, tmp_path: Path, kind: Kind) -> None:
    module = loaded(write_script(made(kind), tmp_path))
    table = read(module.DATA, module.TARGET)
    rows = np.arange(table.rows)
    module.RATE, module.EPOCHS = 0.01, 15
    _, predict = module.train(table, rows, 0)
    outputs, target = predict(rows), module.targets(table)
    assert outputs.shape == (table.rows, 3 if kind is Kind.MULTICLASS else 1)
    if kind is Kind.REGRESSION:
        left = (outputs[:, 0] - target).square().mean() / target.var()
        assert left < 0.3
    else:
        chosen = outputs.argmax(1) if kind is Kind.MULTICLASS else (outputs[:, 0] > 0).long()
        assert (chosen == target).float().mean() > 0.9


@pytest.mark.parametrize(
    ("expression", "link", "kind"),
    [
        ("mse", "sigmoid", Kind.BINARY),
        ("mse", "softmax", Kind.MULTICLASS),
        ("0.5*mse + huber", "identity", Kind.REGRESSION),
    ],
)
def test_a_loss_on_probabilities_trains_on_probabilities(
    made: Made, tmp_path: Path, expression: str, link: str, kind: Kind
) -> None:
    found = made(kind)
    chosen = replace(found.recommendation.candidate, expression=expression, link=link)
    found = replace(found, recommendation=replace(found.recommendation, candidate=chosen))
    module = loaded(write_script(found, tmp_path))
    module.EPOCHS = 2
    table = read(module.DATA, module.TARGET)
    rows = np.arange(table.rows)
    assert torch.isfinite(module.train(table, rows, 0)[1](rows)).all()


def test_a_row_of_weight_zero_teaches_nothing(
    compared: Compared, houses: pd.DataFrame, tmp_path: Path
) -> None:
    frame = houses.assign(times=np.r_[np.zeros(40), np.ones(120)])
    found = compared(read(frame, "price", weight="times"), Kind.REGRESSION)
    module = loaded(write_script(found, tmp_path))
    module.EPOCHS, module.BATCH = 3, 1000
    assert "times" not in module.NUMBERS
    # Two values far above the quartiles trade places: the target's scale stays as it was.
    high = frame["price"].max() + 100.0
    one, two = frame.copy(), frame.copy()
    one.loc[0, "price"], one.loc[1, "price"] = high, 2 * high
    two.loc[0, "price"], two.loc[1, "price"] = 2 * high, high
    rows = np.arange(len(frame))
    answers = [module.train(read(each, "price", weight="times"), rows, 0)[1](rows) for each in (one, two)]
    assert torch.equal(*answers)


def test_rows_are_weighted_on_probabilities_of_many_classes_too(compared: Compared, tmp_path: Path) -> None:
    frame = read("iris").frame.assign(times=np.r_[np.zeros(50), np.ones(100)])
    table = read(frame, "species", weight="times")
    losses = [("mse", "softmax", "mean", 0.0), ("cross_entropy", "identity", "probability", -0.1)]
    module = loaded(write_script(compared(table, Kind.MULTICLASS, losses), tmp_path))
    assert "softmax" in (tmp_path / "train.py").read_text()
    module.RATE, module.EPOCHS = 0.01, 30
    rows = np.arange(table.rows)
    chosen = module.train(table, rows, 0)[1](rows).argmax(1)
    assert (chosen == 0).float().mean() < 0.1  # the first class counts for nothing


def test_the_script_runs_as_it_stands(made: Made, tmp_path: Path) -> None:
    path = write_script(made(Kind.MULTICLASS), tmp_path)
    environment = dict(os.environ, OMP_NUM_THREADS="1", PYTHONWARNINGS="error")
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, check=False, env=environment, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    assert "95 % interval" in done.stdout and "the interval" in done.stdout
    assert "trained on all 150 rows" in done.stdout
    assert (tmp_path / "trained.safetensors").exists() or (tmp_path / "trained.pt").exists()
