"""Rows spoilt on purpose: the share that was asked for, the same rows for every loss, nested, and never a test row."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from lossary.core.errors import DataError
from lossary.lab.asking.corrupt import (
    GROSS,
    Corruption,
    corrupted,
    corruptions,
    natural_share,
)
from lossary.lab.asking.infer import infer
from lossary.lab.asking.profile import profile
from lossary.lab.asking.splits import Split, make_splits
from lossary.lab.asking.task import Kind
from lossary.lab.data import read
from lossary.lab.training.rows import Rows

ROWS = 200


def numbers(kind: Kind) -> NDArray[np.float64]:
    return np.random.default_rng(0).poisson(5.0, ROWS) + (0.0 if kind is Kind.COUNT else 0.5)


def classes(count: int) -> NDArray[np.int64]:
    """The last class is the smallest."""
    return (
        np.minimum(np.arange(ROWS) % (2 * count - 1), count - 1)
        if count > 2
        else (np.arange(ROWS) % 4 == 0) * 1
    )


def split(answers: NDArray[np.float64] | NDArray[np.int64], kind: Kind) -> Split:
    return make_splits(answers, kind, 2, 0)[1]


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("level", [0.1, 0.25, 0.4])
def test_so_many_labels_are_wrong_among_training_and_validation_rows_and_none_among_test_rows(
    count: int, level: float
) -> None:
    kind = Kind.BINARY if count == 2 else Kind.MULTICLASS
    answers = classes(count)
    parts = split(answers, kind)
    spoilt, after = corrupted(answers, kind, parts, Corruption("noise", level, 0))
    wrong = spoilt != answers
    assert after is parts
    assert wrong[parts.train].sum() == round(level * len(parts.train))
    assert wrong[parts.valid].sum() == round(level * len(parts.valid))
    assert not wrong[parts.test].any()
    assert set(np.unique(spoilt)) == set(range(count))


def test_a_wrong_label_is_each_of_the_other_classes_about_as_often() -> None:
    answers = np.zeros(30_000, dtype=np.int64)
    answers[::4], answers[1::4] = 1, 2
    parts = Split(0, np.arange(30_000), np.arange(0), np.arange(0))
    spoilt, _ = corrupted(answers, Kind.MULTICLASS, parts, Corruption("noise", 0.3, 0))
    for truth in range(3):
        wrong = spoilt[(answers == truth) & (spoilt != truth)]
        assert np.mean(wrong == wrong.max()) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("way", "kind"), [("noise", Kind.MULTICLASS), ("outliers", Kind.REGRESSION)])
def test_rows_spoilt_at_one_level_are_spoilt_alike_at_a_harder_one(way: str, kind: Kind) -> None:
    answers = classes(4) if way == "noise" else numbers(kind)
    parts = split(answers, kind)
    found = [
        corrupted(answers, kind, parts, Corruption(way, level, 0))[0]  # type: ignore[arg-type]
        for level in (0.05, 0.1, 0.2, 0.4)
    ]
    for milder, harder in pairwise(found):
        at = milder != answers
        np.testing.assert_array_equal(milder[at], harder[at])
        assert (harder != answers).sum() > at.sum()


def test_rows_kept_at_a_smaller_share_are_kept_at_a_larger_one() -> None:
    answers = classes(2)
    parts = split(answers, Kind.BINARY)
    kept = [
        corrupted(answers, Kind.BINARY, parts, Corruption("imbalance", level, 0))[1]
        for level in (0.05, 0.1, 0.2)
    ]
    for level, each in zip((0.05, 0.1, 0.2), kept, strict=True):
        assert answers[each.train].mean() == pytest.approx(level, abs=0.01)
        assert set(parts.train[answers[parts.train] == 0]) <= set(each.train)
        np.testing.assert_array_equal(each.test, parts.test)
    assert all(set(few.train) < set(more.train) for few, more in pairwise(kept))


@pytest.mark.parametrize("kind", [Kind.REGRESSION, Kind.COUNT])
def test_outliers_lie_ten_quartile_ranges_away_and_counts_stay_counts(kind: Kind) -> None:
    answers = numbers(kind)
    parts = split(answers, kind)
    spoilt, _ = corrupted(answers, kind, parts, Corruption("outliers", 0.1, 0))
    moved = spoilt[parts.train] - answers[parts.train]
    first, third = np.quantile(answers[parts.train], [0.25, 0.75])
    assert np.count_nonzero(moved) == round(0.1 * len(parts.train))
    assert set(np.unique(abs(moved[moved != 0]))) == {
        np.ceil(GROSS * (third - first)) if kind is Kind.COUNT else GROSS * (third - first)
    }
    if kind is Kind.COUNT:
        assert (spoilt >= 0).all()
        assert (spoilt == spoilt.round()).all()
    else:
        assert (moved < 0).any()
    np.testing.assert_array_equal(spoilt[parts.test], answers[parts.test])


def test_another_split_or_seed_spoils_other_rows() -> None:
    answers = classes(2)
    first, second = make_splits(answers, Kind.BINARY, 2, 0)
    one = corrupted(answers, Kind.BINARY, first, Corruption("noise", 0.2, 0))[0]
    again = corrupted(answers, Kind.BINARY, first, Corruption("noise", 0.2, 0))[0]
    np.testing.assert_array_equal(one, again)
    for other in (
        corrupted(answers, Kind.BINARY, first, Corruption("noise", 0.2, 1))[0],
        corrupted(answers, Kind.BINARY, second, Corruption("noise", 0.2, 0))[0],
    ):
        assert (other != one).any()


def test_labels_of_several_are_flipped_cell_by_cell() -> None:
    answers = (np.random.default_rng(0).random((ROWS, 3)) < 0.4) * 1.0
    parts = Split(0, np.arange(100), np.arange(100, 150), np.arange(150, ROWS))
    spoilt, _ = corrupted(answers, Kind.MULTILABEL, parts, Corruption("noise", 0.2, 0))
    assert (spoilt != answers)[:100].sum() == 60
    assert set(np.unique(spoilt)) == {0.0, 1.0}
    assert (spoilt == answers)[150:].all()


def test_levels_are_planned_once_from_mild_to_hard_and_nought_is_the_clean_comparison() -> None:
    answers = classes(2)
    splits = make_splits(answers, Kind.BINARY, 2, 0)
    found = corruptions(
        {"noise": (0.0, 0.4, 0.2, 0.2), "imbalance": (0.1, 0.2)}, answers, Kind.BINARY, splits, seed=3
    )
    assert [each.name for each in found] == ["noise-0.2", "noise-0.4", "imbalance-0.2", "imbalance-0.1"]
    assert {each.seed for each in found} == {3}
    assert corruptions({"noise": ()}, answers, Kind.BINARY, splits, seed=0) == ()
    assert natural_share(answers) == 0.25


@pytest.mark.parametrize(
    ("asked", "kind", "said"),
    [
        ({"noise": (0.2, 0.5)}, Kind.BINARY, "noise: expected shares above 0 and below 0.5, got 0.5"),
        ({"noise": (0.0,)}, Kind.BINARY, "noise: expected shares above 0"),
        ({"imbalance": (0.25,)}, Kind.BINARY, "imbalance: expected shares above 0 and below 0.25"),
        ({"imbalance": (0.001,)}, Kind.BINARY, "which leaves 0; name larger shares"),
        ({"outliers": (0.1,)}, Kind.BINARY, "outliers: expected a target of numbers, got a binary target"),
        ({"noise": (0.1,)}, Kind.REGRESSION, "noise: expected a target of classes, got a regression target"),
        ({"noise": (0.1,)}, Kind.SEGMENTATION, "noise: expected a target of classes, got a segmentation"),
        ({"imbalance": (0.1,)}, Kind.MULTILABEL, "imbalance: expected a target of classes"),
    ],
)
def test_levels_that_a_target_does_not_allow_are_refused_in_one_sentence(
    asked: dict[str, tuple[float, ...]], kind: Kind, said: str
) -> None:
    answers = classes(2) if kind.classes else numbers(kind)
    splits = make_splits(classes(2), Kind.BINARY, 2, 0)
    with pytest.raises(DataError) as caught:
        corruptions(asked, answers, kind, splits, seed=0)  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_of_the_usual_levels_those_that_a_target_does_not_allow_are_left_out() -> None:
    answers = classes(2)
    splits = make_splits(answers, Kind.BINARY, 2, 0)
    usual = {"imbalance": (0.5, 0.2, 0.1, 0.001)}
    found = corruptions({"imbalance": (0.5, 0.2, 0.1, 0.001)}, answers, Kind.BINARY, splits, 0, usual=usual)
    assert [each.level for each in found] == [0.2, 0.1]
    with pytest.raises(DataError, match=r"imbalance: expected shares above 0 and below 0\.25, got 0\.5"):
        corruptions({"imbalance": (0.5, 0.2)}, answers, Kind.BINARY, splits, 0, usual=usual)


def test_spoilt_rows_are_tested_on_clean_answers_and_seen_through_clean_inputs() -> None:
    drawn = np.random.default_rng(0)
    frame = pd.DataFrame({"a": drawn.normal(size=ROWS), "b": drawn.normal(size=ROWS)})
    frame["y"] = 3 * frame["a"] + drawn.normal(size=ROWS)
    table = read(frame, "y")
    task = infer(table)
    rows = Rows(table, task, profile(table, task), tuple(make_splits(task.answers(table), task.kind, 2, 0)))
    spoilt = rows.spoilt(Corruption("outliers", 0.1, 0))
    clean, dirty = rows.data(0), spoilt.data(0)
    assert clean.x_train.equal(dirty.x_train)
    assert not clean.y_train.equal(dirty.y_train)
    assert float(dirty.y_valid.abs().max()) > 5 > float(clean.y_valid.abs().max())
    assert spoilt.truth(0)[0].equal(rows.truth(0)[0])
    restored = spoilt.scale(0).restore(dirty.y_test.double().numpy())
    np.testing.assert_allclose(restored, rows.truth(0)[0].numpy(), rtol=1e-5, atol=1e-5)
    assert rows.data(0) is clean
