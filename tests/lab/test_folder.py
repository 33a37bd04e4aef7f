"""A run folder is found again, taken up from itself alone, and keeps the plan that a budget chose."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from lossary.core.errors import DataError
from lossary.lab import compare
from lossary.lab.conduct import conduct, folder_for, opened, resume, resumed
from lossary.lab.data import read
from lossary.lab.design import design
from lossary.lab.planning.budget import Cost
from lossary.lab.planning.options import Options
from lossary.lab.planning.plan import Plan, Slice
from lossary.lab.running import probe
from lossary.lab.running.execute import Inline
from lossary.lab.running.probe import measure
from lossary.lab.running.progress import Silent
from lossary.lab.running.slice import train_slice
from lossary.lab.running.store import Store
from lossary.lab.training.trial import SplitData

SMALL = {"splits": 3, "seeds": 1, "epochs": 3, "rates": (0.003, 0.03), "workers": 1}


def frame(rows: int = 160, seed: int = 0) -> pd.DataFrame:
    numbers = np.random.default_rng(seed)
    x = numbers.normal(size=(rows, 3))
    signal = x[:, 0] - 0.5 * x[:, 1] + 0.5 * numbers.normal(size=rows)
    return pd.DataFrame(x, columns=["a", "b", "c"]).assign(y=np.where(signal > 0, "yes", "no"))


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in the working directory."""
    monkeypatch.chdir(tmp_path)
    frame().to_csv("rows.csv", index=False)
    return tmp_path / "rows.csv"


def interrupted(options: Options, out: Path, after: int) -> None:
    """A run that was stopped after so many slices."""
    left = iter(range(after))

    def stop(self: Store, *arguments: object) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        kept(self, *arguments)  # type: ignore[arg-type]

    kept = Store.commit
    with (
        pytest.MonkeyPatch.context() as patch,
        Inline() as executor,
        opened("rows.csv", options, executor, out) as run,
        pytest.raises(KeyboardInterrupt),
    ):
        patch.setattr(Store, "commit", stop)
        conduct(run.planned, run.rows, run.store, executor, Silent(), run.corruptions)


