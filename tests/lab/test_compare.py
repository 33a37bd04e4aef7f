"""A comparison is the same whoever runs it, however often it is interrupted, in whatever unit the target stands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lossary.core.errors import DataError
from lossary.lab import Comparison, compare
from lossary.lab.conduct import conduct, folder_for
from lossary.lab.design import design
from lossary.lab.judging.verdict import Verdict
from lossary.lab.metrics import get_metric
from lossary.lab.planning.options import Options
from lossary.lab.results.anchored import ahead_of_all
from lossary.lab.running.execute import Answer, Inline, Job
from lossary.lab.running.progress import Silent
from lossary.lab.running.store import Store

SMALL = {"splits": 3, "seeds": 2, "epochs": 3, "workers": 1}


def frame(rows: int = 160, kind: str = "binary") -> pd.DataFrame:
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(rows, 3))
    signal = x[:, 0] - 0.5 * x[:, 1] + 0.5 * numbers.normal(size=rows)
    made = pd.DataFrame(x, columns=["a", "b", "c"])
    if kind == "regression":
        return made.assign(y=20 + 3 * signal)
    levels = [-np.inf, 0, np.inf] if kind == "binary" else [-np.inf, -0.5, 0.5, np.inf]
    return made.assign(y=pd.cut(signal, levels, labels=False).astype(str))


@cache
def binary() -> Comparison:
    return compare(frame(), "y", losses="binary_cross_entropy, bce, hinge, mse", **SMALL)


def test_a_comparison_survives_json() -> None:
    text = binary().to_json()
    assert Comparison.from_json(text).to_json() == text
    assert json.loads(text)["format"] == 1


def test_the_table_is_sorted_and_prints_its_verdict() -> None:
    means = [row.score.mean for row in binary().judged]
    assert means == sorted(means, reverse=True)
    printed = str(binary())
    assert binary().headline in printed
    assert all(row.candidate.label in printed for row in binary().rows)


def test_a_loss_against_its_own_alias_differs_by_exactly_nothing() -> None:
    found = binary().verdicts.finding("bce")
    assert found.verdict is Verdict.EQUAL
    assert found.identical
    assert found.contrast is not None
    assert (found.contrast.advantage, found.contrast.low, found.contrast.high) == (0.0, 0.0, 0.0)


def test_the_reference_is_cross_entropy_for_classes_and_squared_error_for_numbers() -> None:
    assert binary().settings.reference == "binary_cross_entropy"
    planned, _ = design(frame(kind="multiclass"), Options(target="y"))
    assert planned.plan.settings.reference == "cross_entropy"
    planned, _ = design(frame(kind="regression"), Options(target="y"))
    assert planned.plan.settings.reference == "mse"


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_candidates_have_reasons_and_the_plan_is_a_function_of_the_data(kind: str) -> None:
    first, _ = design(frame(kind=kind), Options(target="y"))
    again, _ = design(frame(kind=kind), Options(target="y"))
    assert first.plan == again.plan
    assert folder_for(first) == folder_for(again)
    assert len(first.plan.candidates) >= 5
    assert all(each.why for each in first.plan.candidates)
    assert sum(each.judged for each in first.plan.candidates) >= 4


def test_a_loss_that_estimates_something_else_stands_apart() -> None:
    losses = "mse, mae, huber"
    found = compare(frame(kind="regression"), "y", losses=losses, metric="rmse", **SMALL)
    assert [row.candidate.label for row in found.unjudged] == ["mae"]
    assert found.unjudged[0].candidate.remark == "estimates the median; not judged by RMSE"
    assert found.rows[-1].candidate.label == "mae"


def test_a_target_in_cents_has_the_verdicts_of_the_target_in_euros() -> None:
    euros = frame(kind="regression")
    cents = euros.assign(y=(euros["y"] * 100))
    first, second = (compare(each, "y", losses="mse, huber(delta=0.5)", **SMALL) for each in (euros, cents))
    assert [f.verdict for f in first.verdicts.findings] == [f.verdict for f in second.verdicts.findings]
    for one, other in zip(first.rows, second.rows, strict=True):
        assert other.candidate == one.candidate
        assert other.rate == one.rate
        assert other.score.mean == pytest.approx(100 * one.score.mean, rel=1e-5)
        assert other.curve.mean == pytest.approx([100 * value for value in one.curve.mean], rel=1e-5)


def test_ten_times_a_loss_is_the_same_loss(tmp_path: Path) -> None:
    options = Options(target="y", losses=("mse, 10*mse",), rates=(0.0003, 0.001, 0.003), **SMALL)
    planned, rows = design(frame(kind="regression"), options)
    with Store(tmp_path) as store:
        found = conduct(planned, rows, store, Inline(), Silent())
    one, ten = found.row("mse"), found.row("10*mse")
    assert ten.curve.mean == pytest.approx(one.curve.mean, rel=1e-5)
    assert ten.score.by_split == pytest.approx(one.score.by_split, rel=1e-5)
    assert (ten.rate, ten.epochs, ten.usable) == (one.rate, one.epochs, one.usable)
    assert found.verdicts.finding("10*mse").verdict is Verdict.EQUAL


def test_two_workers_and_one_write_the_same_bytes() -> None:
    options = SMALL | {"workers": 2}
    found = compare(frame(), "y", losses="binary_cross_entropy, bce, hinge, mse", **options)
    assert found.to_json() == binary().to_json()


class Interrupted(Inline):
    """Runs some jobs and is then interrupted, as by Ctrl-C between two commits."""

    def __init__(self, after: int) -> None:
        self.left = after

    def run(self, jobs: Sequence[Callable[[], Job]]) -> Iterator[Answer]:
        for found in super().run(jobs):
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            yield found


def test_interrupted_anywhere_it_goes_on_and_writes_the_same_bytes(tmp_path: Path) -> None:
    options = Options(target="y", losses=("hinge, mse, squared_hinge",), rates=(0.003, 0.01), **SMALL)
    planned, rows = design(frame(), options)
    with Store(tmp_path / "whole") as store:
        whole = conduct(planned, rows, store, Inline(), Silent()).to_json()
        slices = sum(len(stage.slices) for stage in store.stages())
        assert len(store.stages()) > 1  # the narrow grid was widened, so that stages are interrupted too
    parts, interruptions = "", 0
    while not parts:
        with Store(tmp_path / "parts") as store:
            try:
                parts = conduct(*design(frame(), options), store, Interrupted(1), Silent()).to_json()
            except KeyboardInterrupt:
                interruptions += 1
    assert interruptions >= slices + planned.plan.settings.splits - 2
    assert parts == whole


def test_no_slice_is_trained_twice(tmp_path: Path) -> None:
    first = compare(frame(), "y", losses="hinge, mse", out=tmp_path, **SMALL)
    planned, rows = design(frame(), Options(target="y", losses=("hinge, mse",), **SMALL))
    with Store(tmp_path) as store:
        again = conduct(planned, rows, store, Interrupted(0), Silent())
    assert again.to_json() == first.to_json()


def test_another_file_or_other_settings_on_the_same_folder_are_refused(tmp_path: Path) -> None:
    compare(frame(), "y", losses="hinge, mse", out=tmp_path, **SMALL)
    with pytest.raises(DataError, match="other data"):
        compare(frame(150), "y", losses="hinge, mse", out=tmp_path, **SMALL)
    with pytest.raises(DataError, match=r"other settings \(epochs=3, now 4\)"):
        compare(frame(), "y", losses="hinge, mse", out=tmp_path, **SMALL | {"epochs": 4})


def test_another_seed_or_positive_level_is_another_comparison() -> None:
    plain = Options(target="y")
    folders = {
        folder_for(design(frame(), each)[0])
        for each in (plain, replace(plain, seed=1), replace(plain, positive="0"), replace(plain, rope=0.02))
    }
    assert len(folders) == 4


def test_a_default_that_is_spelled_out_is_the_same_comparison() -> None:
    plain, _ = design(frame(), Options(target="y"))
    assert plain.task.positive == "1"
    spelled, _ = design(frame(), Options(target="y", positive="1", metric=plain.ruler.name, rope=0.01))
    assert folder_for(spelled) == folder_for(plain)
    assert (spelled.ruler, spelled.task) == (plain.ruler, plain.task)
    other, _ = design(frame(), Options(target="y", metric="f1"))
    assert other.ruler.why == "asked for"


def test_results_hold_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame().to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "deeper").mkdir()
    monkeypatch.chdir(tmp_path / "deeper")
    near, far = (design(name, Options(target="y"))[0] for name in (str(tmp_path / "rows.csv"), "../rows.csv"))
    assert near == far
    assert near.data.reading.path == "rows.csv"


def test_the_label_of_a_loss_names_it() -> None:
    plain, _ = design(frame(), Options(target="y", losses=("mse, hinge",), reference="mse"))
    label = plain.plan.settings.reference
    assert label == "mse on sigmoid"
    asked = Options(target="y", losses=("mse on sigmoid, hinge",), reference=label)
    assert design(frame(), asked)[0].plan == plain.plan


def test_the_region_of_r2_is_in_its_own_unit() -> None:
    planned, _ = design(frame(kind="regression"), Options(target="y", metric="r2", rope=0.2))
    assert not planned.ruler.is_share
    assert design(frame(), Options(target="y", metric="ece"))[0].ruler.is_share


def test_a_class_without_weight_is_refused() -> None:
    rows = frame()
    weighted = rows.assign(w=np.where(rows["y"] == "1", 0.0, 1.0))
    with pytest.raises(DataError, match="class '1' with a total weight of 0"):
        design(weighted, Options(target="y", weight="w"))


def test_one_feature_is_one_input() -> None:
    planned, _ = design(frame()[["a", "y"]], Options(target="y"))
    assert planned.effort.network.startswith("1 input, ")


def test_an_anchor_ahead_by_less_than_is_shown_is_not_ahead() -> None:
    found = binary()
    best = found.judged[0].score.mean
    metric = get_metric(found.ruler.name)

    def said(lead: float) -> str:
        score = replace(found.anchors[0].score, mean=best + lead)
        return ahead_of_all([replace(found.anchors[0], score=score)], found.rows, metric, found.ruler)

    assert said(1e-9) == ""
    assert "better than every network here (not tested)" in said(0.02)


def test_anchors_see_the_same_splits_and_the_constant_predicts_the_larger_class() -> None:
    found = binary()
    names = [anchor.name for anchor in found.anchors]
    assert names == ["constant", "logistic", "boosting"]
    assert all(len(anchor.score.by_split) == found.settings.splits for anchor in found.anchors)
    largest = max(count for _, count in found.profile.classes) / found.profile.rows
    assert found.anchors[0].score.mean == pytest.approx(largest, abs=0.02)


def test_an_anchor_that_beats_every_network_is_said_first() -> None:
    found = compare(frame(kind="regression"), "y", losses="mse, huber", **SMALL | {"epochs": 1})
    assert found.anchor_sentence.startswith(
        "Ridge regression (scikit-learn) scores better than every network"
    )
    assert str(found).index(found.anchor_sentence) < str(found).index(found.headline)


def test_few_rows_withhold_every_verdict_but_no_interval() -> None:
    found = compare(frame(80), "y", losses="binary_cross_entropy, hinge", **SMALL)
    assert {each.verdict for each in found.verdicts.findings} == {Verdict.WITHHELD}
    assert all(row.score.low <= row.score.mean <= row.score.high for row in found.rows)


def test_a_weight_column_weighs_rows_and_is_no_feature() -> None:
    weighted = frame().assign(w=np.where(np.arange(160) % 4 == 0, 0.5, 2.0))
    planned, rows = design(weighted, Options(target="y", weight="w", **SMALL))
    assert "w" not in [column.name for column in planned.profile.columns]
    weights = rows.data(0).w_train
    assert weights is not None
    assert set(weights.tolist()) == {0.5, 2.0}
    found = compare(weighted, "y", weight="w", losses="hinge, mse", **SMALL)
    unweighted = compare(frame(), "y", losses="hinge, mse", **SMALL)
    assert found.row("hinge").score.mean != unweighted.row("hinge").score.mean


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"losses": ("focl",)}, "Did you mean 'focal'"),
        ({"losses": ("triplet",)}, "expected losses for a binary target, got 'triplet', which is for metric"),
        ({"losses": ("hinge, hinge",)}, "expected each loss once, got 'hinge' twice"),
        ({"losses": ("hinge,, mse",)}, "expected losses separated by commas"),
        ({"losses": ("mse on softmax",)}, "expected 'mse on sigmoid' for a binary target"),
        ({"reference": "mae"}, "expected one of the judged losses"),
        ({"metric": "rmse"}, "expected one for a binary target, got 'rmse'"),
        (
            {"losses": ("hinge",), "metric": "log_loss"},
            "expected at least one that estimates what Log-loss rewards",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_trained(
    options: dict[str, object], said: str
) -> None:
    with pytest.raises(Exception, match=said) as caught:
        design(frame(), Options(target="y", **options))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["splits", "seeds", "epochs", "workers"])
def test_options_outside_their_domain_are_refused(name: str) -> None:
    with pytest.raises(DataError, match=f"{name}: expected a whole number of at least"):
        Options(**{name: 0})  # type: ignore[arg-type]


@pytest.mark.parametrize("metric", ["log_loss", "brier"])
def test_a_metric_of_probabilities_may_decide_among_losses_that_give_none(metric: str) -> None:
    found = compare(frame(), "y", metric=metric, losses="bce, mse, hinge, squared_hinge", tune_losses=True,
                    noise=(0.1,), **{**SMALL, "splits": 2, "seeds": 1, "rates": (0.01,)})  # fmt: skip
    assert [row.candidate.label for row in found.judged] and found.row("hinge").score.mean != found.row(
        "hinge"
    ).score.mean
    assert {each.name for each in found.verdicts.apart} == {"hinge", "squared_hinge"}
    assert Comparison.from_json(found.to_json()).to_json() == found.to_json()
