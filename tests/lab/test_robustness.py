"""A robustness sweep: curves on clean test rows, the area under them, and what a dirty validation split does."""

from __future__ import annotations

import math
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lossary.core.errors import DataError
from lossary.lab import Comparison, compare
from lossary.lab.asking.corrupt import Corruption
from lossary.lab.conduct import spoilt_plan
from lossary.lab.design import design
from lossary.lab.judging.robustness import area, robustness, sentence_of
from lossary.lab.planning.options import Options
from lossary.lab.results.robust import notes

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
try:
    import outliers
finally:
    sys.path.pop(0)

SMALL = {"splits": 3, "seeds": 1, "epochs": 4, "rates": (0.003, 0.03), "workers": 1}


def frame(rows: int = 200) -> pd.DataFrame:
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(rows, 3))
    signal = x[:, 0] - 0.5 * x[:, 1] + 0.3 * numbers.normal(size=rows)
    return pd.DataFrame(x, columns=["a", "b", "c"]).assign(y=np.where(signal > 0.4, "yes", "no"))


@cache
def swept(where: Path) -> Comparison:
    return compare(
        frame(),
        "y",
        losses="binary_cross_entropy, mse",
        noise=(0, 0.2, 0.4),
        imbalance=[0.1],
        out=where,
        **SMALL,
    )


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("swept")


def test_every_level_is_a_comparison_of_its_own_beside_the_clean_one(where: Path) -> None:
    noise, imbalance = swept(where).robustness
    assert (noise.way, noise.levels) == ("noise", (0.0, 0.2, 0.4))
    assert imbalance.levels[1:] == (0.1,)
    assert imbalance.levels[0] == pytest.approx(min(frame()["y"].value_counts()) / 200)
    assert sorted(each.name for each in where.iterdir() if each.is_dir()) == [
        "imbalance-0.1",
        "noise-0.2",
        "noise-0.4",
    ]
    clean = swept(where).row("binary_cross_entropy")
    for each in (noise, imbalance):
        curve = each.curve("binary_cross_entropy")
        assert curve.points[0].mean == pytest.approx(clean.score.mean)
        assert curve.against is None
        assert len(curve.points) == len(each.levels)
        assert all(0 <= point.low <= point.mean <= point.high <= 1 for point in curve.points)
        against = each.curve("mse on sigmoid")
        assert against.against is not None
        assert against.against.mean == pytest.approx(against.area.mean - curve.area.mean)


def test_wrong_labels_cost_points_on_clean_test_rows(where: Path) -> None:
    points = swept(where).robustness[0].curve("binary_cross_entropy").points
    assert points[0].mean > points[2].mean + 0.01


def test_a_sweep_survives_json_and_no_verdict_rests_on_it(where: Path) -> None:
    found = swept(where)
    assert Comparison.from_json(found.to_json()).robustness == found.robustness
    plain = compare(frame(), "y", losses="binary_cross_entropy, mse", out=where, **SMALL)
    assert plain.robustness == ()
    assert (plain.rows, plain.verdicts) == (found.rows, found.verdicts)


