"""What would be ignored, written over or never scored is refused before the first training, in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lossary.core.errors import DataError
from lossary.lab import compare
from lossary.lab.data import read
from lossary.lab.design import design
from lossary.lab.planning.options import Options

SMALL: dict[str, Any] = {"splits": 2, "seeds": 1, "epochs": 1, "rates": (0.01,), "workers": 1}


def frame(rows: int = 160) -> pd.DataFrame:
    numbers = np.random.default_rng(0)
    a = numbers.normal(size=rows)
    return pd.DataFrame(
        {
            "a": a,
            "b": numbers.normal(size=rows),
            "when": np.arange(rows),
            "y": (a > 0).astype(int),
            "z": numbers.integers(0, 2, rows),
        }
    )


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"patience": 0}, "patience: expected a whole number of at least 1, got 0"),
        ({"patience": -3}, "patience: expected a whole number of at least 1, got -3"),
        ({"seed": 2**32}, r"seed: expected a whole number below 2\*\*32, got 4294967296"),
        ({"workers": 5000}, "workers: expected at most 256 processes, got 5000"),
    ],
)
def test_a_number_that_would_stop_every_training_or_no_generator_takes_is_refused(
    asked: dict[str, int], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        Options(**asked)  # type: ignore[arg-type]
    design(frame(), Options(target="y", **{**SMALL, "seed": 2**32 - 1}))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"target": "y", "order": ("0", "1")}, "order: expected grades"),
        ({"target": "y", "words": "hashed"}, "words: expected a column of text"),
        ({"target": "y,z", "positive": "1"}, "positive: expected two levels"),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        design(frame(), Options(**asked, **SMALL))


@pytest.mark.parametrize("role", ["group", "text", "weight", "time"])
def test_a_column_without_a_name_is_no_column_for_any_role(role: str) -> None:
    with pytest.raises(DataError, match=f"{role} '': expected a column of the table"):
        read(frame(), "y", **{role: ""})


@pytest.mark.parametrize("task", [None, "anomaly"])
def test_a_window_in_time_on_which_the_metric_has_no_value_is_refused_before_any_training(
    task: str | None,
) -> None:
    table = frame().assign(y=lambda f: ((f.a > 0) & (f.when < 100)).astype(int))
    asked = Options(target="y", time="when", task=task, metric="roc_auc", **SMALL)
    with pytest.raises(DataError, match="of split 2 that ROC-AUC can be computed on"):
        design(table, asked)
    design(table, Options(target="y", time="when", metric="balanced_accuracy", **SMALL))


def test_a_folder_with_a_file_of_one_s_own_is_never_written_over(tmp_path: Path) -> None:
    mine = tmp_path / "train.py"
    mine.write_text("my work")
    with pytest.raises(DataError, match=r"without a file called train\.py"):
        compare(frame(), "y", losses="bce, hinge", out=tmp_path, **SMALL)
    assert [each.name for each in tmp_path.iterdir()] == ["train.py"]


NETWORKS = """
import torch
from torch import nn

class Forgets(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.last = nn.Linear(inputs, outputs)
    def forward(self, x):
        if self.training:
            raise RuntimeError("not\\nyet")
        return self.last(x)

class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.LazyLinear(1)
    def forward(self, x):
        return self.last(x)

class Leaves(nn.Module):
    def __init__(self, inputs, outputs):
        raise SystemExit(3)

class Normed(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(nn.Linear(inputs, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, outputs))
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Forgets", "to be trained as it is tested.*got RuntimeError: not yet; correct"),
        ("Lazy", "layers whose sizes are known before the first row, got a lazy one"),
        ("Leaves", "got SystemExit: 3"),
        # 160 rows leave 96 to learn from: a batch of 95, and one of a single row.
        ("Normed", "to take batches of 1 in training, got ValueError: Expected more than 1 value"),
    ],
)
def test_one_s_own_network_that_fails_once_it_is_trained_is_a_mistake_and_no_defect(
    name: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "nets.py"
    file.write_text(NETWORKS)
    asked = {**SMALL, "batch": 95}
    with pytest.raises(DataError, match=message):
        compare(frame(), "y", losses="bce, hinge", model=f"{file}:{name}", **asked)


def test_dropout_is_not_taken_for_one_s_own_network(tmp_path: Path) -> None:
    file = tmp_path / "nets.py"
    file.write_text(NETWORKS)
    asked = Options(target="y", model=f"{file}:Normed", dropout=0.5, **SMALL)
    with pytest.raises(DataError, match="dropout: expected the laboratory's network, got --model"):
        design(frame(), asked)


def test_the_reference_of_counts_is_what_an_absolute_error_rewards() -> None:
    counts = frame().assign(y=lambda f: np.random.default_rng(1).poisson(np.exp(f.a / 2)))
    planned, _ = design(counts, Options(target="y", task="count", metric="mae", **SMALL))
    assert planned.plan.settings.reference == "mae on softplus"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"rope": "a"}, "rope: expected a number, got 'a'"),
        ({"dropout": True}, "dropout: expected a number, got True"),
        ({"budget": 5}, "budget: expected text, got 5"),
        ({"losses": [3]}, "losses: expected expressions such as"),
        ({"losses": 3}, "losses: expected expressions such as"),
        ({"dropout": None}, "dropout: expected a number, got None"),
        ({"rates": (0.1, 0.01, 0.1)}, "rates: expected each learning rate once"),
        ({"rates": ()}, "rates: expected learning rates above 0"),
    ],
)
def test_from_python_an_option_of_another_type_is_refused_in_a_sentence_too(
    asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        compare(frame(), "y", **{**SMALL, **asked})


def test_one_level_is_as_good_as_a_list_of_one() -> None:
    found = compare(frame(), "y", losses="bce, hinge", noise=0.1, order=None, **SMALL)  # type: ignore[arg-type]
    assert found.robustness[0].levels == (0.0, 0.1)


def test_of_text_no_loss_rebuilds_the_inputs() -> None:
    words = frame().assign(
        t=lambda f: np.where(f.y == 1, "good film", "bad plot") + f.index.map(lambda i: f" {i % 9}")
    )
    asked = Options(target="y", task="anomaly", text="t", **SMALL)
    planned, _ = design(words, asked)
    assert {each.learns for each in planned.plan.candidates} == {"answer"}
    assert "mse on sigmoid" in {each.label for each in planned.plan.candidates}
