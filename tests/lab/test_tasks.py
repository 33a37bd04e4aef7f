"""Labels, grades, counts, anomalies, masks and neighbours: what is asked, and what is refused in one sentence."""

import numpy as np
import pandas as pd
import pytest

from lossary.core.errors import DataError
from lossary.lab.asking.infer import infer
from lossary.lab.asking.parted import by_group, by_time
from lossary.lab.asking.profile import profile
from lossary.lab.asking.task import Kind, Task
from lossary.lab.asking.words import LENGTH, Words
from lossary.lab.data import read
from lossary.lab.data.table import Table

ROWS = 60
X = np.random.default_rng(0).normal(size=ROWS)


def table(answers: object, **roles: object) -> Table:
    return read(pd.DataFrame({"x": X, "y": answers}), "y", **roles)  # type: ignore[arg-type]


def test_grades_stand_in_their_order_and_one_with_few_rows_joins_its_smaller_neighbour() -> None:
    answers = [1] * 2 + [2] * 20 + [3] * 30 + [4] * 8
    found = infer(table(answers), kind="ordinal")
    assert found.levels == ("1 to 2", "3", "4")
    assert found.encode(pd.Series(answers)).tolist() == [0] * 22 + [1] * 30 + [2] * 8
    assert "taken together as '1 to 2'" in found.reason
    assert profile(table(answers), found).classes == (("1 to 2", 22), ("3", 30), ("4", 8))


def test_grades_of_text_need_an_order() -> None:
    answers = table(["low", "mid", "high"] * 20)
    with pytest.raises(DataError, match=r"expected grades in their order, got the levels .*--order"):
        infer(answers, kind="ordinal")
    assert infer(answers, kind="ordinal", order=("low", "mid", "high")).levels == ("low", "mid", "high")
    with pytest.raises(DataError, match="name each of them once"):
        infer(answers, kind="ordinal", order=("low", "high"))


@pytest.mark.parametrize(
    ("answers", "kind", "said"),
    [
        ([0.5, 1.5, 2.5] * 20, "count", "expected whole numbers of at least 0 for count"),
        ([-1, 0, 3] * 20, "count", "got -1"),
        ([0, 1, 2] * 20, "anomaly", "expected two levels for the anomaly task"),
        ([0, 1] * 30, "ordinal", "expected 3 to 30 grades"),
        ([0, 1] * 30, "ordnal", "the nearest task is 'ordinal'"),
        ([0, 1] * 30, "multilabel", "expected several columns of 0 and 1, got one target column"),
        ([0, 1] * 30, "segmentation", "expected pictures with a mask each, got a table without masks"),
    ],
)
def test_a_target_that_does_not_fit_the_task_is_refused(answers: list[float], kind: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        infer(table(answers), kind=kind)
    assert "\n" not in str(caught.value)


def test_counts_anomalies_and_neighbours_are_never_guessed() -> None:
    counts = table(np.arange(ROWS) % 12)
    assert infer(counts).kind is Kind.REGRESSION
    assert infer(counts, kind="count").kind is Kind.COUNT
    rare = table(["usual"] * 50 + ["odd"] * 10)
    assert infer(rare).kind is Kind.BINARY
    assert infer(rare, kind="anomaly").positive == "odd"
    assert infer(rare, kind="retrieval").outputs > 2


def test_labels_are_several_answers_a_row() -> None:
    frame = pd.DataFrame({"x": X, "a": np.arange(ROWS) % 2, "b": np.arange(ROWS) % 3 == 0})
    found = read(frame.assign(b=frame["b"].astype(int)), "a, b")
    asked = infer(found)
    assert (asked.kind, asked.levels, asked.outputs) == (Kind.MULTILABEL, ("a", "b"), 2)
    assert asked.answers(found).shape == (ROWS, 2)
    assert found.features == ("x",)
    with pytest.raises(DataError, match="a label that at least 5 rows have"):
        infer(read(frame.assign(b=[1] * 2 + [0] * (ROWS - 2)), "a, b"))


def test_a_group_is_never_parted_and_every_class_is_in_each_part() -> None:
    group, classes = np.arange(ROWS) // 4, np.arange(ROWS) % 3
    for split in by_group(group, classes, 5, seed=1):
        parts = (split.train, split.valid, split.test)
        assert sorted(np.concatenate(parts)) == list(range(ROWS))
        assert not set(group[split.test]) & set(group[np.concatenate([split.train, split.valid])])
        assert not set(group[split.valid]) & set(group[split.train])
        assert all(len(set(classes[part])) == 3 for part in parts)
    with pytest.raises(DataError, match="expected at least 5 groups"):
        by_group(np.arange(ROWS) % 3, None, 2, seed=0)


def test_what_is_tested_comes_after_what_is_learned_from() -> None:
    time = np.random.default_rng(1).permutation(np.repeat(np.arange(30), 2))
    splits = by_time(time, None, None, 4)
    for split in splits:
        assert time[split.train].max() < time[split.valid].min()
        assert time[split.valid].max() < time[split.test].min()
    assert time[splits[-1].test].max() == 29
    with pytest.raises(DataError, match="expected enough moments for 4 windows"):
        by_time(np.arange(ROWS) % 5, None, None, 4)
    with pytest.raises(DataError, match="expected one of the two, got both"):
        by_time(time, time, None, 4)


def test_a_vocabulary_is_of_the_training_texts_alone() -> None:
    words = Words(["good film", "good plot", "bad film", "unseen words here"])
    train = np.array([0, 1, 2])
    coded = words.coded(np.arange(4), words.vocabulary(train))
    assert coded.shape == (4, LENGTH)
    assert (coded[3] == 0).all()  # none of its words is in a training text
    assert set(coded[0][coded[0] > 0]) == {1, 2}  # "good" and "film", each in two texts; pairs in one
    assert coded.max() < words.size


def test_a_hash_needs_no_vocabulary() -> None:
    words = Words(["good film", "bad"], hashed=True)
    first, second = (words.coded(np.arange(2), words.vocabulary(np.array(rows))) for rows in ([0], [1]))
    np.testing.assert_array_equal(first, second)
    assert (first[0] > 0).sum() == 3


def test_a_task_survives_json() -> None:
    from lossary.lab import record

    found = infer(table([1] * 2 + [2] * 20 + [3] * 30 + [4] * 8), kind="ordinal")
    assert record.read(Task, record.text(found)) == found
