"""A profile names the role of every column, and what to beware of."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from lossary.lab.asking.beware import straddling
from lossary.lab.asking.infer import infer
from lossary.lab.asking.profile import Profile, Role, profile
from lossary.lab.asking.splits import make_splits
from lossary.lab.data import read
from lossary.lab.data.embedded.scikit_learn import SETS

ROWS = 200
TABLES = [entry.name for entry in SETS if len(entry.inputs) == 1]


def frame(**columns: object) -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({"x": random.normal(size=ROWS), **columns, "y": np.arange(ROWS) % 2})


def profiled(data: pd.DataFrame, target: str = "y") -> Profile:
    table = read(data, target)
    return profile(table, infer(table))


def role(cells: object, name: str = "c") -> tuple[Role, str]:
    column = next(c for c in profiled(frame(**{name: cells})).columns if c.name == name)
    return column.role, column.why


@pytest.mark.parametrize(
    ("name", "cells", "expected", "why"),
    [
        ("c", np.arange(ROWS) / 7, Role.NUMERIC, ""),
        ("c", np.arange(ROWS) % 9, Role.NUMERIC, ""),
        ("c", np.arange(ROWS)[::-1] + 1000, Role.IDENTIFIER, "counts the rows through"),
        ("c", np.arange(ROWS) ** 2, Role.NUMERIC, ""),
        ("row_id", np.arange(ROWS) ** 2, Role.IDENTIFIER, "is different in every row and called an id"),
        ("paid", np.arange(ROWS) ** 2, Role.NUMERIC, ""),
        ("c", ["red", "blue"] * (ROWS // 2), Role.CATEGORICAL, ""),
        ("c", [True, False] * (ROWS // 2), Role.CATEGORICAL, ""),
        ("c", ["red", None] * (ROWS // 2), Role.CATEGORICAL, ""),
        ("c", ["red"] * ROWS, Role.CONSTANT, "one value in every row"),
        ("c", [7.0] * ROWS, Role.CONSTANT, "one value in every row"),
        ("c", [f"k{i}" for i in range(ROWS)], Role.IDENTIFIER, "has 200 distinct texts in 200 rows"),
        ("c", [f"all of row {i}, in words" for i in range(ROWS)], Role.TEXT, "free text, 6 words a cell"),
        ("c", pd.date_range("2020-01-01", periods=ROWS), Role.DATE, ""),
    ],
)
def test_every_column_has_a_role(name: str, cells: object, expected: Role, why: str) -> None:
    assert role(cells, name) == (expected, why)


def test_many_levels_of_which_none_is_frequent_are_left_out() -> None:
    data = pd.DataFrame({"x": np.arange(4000) % 11, "c": [f"k{i % 300}" for i in range(4000)]})
    data["y"] = np.arange(4000) % 2
    assert profiled(data).dropped[0].why == "has 300 levels and none on 1 % of the rows"


def test_a_column_left_out_is_named_in_a_warning() -> None:
    found = profiled(frame(key=[f"k{i}" for i in range(ROWS)]))
    assert [w.text for w in found.warnings] == [
        "column 'key' is left out: has 200 distinct texts in 200 rows"
    ]


LEAK = "a leak unless it is known beforehand"


def test_a_copy_of_a_class_is_a_leak() -> None:
    y = np.arange(ROWS) % 2
    found = profiled(
        frame(same=y, named=np.where(y == 1, "ill", "well"), detail=y * 3 + (np.arange(ROWS) % 3))
    )
    assert [w.text for w in found.warnings if w.kind == "leak"] == [
        f"column 'same' is the target: {LEAK}",
        f"column 'named' is a one-to-one copy of the target: {LEAK}",
        f"column 'detail' determines the target: {LEAK}",
    ]


def test_a_price_in_cents_and_a_logarithm_are_leaks() -> None:
    random = np.random.default_rng(1)
    price = np.exp(random.normal(size=ROWS))
    data = pd.DataFrame({"cents": price * 100, "minus_log": -np.log(price), "x": random.normal(size=ROWS)})
    data["price"] = price
    leaks = [w.column for w in profiled(data, "price").warnings if w.kind == "leak"]
    assert leaks == ["cents", "minus_log"]


@pytest.mark.parametrize("name", TABLES)
def test_no_table_of_scikit_learn_leaks(name: str) -> None:
    table = read(name)
    assert not [w for w in profile(table, infer(table)).warnings if w.kind == "leak"]


def test_chance_is_no_leak() -> None:
    random = np.random.default_rng(2)
    for _ in range(12):
        data = pd.DataFrame({f"x{i}": random.integers(0, 2, 60) for i in range(20)})
        data["y"] = random.integers(0, 2, 60)
        assert not [w for w in profiled(data).warnings if w.kind == "leak"]


def test_copies_of_rows_are_reported_and_counted_across_a_split() -> None:
    data = frame()
    data = pd.concat([data, data.iloc[:50]], ignore_index=True)
    found = profiled(data)
    assert [w.text for w in found.warnings] == [
        "50 rows are exact copies of another: copies stand in training and in test rows alike"
    ]
    split = make_splits(data["y"].to_numpy(), found.kind, count=1)[0]
    rest = np.concatenate([split.train, split.valid])
    by_hand = sum(row % ROWS in set(rest % ROWS) for row in split.test)
    assert straddling(data, split) == by_hand > 0


def test_small_data_are_called_small() -> None:
    few = profiled(frame().iloc[:60])
    assert few.small
    assert few.warnings[-1].text == "60 rows are few: under 100 no verdict is safe"
    rare = frame()
    rare["y"] = np.where(np.arange(ROWS) < 12, "ill", "well")
    assert profiled(rare).small
    assert profiled(rare).warnings[-1].text == "class 'ill' has 12 rows: under 20 no verdict is safe"
    assert not profiled(frame()).small


def test_a_target_of_numbers_is_summarised() -> None:
    data = frame()
    data["y"] = np.concatenate([np.arange(196) / 4, [1000.0, 2000.0, -3000.0, 100.0]])
    numbers = profiled(data).numbers
    assert numbers is not None
    assert numbers.median == pytest.approx(np.median(data["y"]))
    assert numbers.iqr == pytest.approx(np.subtract(*np.quantile(data["y"], [0.75, 0.25])))
    assert numbers.gross_outliers == 3 / ROWS  # 100 is within three IQRs of the upper quartile
    assert profiled(data).smallest_class is None


def test_a_target_of_mostly_one_value_is_not_all_outliers() -> None:
    data = frame()
    data["y"] = np.where(np.arange(ROWS) % 4 == 0, np.arange(ROWS) / 3, 0.0)
    numbers = profiled(data).numbers
    assert numbers is not None
    assert numbers.iqr == 0 or numbers.gross_outliers < 0.05


def test_classes_are_counted_in_the_order_of_the_task() -> None:
    found = profiled(frame())
    assert found.classes == (("0", 100), ("1", 100))
    assert found.smallest_class == 0.5


@pytest.mark.parametrize("name", TABLES)
def test_a_profile_round_trips_through_json(name: str) -> None:
    table = read(name)
    found = profile(table, infer(table))
    assert Profile.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False))) == found
