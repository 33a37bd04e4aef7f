"""The task behind a target, by the rules that `lossary.lab.asking.infer` states."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lossary.core.errors import DataError
from lossary.lab import record
from lossary.lab.asking.infer import infer
from lossary.lab.asking.task import Kind, Task
from lossary.lab.data import Table, read


def asked(answers: list[object] | np.ndarray) -> Table:
    return read(pd.DataFrame({"x": np.arange(len(answers)) % 7, "y": answers}), "y")


def task(answers: list[object] | np.ndarray, **options: object) -> Task:
    return infer(asked(answers), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answers", "kind", "levels"),
    [
        (["no", "yes"] * 30, Kind.BINARY, ("no", "yes")),
        ([True, False] * 30, Kind.BINARY, ("False", "True")),
        ([0, 1] * 30, Kind.BINARY, ("0", "1")),
        ([-1.0, 1.0] * 30, Kind.BINARY, ("-1", "1")),
        ([0.5, 2.25] * 30, Kind.BINARY, ("0.5", "2.25")),
        (["a", "c", "b"] * 20, Kind.MULTICLASS, ("a", "b", "c")),
        ([2, 10, 1] * 20, Kind.MULTICLASS, ("1", "2", "10")),
        ([3.0, 1.0, 2.0] * 20, Kind.MULTICLASS, ("1", "2", "3")),
        ([1, 2, 3, 4, 5, 6, 7] * 9, Kind.REGRESSION, ()),  # fewer than 10 rows a level
        (list(range(11)) * 20, Kind.REGRESSION, ()),  # more than 10 levels
        ([0.5, 1.5, 2.5] * 20, Kind.REGRESSION, ()),  # not whole
        ([1, 2] * 30 + [3] * 4, Kind.REGRESSION, ()),  # fewer than 5 rows of a level
    ],
)
def test_the_kind_of_a_target_follows_the_stated_rules(
    answers: list[object], kind: Kind, levels: tuple[str, ...]
) -> None:
    found = task(answers)
    assert (found.kind, found.levels) == (kind, levels)
    assert found.outputs == (len(levels) if kind is Kind.MULTICLASS else 1)


@pytest.mark.parametrize(
    ("answers", "positive", "reason"),
    [
        (["cold", "warm"] * 30, "warm", "2 levels of text; 'warm' is positive: the later in the alphabet"),
        (["cold", "warm", "warm"] * 20, "cold", "2 levels of text; 'cold' is positive: the rarer"),
        (["Yes", "no"] * 30, "Yes", "2 levels of text; 'Yes' is positive: it says yes"),
        ([0, 1, 1] * 20, "1", "2 distinct whole numbers; '1' is positive: the larger"),
    ],
)
def test_the_positive_level_follows_the_stated_rules(
    answers: list[object], positive: str, reason: str
) -> None:
    found = task(answers)
    assert (found.positive, found.reason) == (positive, reason)


def test_the_positive_level_can_be_named() -> None:
    found = task(["cold", "warm"] * 30, positive="cold")
    assert found.levels == ("warm", "cold")
    assert task([0, 1] * 30, positive="0.0").levels == ("1", "0")
    assert task([0, 1] * 30).encode(pd.Series([0, 1, 1])).tolist() == [0, 1, 1]
    assert task([0, 1] * 30, positive="0").encode(pd.Series([0, 1, 1])).tolist() == [1, 0, 0]


def test_answers_become_codes_or_numbers() -> None:
    codes = task(["a", "c", "b"] * 20).encode(pd.Series(["c", "a"]))
    assert (codes.tolist(), codes.dtype) == ([2, 0], np.int64)
    numbers = task(list(range(30)) * 2).encode(pd.Series([3, 4]))
    assert (numbers.tolist(), numbers.dtype) == ([3.0, 4.0], np.float64)


def test_an_answer_that_is_no_level_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        task(["a", "b"] * 30).encode(pd.Series(["a", "z"]))
    assert str(caught.value) == (
        "target 'y': expected one of the levels 'a', 'b', got 'z'; "
        "use the levels of the table that the task was inferred from."
    )


def test_rules_three_and_four_can_be_overruled() -> None:
    assert task([1, 2, 3] * 20, kind=Kind.REGRESSION).kind is Kind.REGRESSION
    assert task([1, 2, 3, 4, 5, 6, 7] * 9, kind=Kind.MULTICLASS).outputs == 7
    with pytest.raises(
        DataError, match="expected two levels for the binary task, got 3 distinct whole numbers"
    ):
        task([1, 2, 3] * 20, kind=Kind.BINARY)
    with pytest.raises(DataError, match="expected numbers for regression, got 2 levels of text"):
        task(["a", "b"] * 20, kind=Kind.REGRESSION)


def test_whole_numbers_called_an_id_are_refused_and_prices_are_not() -> None:
    numbers = np.arange(60) ** 2
    named = pd.DataFrame({"x": np.arange(60) % 7, "customer_id": numbers})
    with pytest.raises(DataError, match="got an identifier"):
        infer(read(named, "customer_id"))
    assert infer(read(named.rename(columns={"customer_id": "paid"}), "paid")).kind is Kind.REGRESSION


def test_a_task_round_trips_through_json() -> None:
    for answers in (["a", "b"] * 30, ["a", "b", "c"] * 20, list(range(30)) * 2):
        found = task(answers)
        assert record.read(Task, record.text(found)) == found