def test_a_folder_is_taken_up_from_anywhere_with_no_other_argument(
    rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options(target="y", losses=("hinge, mse",), noise=(0.2,), **SMALL)
    folder = rows.parent / "run"
    interrupted(options, folder, 2)
    assert resumed(folder) == ("rows.csv", options)
    (rows.parent / "deeper").mkdir()
    monkeypatch.chdir(rows.parent / "deeper")
    assert resumed("../run") == (str(rows), options)
    found = resume("../run", workers=1)
    assert found.robustness
    whole = compare(str(rows), "y", losses="hinge, mse", noise=(0.2,), **SMALL)
    assert found.to_json() == whole.to_json()
    monkeypatch.setattr(Store, "commit", None)  # nothing is trained again
    assert resume("../run", workers=1).to_json() == whole.to_json()


def test_a_folder_with_nothing_to_take_up_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected a run folder with a ledger.sqlite .* got no such folder"):
        resume(tmp_path / "none")
    with pytest.raises(DataError, match="got a folder without one; name the folder of a run"):
        resume(tmp_path)
    Store(tmp_path / "begun").close()
    with pytest.raises(DataError, match="interrupted before it; run the first command again"):
        resume(tmp_path / "begun")
    compare(frame(), "y", losses="hinge, mse", out=tmp_path / "memory", **SMALL)
    with pytest.raises(
        DataError, match="got one of a pandas frame; call `compare` with the same rows and out="
    ):
        resume(tmp_path / "memory")


def test_a_data_file_that_has_changed_is_refused_with_what_changed_and_what_to_do(rows: Path) -> None:
    options = Options(target="y", losses=("hinge, mse",), **SMALL)
    interrupted(options, rows.parent / "run", 0)
    frame(150).to_csv(rows, index=False)
    said = (
        r"run: expected the data of the comparison in it, rows of 160 rows with digest [0-9a-f]{8}, got other "
        r"data, rows of 150 rows with digest [0-9a-f]{8}; put the old data back, or name another folder with --out"
    )
    with pytest.raises(DataError, match=said):
        resume(rows.parent / "run", workers=1)
    frame().to_csv(rows, index=False)
    resume(rows.parent / "run", workers=1)


def test_a_comparison_of_another_target_says_which(rows: Path) -> None:
    table = frame().assign(z=lambda each: np.where(each["a"] > 0, "p", "q"))
    compare(table, "y", losses="hinge, mse", out=rows.parent / "run", **SMALL)
    with pytest.raises(DataError, match=r"other settings \(.*target='y', now 'z'"):
        compare(table, "z", losses="hinge, mse", out=rows.parent / "run", **SMALL)


def at(seconds: float):  # type: ignore[no-untyped-def]
    """A probe that finds every training to take so long."""
    return lambda plan, rows, executor, workers: Cost({each.label: seconds for each in plan.trained}, 0.0)


def refuse(*_: object) -> Cost:
    raise AssertionError("a frozen plan is not planned again")


BUDGET = Options(target="y", losses=("hinge, mse",), budget="10s", **SMALL | {"splits": 12, "seeds": 4})


def test_a_budget_freezes_what_fits_and_says_what_it_left_out(tmp_path: Path) -> None:
    def planned(seconds: float | None, out: str) -> tuple[Plan, str, float | None]:
        probe = refuse if seconds is None else at(seconds)
        with opened(frame(), BUDGET, Inline(), tmp_path / out, probe=probe, started=None) as run:
            assert len(run.rows.splits) == run.planned.effort.splits == run.planned.plan.settings.splits
            assert run.planned.plan.first_stage().size == run.planned.effort.trials
            return run.planned.plan, run.planned.notes[-1], run.forecast

    plan, said, forecast = planned(1e-5, "all")
    assert (plan.settings.splits, plan.settings.seeds) == (12, 4)
    assert said == "the budget of 10s left nothing out"
    assert forecast == pytest.approx(12 * 4 * 2 * 2 * 1e-5 * 1.25)
    plan, said, forecast = planned(0.07, "some")
    assert forecast is not None
    assert 0 < forecast < 9
    assert plan.settings.splits < 12
    assert said.startswith("the budget of 10s left out ")
    assert "; the detectable difference rises from " in said
    again, same, unknown = planned(None, "some")
    assert (again, same, unknown) == (plan, said, None)


def test_a_budget_leaves_no_clock_time_in_the_results_and_finds_its_folder_again(tmp_path: Path) -> None:
    texts = []
    for name, seconds in (("one", 0.07), ("other", 0.0701)):  # the same choice from another measurement
        with opened(frame(), BUDGET, Inline(), tmp_path / name, probe=at(seconds)) as run:
            texts.append(conduct(run.planned, run.rows, run.store, Inline(), Silent()).to_json())
    assert texts[0] == texts[1]
    full, _ = design(frame(), replace(BUDGET, budget=None))
    assert folder_for(full, "10s") == folder_for(full, "10s")
    assert len({folder_for(full), folder_for(full, "10s"), folder_for(full, "20s")}) == 3


def test_a_folder_planned_for_another_budget_is_refused(tmp_path: Path) -> None:
    with opened(frame(), BUDGET, Inline(), tmp_path, probe=at(0.07)):
        pass
    other = replace(BUDGET, budget="20s")
    with (
        pytest.raises(DataError, match="with a budget of 10s, now 20s; name another folder"),
        opened(frame(), other, Inline(), tmp_path, probe=refuse),
    ):
        pass
    with (
        pytest.raises(DataError, match=r"other settings \(.*splits=\d+, now 12"),
        opened(frame(), replace(BUDGET, budget=None), Inline(), tmp_path),
    ):
        pass


def test_a_budget_that_is_no_time_is_refused_before_anything_is_read() -> None:
    with pytest.raises(DataError, match="budget: expected a time such as 90s"):
        compare("no such file", "y", budget="soon")


def test_a_budget_that_nothing_fits_leaves_no_folder_behind(tmp_path: Path) -> None:
    for out in (tmp_path / "new", tmp_path):
        with (
            pytest.raises(DataError, match=r"budget: expected about .* at least, for 2 losses at 2 rates"),
            opened(frame(), BUDGET, Inline(), out, probe=at(5.0)),
        ):
            pass
    assert [each.name for each in tmp_path.iterdir() if each.is_dir()] == []


def test_the_probe_measures_every_loss_and_grows_with_the_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that counts the epochs trained, as a busy machine's does not."""
    clock = [0.0]

    def trained(plan: Plan, piece: Slice, data: Mapping[int, SplitData]) -> object:
        clock[0] += (3 + plan.setup.epochs) * piece.size  # a training costs 3 whatever its epochs
        return train_slice(plan, piece, data)

    monkeypatch.setattr(probe, "train_slice", trained)
    monkeypatch.setattr(probe, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    for epochs in (1, 4, 400):
        planned, rows = design(
            frame(), Options(target="y", losses=("hinge, mse, 2*hinge",), **SMALL | {"epochs": epochs})
        )
        with Inline() as executor:
            cost = measure(planned.plan, rows, executor, 1)
        labels = {each.label for each in planned.plan.trained}
        assert cost.training == pytest.approx(dict.fromkeys(labels, 3 + epochs))


def test_the_probe_takes_time() -> None:
    planned, rows = design(frame(), Options(target="y", losses=("hinge, mse",), **SMALL))
    with Inline() as executor:
        cost = measure(planned.plan, rows, executor, 1)
    assert min(cost.training.values()) > 0
    assert cost.anchors > 0


def test_compare_takes_every_option_with_its_default() -> None:
    taken = dict(inspect.signature(compare).parameters)
    for name in ("data", "out", "progress"):
        taken.pop(name)
    assert list(taken) == [field.name for field in fields(Options)]
    assert {name: each.default for name, each in taken.items()} == {
        field.name: field.default for field in fields(Options)
    }


def test_arrays_are_compared_as_the_frame_they_make() -> None:
    table = frame()
    x, y = table[["a", "b", "c"]].to_numpy(), (table["y"] == "yes").to_numpy() * 1
    named = pd.DataFrame(x, columns=["x0", "x1", "x2"]).assign(y=y)
    whole = compare(named, "y", losses="hinge, mse", **SMALL)
    for rows, answers in (
        (x, y),
        (torch.tensor(x), torch.tensor(y)),
        (named[["x0", "x1", "x2"]], pd.Series(y)),
    ):
        found = compare(rows, answers, losses="hinge, mse", **SMALL)
        assert (found.rows, found.verdicts) == (whole.rows, whole.verdicts)
    shuffled = table[["a", "b", "c"]].sample(frac=1, random_state=0)
    made = read((shuffled, pd.Series(y, name="bought")))
    assert made.target == "bought"
    np.testing.assert_array_equal(made.answers(), y)  # by place, whatever the index says


@pytest.mark.parametrize(
    ("data", "target"),
    [
        (np.ones((5, 2)), None),
        (np.ones((5, 2)), "y"),
        (np.ones((5, 2)), np.ones(4)),
        ("rows.csv", np.ones(5)),
        (np.ones((5, 2)), 3),
        (pd.DataFrame({"y": [1, 2]}), [1, 2]),
    ],
)
def test_arrays_that_do_not_fit_are_refused_in_one_sentence(data: object, target: object) -> None:
    with pytest.raises(DataError) as caught:
        compare(data, target)
    assert "\n" not in str(caught.value)
