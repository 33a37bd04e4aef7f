"""`train.py` for every kind of target and of network: it learns and answers as the laboratory's own training does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer

from lossary.lab import record
from lossary.lab.asking.prepare import TargetScale
from lossary.lab.asking.task import Kind
from lossary.lab.comparison import Comparison
from lossary.lab.conduct import conduct
from lossary.lab.data import Table, read
from lossary.lab.design import Design, design
from lossary.lab.metrics import get_metric
from lossary.lab.planning.options import Options
from lossary.lab.running.execute import Inline
from lossary.lab.running.final import SPLIT, final_job
from lossary.lab.running.progress import Silent
from lossary.lab.running.store import Store
from lossary.lab.training.engines.plain import evaluated
from lossary.lab.training.readout import reader
from lossary.lab.training.rows import Rows
from lossary.report.script import write_script

ROWS = 150
NUMBERS = np.random.default_rng(0)
X = NUMBERS.normal(size=(ROWS, 4))
SIGNAL = X[:, 0] - X[:, 1] + 0.4 * NUMBERS.normal(size=ROWS)
COLUMNS = pd.DataFrame(X, columns=list("abcd"))
CODES = np.arange(ROWS) % 3
WORDS = ["good", "fine", "lovely", "bad", "poor", "awful", "the", "a", "film", "actor", "plot"]
NET = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, inputs, *, outputs):
        super().__init__()
        self.hidden, self.last = nn.Linear(inputs, 7), nn.Linear(7, outputs)

    def forward(self, x):
        return self.last(torch.relu(self.hidden(x)))
"""


