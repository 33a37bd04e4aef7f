"""Preparation: fitted on training rows, the same inputs for every split, nothing that the test rows could tell."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from lossary.lab.asking import prepare
from lossary.lab.asking.infer import infer
from lossary.lab.asking.prepare import TargetScale, fit, pipeline, target_scale
from lossary.lab.asking.profile import Profile, profile
from lossary.lab.asking.splits import make_splits
from lossary.lab.data import Table, read
from lossary.lab.data.embedded.scikit_learn import SETS

ROWS = 500


def houses() -> tuple[Table, Profile]:
    random = np.random.default_rng(0)
    size = random.normal(100, 30, ROWS)
    size[random.random(ROWS) < 0.1] = np.nan
    kind = random.choice(["flat", "house", "villa", "castle"], ROWS, p=[0.6, 0.37, 0.02, 0.01]).astype(object)
    kind[random.random(ROWS) < 0.05] = None
    sold = pd.Series(pd.Timestamp("2015-01-01") + pd.to_timedelta(random.integers(0, 3000, ROWS), unit="D"))
    sold[random.random(ROWS) < 0.05] = pd.NaT
    data = pd.DataFrame({"size": size, "kind": kind, "sold": sold})
    data["garden"] = np.tile(["yes", "no"], ROWS // 2)
    data["<script>alert(1)</script>"] = random.integers(0, 9, ROWS)
    data["price"] = random.normal(size=ROWS)
    table = read(data, "price")
    return table, profile(table, infer(table))


def column(prepared: prepare.Preparation, frame: pd.DataFrame, name: str) -> NDArray[np.float32]:
    return prepared.transform(frame)[:, prepared.names.index(name)]


def test_the_inputs_are_named_in_a_fixed_order() -> None:
    table, described = houses()
    assert fit(described, table.frame.iloc[:300]).names == (
        "size",
        "<script>alert(1)</script>",
        "size is missing",
        "sold is missing",
        "kind = (missing)",
        "kind = castle",
        "kind = flat",
        "kind = house",
        "kind = villa",
        "kind = other",
        "garden = no",
        "garden = yes",
        "sold: year",
        "sold: month",
        "sold: weekday",
        "sold: days",
    )


def test_every_split_has_the_same_inputs_in_the_same_order() -> None:
    table, described = houses()
    splits = make_splits(table.answers().to_numpy(), described.kind, count=20)
    fitted = [fit(described, table.frame.iloc[split.train]) for split in splits]
    assert len({prepared.names for prepared in fitted}) == 1
    # The case this is for does occur: some splits have too few castles, others enough.
    at = fitted[0].names.index("kind = castle")
    assert {bool(prepared.varies[at]) for prepared in fitted} == {True, False}
    for prepared in fitted:
        inputs = prepared.transform(table.frame)
        assert inputs.shape == (ROWS, len(prepared.names))
        assert inputs.dtype == np.float32
        assert np.isfinite(inputs).all()


def test_folds_of_uneven_size_have_the_same_inputs() -> None:
    random = np.random.default_rng(6)
    for rows in (23, 104, 1003):
        levels = [f"k{i}" for i in range(30)]
        chances = 1 / np.arange(1, 31) ** 2
        data = pd.DataFrame({"c": random.choice(levels, rows, p=chances / chances.sum())})
        data["y"] = np.where(np.arange(rows) < 8, "ill", "well")
        table = read(data, "y")
        task = infer(table)
        described = profile(table, task)
        splits = make_splits(task.encode(table.answers()), task.kind, folds=True)
        assert len({len(split.train) for split in splits}) > 1, rows
        assert len({fit(described, table.frame.iloc[split.train]).names for split in splits}) == 1


@pytest.mark.parametrize("name", [entry.name for entry in SETS if len(entry.inputs) == 1])
def test_every_table_of_scikit_learn_can_be_prepared(name: str) -> None:
    table = read(name)
    task = infer(table)
    described = profile(table, task)
    splits = make_splits(task.encode(table.answers()), task.kind, count=5)
    assert len({fit(described, table.frame.iloc[split.train]).names for split in splits}) == 1


def test_numbers_are_filled_with_the_median_and_standardised_by_training_rows_alone() -> None:
    table, described = houses()
    train = table.frame.iloc[:300]
    prepared = fit(described, train)
    filled = train["size"].fillna(train["size"].median())
    everywhere = table.frame["size"].fillna(train["size"].median())
    by_hand = (everywhere - filled.mean()) / filled.std(ddof=0)
    np.testing.assert_allclose(column(prepared, table.frame, "size"), by_hand, atol=1e-6)
    missing = column(prepared, table.frame, "size is missing")
    assert np.array_equal(missing == 1, table.frame["size"].isna())


def test_the_rows_not_fitted_on_cannot_change_how_others_are_prepared() -> None:
    table, described = houses()
    changed = table.frame.copy()
    changed.loc[300:, "size"] *= 1000
    changed.loc[300:, "kind"] = "castle"
    changed.loc[300:, "sold"] = pd.Timestamp("2099-01-01")
    as_it_was = fit(described, table.frame.iloc[:300]).transform(table.frame.iloc[:300])
    after = fit(described, changed.iloc[:300]).transform(changed.iloc[:300])
    np.testing.assert_array_equal(as_it_was, after)


def test_levels_under_one_percent_of_the_training_rows_are_other() -> None:
    table, described = houses()
    train = table.frame.iloc[:300]
    counts = train["kind"].value_counts()
    prepared = fit(described, train)
    for level in ("flat", "house", "villa", "castle"):
        own = column(prepared, train, f"kind = {level}")
        expected = (train["kind"] == level).to_numpy() & (counts.get(level, 0) >= 3)
        assert np.array_equal(own == 1, expected)
    other = column(prepared, train, "kind = other") == 1
    assert np.array_equal(other, train["kind"].isin(counts[counts < 3].index))
    assert np.array_equal(column(prepared, train, "kind = (missing)") == 1, train["kind"].isna())


def test_a_level_never_seen_is_other_where_there_is_an_other() -> None:
    random = np.random.default_rng(1)
    data = pd.DataFrame({"c": random.choice(["a", "b"], ROWS).astype(object), "y": random.normal(size=ROWS)})
    data.loc[:2, "c"] = "rare"
    table = read(data, "y")
    prepared = fit(profile(table, infer(table)), table.frame)
    new = pd.DataFrame({"c": ["never seen", "a"]})
    assert column(prepared, new, "c = other").tolist() == [1.0, 0.0]


def test_a_level_never_seen_is_nothing_where_there_is_no_other() -> None:
    table, described = houses()
    new = table.frame.iloc[:1].assign(garden="never seen")
    inputs = fit(described, table.frame).transform(new)[0]
    names = fit(described, table.frame).names
    assert [inputs[names.index(f"garden = {level}")] for level in ("yes", "no")] == [0.0, 0.0]


def test_dates_become_year_month_weekday_and_days() -> None:
    frame = pd.DataFrame({"d": [pd.Timestamp("1970-01-02 12:00"), pd.Timestamp("2020-02-29"), pd.NaT]})
    parts = prepare.date_parts(frame)
    assert parts.columns.tolist() == ["d: year", "d: month", "d: weekday", "d: days"]
    assert parts.iloc[0].tolist() == [1970.0, 1.0, 4.0, 1.5]
    assert parts.iloc[1].tolist() == [2020.0, 2.0, 5.0, 18321.0]
    assert parts.iloc[2].isna().all()
    last_day = pd.DataFrame({"d": np.array(["9999-12-31"], dtype="datetime64[us]")})
    assert prepare.date_parts(last_day)["d: days"].tolist() == [2932896.0]


def test_an_input_that_never_varied_in_training_is_silent_on_test_rows() -> None:
    random = np.random.default_rng(2)
    data = pd.DataFrame({"x": random.normal(size=100), "late": np.zeros(100), "y": random.normal(size=100)})
    data.loc[80:, "late"] = 1e6
    data.loc[90:, "x"] = np.nan
    table = read(data, "y")
    prepared = fit(profile(table, infer(table)), table.frame.iloc[:80])
    assert not column(prepared, table.frame, "late").any()
    assert not column(prepared, table.frame, "x is missing").any()


def test_a_column_missing_in_all_training_rows_is_silent() -> None:
    random = np.random.default_rng(3)
    data = pd.DataFrame({"x": random.normal(size=100), "late": random.normal(size=100)})
    data.loc[:79, "late"] = np.nan
    data["y"] = random.normal(size=100)
    table = read(data, "y")
    prepared = fit(profile(table, infer(table)), table.frame.iloc[:80])
    assert not column(prepared, table.frame, "late").any()


def test_the_pipeline_of_a_script_fitted_on_all_rows_gives_the_same_inputs() -> None:
    table, described = houses()
    prepared = fit(described, table.frame)
    plain = np.asarray(pipeline(described).fit_transform(table.frame), dtype=np.float32)
    inputs = prepared.transform(table.frame)
    np.testing.assert_array_equal(inputs[:, prepared.varies], plain[:, plain.std(axis=0) > 0])


def test_a_preparation_travels_between_processes() -> None:
    table, described = houses()
    prepared = fit(described, table.frame)
    again = pickle.loads(pickle.dumps(prepared))
    np.testing.assert_array_equal(again.transform(table.frame), prepared.transform(table.frame))


def test_a_target_is_scaled_by_median_and_iqr_and_back() -> None:
    target = np.array([1.0, 2.0, 3.0, 4.0, 1000.0])
    scale = target_scale(target)
    assert scale == TargetScale(3.0, 2.0, "iqr")
    assert scale.standardise(target).tolist() == [-1.0, -0.5, 0.0, 0.5, 498.5]
    np.testing.assert_array_equal(scale.restore(scale.standardise(target)), target)


def test_a_target_without_an_iqr_is_scaled_by_its_deviation() -> None:
    assert target_scale(np.array([0.0] * 9 + [10.0])) == TargetScale(0.0, 3.0, "std")
    assert target_scale(np.full(5, 7.0)) == TargetScale(7.0, 1.0, "none")


def test_euros_and_cents_are_the_same_target() -> None:
    euros = np.random.default_rng(5).normal(size=101)
    in_euros, in_cents = target_scale(euros), target_scale(euros * 100)
    np.testing.assert_allclose(in_euros.standardise(euros), in_cents.standardise(euros * 100), rtol=1e-12)


def test_what_is_written_down_of_a_preparation_suffices_to_make_its_inputs() -> None:
    table, described = houses()
    frame = table.frame
    fitted = fit(described, frame)
    facts = prepare.facts(described, fitted)
    kept = {(each["column"], each["level"]) for each in facts if each["part"] == "level"}

    def scaled(value: float, fact: dict[str, str | float]) -> float:
        filled = fact["median"] if np.isnan(value) else value
        return (filled - float(fact["mean"])) / float(fact["scale"])

    def part_of(date: pd.Timestamp, which: str | float) -> float:
        if pd.isna(date):
            return np.nan
        days = (date - pd.Timestamp(0)) / pd.Timedelta(days=1)
        return {"year": date.year, "month": date.month, "weekday": date.day_of_week, "days": days}[str(which)]

    def made(row: pd.Series, fact: dict[str, str | float]) -> float:
        if fact["part"] == "zero":
            return 0.0
        cell = row[fact["column"]]
        if fact["part"] == "number":
            return scaled(cell, fact)
        if fact["part"] == "date":
            return scaled(part_of(cell, fact["which"]), fact)
        if fact["part"] == "missing":
            return float(pd.isna(cell))
        name = prepare.MISSING if pd.isna(cell) else cell
        return float((fact["column"], name) not in kept if fact["part"] == "other" else fact["level"] == name)

    by_hand = [[made(row, fact) for fact in facts] for _, row in frame.iterrows()]
    assert {each["part"] for each in facts} >= {"number", "date", "missing", "level"}
    np.testing.assert_allclose(np.array(by_hand), fitted.transform(frame), atol=1e-5)