def test_a_sweep_that_was_interrupted_goes_on_where_it_stopped(
    where: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = {"left": 3}

    def commit(self: object, *arguments: object) -> None:
        if calls["left"] == 0:
            raise KeyboardInterrupt
        calls["left"] -= 1
        kept(self, *arguments)

    from lossary.lab.running.store import Store

    kept, interruptions, text = Store.commit, 0, ""
    monkeypatch.setattr(Store, "commit", commit)
    while not text:
        try:
            text = compare(
                frame(),
                "y",
                losses="binary_cross_entropy, mse",
                noise=(0.2, 0.4),
                imbalance=(0.1,),
                out=tmp_path,
                **SMALL,
            ).to_json()
        except KeyboardInterrupt:
            interruptions, calls["left"] = interruptions + 1, 3
    assert interruptions > 0
    assert text == swept(where).to_json()


def test_a_loss_that_must_know_the_classes_is_told_how_many_rows_a_level_leaves() -> None:
    asked = Options(target="y", losses=("logit_adjusted", "cross_entropy"), **SMALL)
    three = frame().assign(y=lambda f: pd.cut(f.a, [-9, -0.4, 0.4, 9], labels=list("pqr")).astype(str))
    planned, rows = design(three, asked)
    level = Corruption("imbalance", 0.1, 0)
    spoilt = rows.spoilt(level)
    left = [float(each) for each in spoilt.data(0).y_train.bincount()]
    plan = spoilt_plan(planned.plan, level, spoilt)
    first, second = plan.candidates
    assert min(left) < 0.4 * max(left)
    assert first.expression == f"logit_adjusted(class_counts={tuple(left)})"
    assert first.expression != planned.plan.candidates[0].expression
    assert second == planned.plan.candidates[1]


def test_the_area_is_the_mean_score_over_the_range_of_levels() -> None:
    values = np.array([[0.9, 0.8], [0.7, 0.8], [0.5, 0.8]])
    np.testing.assert_allclose(area([0.0, 0.2, 0.4], values), [0.7, 0.8])
    np.testing.assert_allclose(area([0.0, 0.1, 0.4], values), [0.65, 0.8])
    np.testing.assert_allclose(area([0.4, 0.1, 0.0], values[::-1]), [0.65, 0.8])  # imbalance: shares go down


def test_what_lies_ahead_is_said_by_the_interval_of_the_areas_and_called_descriptive() -> None:
    splits = np.linspace(-0.001, 0.001, 10)
    scores = {
        "reference": np.stack([0.9 + splits, 0.6 + splits]),
        "better": np.stack([0.9 + splits, 0.8 - splits]),
        "worse": np.stack([0.9 - splits, 0.4 + splits]),
        "other": np.stack([0.9 + 50 * splits, 0.6 + splits]),
        "apart": np.stack([0.9 + splits, 0.1 + splits]),
        "diverged": np.stack([0.9 + splits, np.nan * splits]),
    }
    judged = dict.fromkeys(scores, True) | {"apart": False}
    found = robustness(
        "noise",
        (0.0, 0.4),
        scores,
        metric="accuracy",
        reference="reference",
        judged=judged,
        n_test=40,
        n_rest=160,
    )
    assert sentence_of(found, "accuracy", True) == (
        "Over these levels, by accuracy, better lies ahead of reference and worse lies behind reference "
        "(descriptive, not tested)."
    )
    assert "better lies behind" in sentence_of(found, "log-loss", False)
    assert math.isnan(found.curve("diverged").points[1].mean)
    assert found.curve("diverged").points[0].mean == pytest.approx(0.9)


def test_levels_that_do_not_suit_the_data_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="outliers: expected a target of numbers, got a binary target"):
        compare(frame(), "y", outliers=(0.1,), out=tmp_path / "run", **SMALL)
    assert not (tmp_path / "run").exists()


def test_where_the_validation_split_is_dirty_a_squared_error_is_warned_of() -> None:
    [warning] = set(notes("outliers", "rmse")) - set(notes("outliers", "mae"))
    assert "RMSE on them picks worse rates and epochs" in warning
    assert set(notes("noise", "rmse")) == set(notes("outliers", "mae"))
    numbers = np.random.default_rng(0)
    table = pd.DataFrame({"a": numbers.normal(size=200), "b": numbers.normal(size=200)})
    table["y"] = table["a"] + numbers.normal(size=200) + 100 * (np.arange(200) % 20 == 0)

    def said(of: pd.DataFrame, metric: str | None) -> int:
        planned, _ = design(of, Options(target="y", metric=metric))
        return sum("5 % of them, and RMSE on them picks worse rates" in note for note in planned.notes)

    assert said(table, "rmse") == 1
    assert said(table, None) == said(table, "mae") == said(table[table["y"] < 50], "rmse") == 0


@cache
def chosen() -> tuple[list[outliers.Cell], tuple[int, int]]:
    asked = {"splits": 6, "seeds": 1, "rates": (0.003, 0.03, 0.3), "epochs": 20, "workers": 1}
    return outliers.measured(outliers.friedman(), "y", 0.1, **asked)


def test_with_a_tenth_of_gross_outliers_mae_errs_less_than_mse_on_clean_rows() -> None:
    cells, rows = chosen()
    for choosing in ("mae", "median_error"):
        for read in ("rmse", "mae"):
            found = outliers.against(cells, (choosing, "mae"), (choosing, "mse"), read, rows)
            assert found.interval()[1] < 0


def test_rates_and_epochs_chosen_by_rmse_on_dirty_validation_rows_are_worse_by_rmse_on_clean_ones() -> None:
    cells, rows = chosen()
    for loss in ("huber(delta=1)", "mae"):
        assert outliers.against(cells, ("rmse", loss), ("mae", loss), "rmse", rows).mean > 0.5