def table(**columns: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        COLUMNS.assign(**columns).to_csv(folder / "rows.csv", index=False)
        return folder / "rows.csv"

    return write


def pictures(folder: Path, *, masked: bool = False) -> Path:
    numbers = np.random.default_rng(1)
    masks = np.zeros((ROWS, 8, 8), np.uint8)
    for row, code in enumerate(CODES):
        masks[row, 2 * code : 2 * code + 3, 2:6] = 1
    drawn = (numbers.normal(size=masks.shape) * 40 + 100 + 90 * masks).clip(0, 255).astype(np.uint8)
    np.savez(folder / "rows.npz", images=drawn, **({"masks": masks} if masked else {"labels": CODES}))
    return folder / "rows.npz"


def odd_pictures(folder: Path) -> Path:
    numbers = np.random.default_rng(1)
    odd = (np.arange(ROWS) % 5 == 0).astype(np.uint8)
    drawn = numbers.integers(0, 100, (ROWS, 6, 6), np.uint8) + 100 * odd[:, None, None]
    np.savez(folder / "rows.npz", images=drawn, labels=odd)
    return folder / "rows.npz"


def texts(folder: Path) -> Path:
    numbers = np.random.default_rng(2)
    said = [" ".join(numbers.choice(WORDS[:3] + WORDS[6:] if c else WORDS[3:], 7)) for c in CODES]
    frame = pd.DataFrame({"said": said, "y": np.where(CODES == 0, "odd", "usual")})
    frame.to_csv(folder / "rows.csv", index=False)
    return folder / "rows.csv"


GRADED = pd.cut(SIGNAL, [-99, -1.2, -0.3, 0.3, 1.2, 99], labels=False)
SKEWED = table(y=np.where(SIGNAL > 1.2, "odd", "usual"))
THREE = table(y=pd.cut(SIGNAL, [-99, -0.5, 0.5, 99], labels=["u", "v", "w"]).astype(str))
COUNTS = NUMBERS.poisson(np.exp(0.5 + 0.6 * SIGNAL.clip(-3, 3)))
GROUPS = np.repeat(np.arange(30), 5)
LABELS = table(l1=(SIGNAL > 0).astype(int), l2=(X[:, 2] > 0.5).astype(int), l3=(X[:, 3] > 0).astype(int))

CASES: dict[str, tuple[Callable[[Path], Path], dict[str, Any]]] = {
    "grades": (table(y=GRADED), {"losses": ("coral",), "task": "ordinal"}),
    "grades by thresholds": (table(y=GRADED), {"losses": ("cumulative_link",), "task": "ordinal"}),
    "rare grades": (
        table(y=np.where(np.arange(ROWS) < 3, 9, GRADED)),
        {"losses": ("cross_entropy",), "task": "ordinal"},
    ),
    "counts": (table(y=COUNTS), {"losses": ("poisson_nll",), "task": "count"}),
    "counts by a law": (table(y=COUNTS), {"losses": ("negative_binomial_nll",), "task": "count"}),
    "counts, squared": (table(y=COUNTS), {"losses": ("mse",), "task": "count"}),
    "numbers by a law": (table(y=20 + 3 * SIGNAL), {"losses": ("gaussian_nll",)}),
    "odd rows": (SKEWED, {"losses": ("mse",), "task": "anomaly"}),
    "odd rows by example": (SKEWED, {"losses": ("focal",), "task": "anomaly", "class_weight": "balanced"}),
    "odd rows, one class": (SKEWED, {"losses": ("mse (one-class)",), "task": "anomaly"}),
    "odd pictures": (odd_pictures, {"losses": ("mae",), "task": "anomaly"}),
    "labels": (LABELS, {"losses": ("zlpr",), "target": "l1,l2,l3"}),
    "labels on a sigmoid": (LABELS, {"losses": ("mse",), "target": "l*"}),
    "pictures": (pictures, {"losses": ("categorical_focal",)}),
    "masks": (
        lambda folder: pictures(folder, masked=True),
        {"losses": ("binary_dice + binary_cross_entropy",)},
    ),
    "embeddings": (THREE, {"losses": ("triplet_batch_hard",), "task": "retrieval"}),
    "embedded pictures": (pictures, {"losses": ("mse",), "task": "retrieval"}),
    "texts": (texts, {"losses": ("binary_cross_entropy",), "text": "said"}),
    "odd texts": (texts, {"text": "said", "task": "anomaly"}),
    "hashed texts": (texts, {"losses": ("hinge",), "text": "said", "words": "hashed"}),
    "one's own network": (THREE, {"losses": ("cross_entropy",), "model": "net.py:Net"}),
    "plain descent": (THREE, {"losses": ("cross_entropy",), "optimizer": "sgd"}),
    "balanced": (SKEWED, {"losses": ("binary_cross_entropy",), "class_weight": "balanced"}),
    "balanced and weighted": (
        table(y=np.where(SIGNAL > 1.2, "odd", "usual"), times=1.0 + np.arange(ROWS) % 4),
        {"losses": ("mse",), "class_weight": "balanced", "weight": "times"},
    ),
    "a cost": (SKEWED, {"losses": ("binary_cross_entropy",), "cost": "fn=10,fp=1"}),
    "groups": (table(y=20 + 3 * SIGNAL, patient=GROUPS), {"losses": ("huber",), "group": "patient"}),
    "groups of classes": (
        table(y=np.where(SIGNAL > 0, "p", "n"), patient=GROUPS),
        {"losses": ("focal",), "group": "patient"},
    ),
    "time": (table(y=20 + 3 * SIGNAL, day=np.arange(ROWS)), {"losses": ("log_cosh",), "time": "day"}),
}


class Made(NamedTuple):
    """A small comparison, its rows, and its script as a module: its functions without its run."""

    found: Comparison
    planned: Design
    rows: Rows
    module: ModuleType


Making = Callable[..., Made]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Making:
    """The comparison of a case. An epoch is one step unless a batch is named, so that the order of rows is none."""

    @cache
    def make(case: str, **more: int) -> Made:
        folder = tmp_path_factory.mktemp("made")
        write, asked = CASES[case]
        path = write(folder)
        small = {"batch": 1000, "epochs": 2, "splits": 2, "seeds": 1, "rates": (0.03,), "workers": 1}
        options = {**small, **({"target": "y"} if path.suffix == ".csv" else {}), **asked, **more}
        model = None
        if "model" in options:
            model = folder / "net.py"
            model.write_text(NET)
            options["model"] = f"{model}:Net"
        planned, rows = design(str(path), Options(**options))
        with Store(folder) as store:
            found = conduct(planned, rows, store, Inline(), Silent())
        script = write_script(found, folder, str(path), None if model is None else str(model))
        module = ModuleType("train_script")
        module.__file__ = str(script)
        exec(compile(script.read_text(encoding="utf-8"), str(script), "exec"), module.__dict__)
        return Made(found, planned, rows, module)

    return make


@pytest.mark.parametrize("case", CASES)
def test_the_script_learns_and_answers_as_the_laboratory_does(
    made: Making, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, planned, rows, module = made(case)
    job, facts = final_job(found, planned.plan.setup, rows)
    trial, _, data = job.arguments
    model = trial.setup.network.module(SPLIT, trial.seed)
    begun = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(job.function(*job.arguments))
    network = module.network

    def started(*features: int) -> torch.nn.Module:
        (made := network(*features)).load_state_dict(begun)
        return made

    monkeypatch.setattr(module, "network", started)
    table, everything = opened(module), np.arange(rows.table.rows)
    theirs = module.train(table, everything, 0)[1](everything)
    ours = reader(trial.readout, trial.loss)(evaluated(model, data.x_train), data.x_train)
    if found.task.kind is Kind.REGRESSION:
        scale = record.read(TargetScale, facts["target_scale"])
        ours = scale.centre + scale.scale * ours.double()
    if found.task.kind is Kind.RETRIEVAL:  # embeddings may be moved as a whole
        theirs, ours = theirs - theirs.mean(0), ours - ours.mean(0)
    torch.testing.assert_close(theirs, ours.to(theirs.dtype), rtol=2e-3, atol=2e-4)
    metric = get_metric(found.ruler.name)
    assert metric.score(theirs, module.targets(table)) == pytest.approx(
        float(metric.score(theirs, torch.from_numpy(np.array(rows.answers))))
    )


@pytest.mark.parametrize("case", CASES)
def test_the_script_scores_rows_it_held_out(
    made: Making, case: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = made(case).module
    monkeypatch.setattr(sys, "argv", ["train.py", "--holdouts", "1"])
    module.main()
    said = capsys.readouterr().out
    assert "not the rows" not in said
    assert f"mean of 1 held-out scores: {module.METRIC}" in said and "nan" not in said


def test_no_script_has_a_line_too_many_or_too_long(made: Making) -> None:
    pytest.importorskip("ruff")
    paths = [str(made(case).module.__file__) for case in CASES]
    asked = ["check", "--isolated", "--select", "E,F", "--line-length", "110", *paths]
    assert subprocess.run([sys.executable, "-m", "ruff", *asked], check=False).returncode == 0


@pytest.mark.parametrize("case", ["texts", "pictures"])
def test_the_script_runs_as_it_stands_wherever_it_is_called_from(made: Making, case: str) -> None:
    found, _, _, module = made(case, epochs=12, batch=16)
    done = subprocess.run(
        [sys.executable, str(module.__file__), "--holdouts", "2"],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ, OMP_NUM_THREADS="1", PYTHONWARNINGS="error"),
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    score = float(done.stdout.split(f"held-out scores: {module.METRIC} ")[1].split(",")[0])
    assert score > 0.9 and found.recommendation.expected.mean > 0.9


def test_the_saved_model_says_how_its_pictures_and_texts_become_inputs(made: Making) -> None:
    for case in ("pictures", "texts"):
        found, planned, rows, _ = made(case)
        job, facts = final_job(found, planned.plan.setup, rows)
        told, x = json.loads(facts["preparation"]), job.arguments[2].x_train
        if case == "pictures":
            centre, scale = (np.array(told[name])[:, None, None] for name in ("centre", "scale"))
            by_hand = (rows.table.pictures - centre) / scale
        else:
            by_hand = np.zeros(x.shape)
            parts = CountVectorizer(ngram_range=(1, 2), strip_accents="unicode").build_analyzer()
            for row, text in enumerate(rows.table.frame["said"]):
                numbers = [told["words"][part] for part in parts(text) if part in told["words"]]
                by_hand[row, : len(numbers)] = numbers[: told["length"]]
        np.testing.assert_allclose(x.numpy(), by_hand, rtol=1e-5, atol=1e-5)


def test_neither_recommendation_nor_model_says_where_ones_own_network_lies(made: Making) -> None:
    found, planned, rows, module = made("one's own network")
    _, facts = final_job(found, planned.plan.setup, rows)
    folder = module.MODEL.parent
    assert str(folder) not in str(found.recommendation) + str(facts)
    assert Path(str(module.__file__)).parent == folder
    assert Comparison.from_json(found.to_json()) == found


def test_held_out_groups_are_whole_and_every_class_is_on_both_sides(made: Making) -> None:
    _, _, rows, module = made("groups of classes")
    table = opened(module)
    codes = module.targets(table).numpy()
    for seed in range(5):
        training, held_out = module.holdout(table, seed)
        assert sorted((*training, *held_out)) == list(range(rows.table.rows))
        assert not {*GROUPS[training]} & {*GROUPS[held_out]}
        assert {*codes[training]} == {*codes[held_out]} == {0, 1}


def test_what_is_held_out_in_time_is_the_last_fifth(made: Making) -> None:
    module = made("time").module
    training, held_out = module.holdout(opened(module), 0)
    assert [*training] == [*range(ROWS * 4 // 5)] and [*held_out] == [*range(ROWS * 4 // 5, ROWS)]


def opened(module: ModuleType) -> Table:
    """The rows as the script itself reads them."""
    named = {
        name.lower(): getattr(module, name, None) for name in ("TARGET", "WEIGHT", "GROUP", "TIME", "TEXT")
    }
    return read(module.DATA, **{name: value for name, value in named.items() if value is not None})
