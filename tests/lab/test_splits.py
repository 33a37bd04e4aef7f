"""Splits: three disjoint parts, class by class, the same for everyone who asks with the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from lossary.core.errors import DataError
from lossary.lab.asking.splits import Split, make_splits
from lossary.lab.asking.task import Kind


def targets(kind: Kind, rows: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    if kind is Kind.REGRESSION:
        return random.normal(size=rows)
    levels = 2 if kind is Kind.BINARY else 4
    shares = random.dirichlet(np.ones(levels))
    return np.concatenate([np.repeat(np.arange(levels), 5), random.choice(levels, rows, p=shares)])


def same(one: Split, other: Split) -> bool:
    return all(
        np.array_equal(getattr(one, part), getattr(other, part)) for part in ("train", "valid", "test")
    )


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("folds", [False, True])
@pytest.mark.parametrize("rows", [10, 37, 100, 569])
def test_the_three_parts_are_disjoint_and_complete(kind: Kind, folds: bool, rows: int) -> None:
    y = targets(kind, rows)
    splits = make_splits(y, kind, folds=folds)
    assert [split.index for split in splits] == list(range(20))
    for split in splits:
        every = np.concatenate([split.train, split.valid, split.test])
        assert np.array_equal(np.sort(every), np.arange(len(y)))
        assert (
            abs(len(split.test) - 0.2 * len(y)) < 1 if not folds else abs(len(split.test) - 0.2 * len(y)) <= 2
        )
        assert abs(len(split.valid) - 0.2 * len(y)) <= 2
        assert split.train.dtype == np.int64
    assert len({len(split.train) for split in splits}) == 1 or folds


def test_every_class_is_in_every_part_even_where_it_has_five_rows() -> None:
    for seed in range(60):
        kind = (Kind.BINARY, Kind.MULTICLASS)[seed % 2]
        y = targets(kind, 10 + 3 * seed, seed)
        for folds in (False, True):
            for split in make_splits(y, kind, count=5, seed=seed, folds=folds):
                for part in (split.train, split.valid, split.test):
                    assert set(y[part]) == set(y)


def test_shares_of_classes_are_kept() -> None:
    y = np.repeat([0, 1], [900, 100])
    for split in make_splits(y, Kind.BINARY):
        assert [int(y[part].sum()) for part in (split.train, split.valid, split.test)] == [60, 20, 20]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("folds", [False, True])
def test_the_same_seed_gives_the_same_splits_and_another_others(kind: Kind, folds: bool) -> None:
    y = targets(kind, 120)
    one, again = make_splits(y, kind, seed=3, folds=folds), make_splits(y, kind, seed=3, folds=folds)
    other = make_splits(y, kind, seed=4, folds=folds)
    assert all(same(a, b) for a, b in zip(one, again, strict=True))
    assert not any(same(a, b) for a, b in zip(one, other, strict=True))
    assert not any(same(one[0], later) for later in one[1:])


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("folds", [False, True])
def test_more_splits_leave_the_first_ones_as_they_were(kind: Kind, folds: bool) -> None:
    y = targets(kind, 120)
    few, many = make_splits(y, kind, count=7, folds=folds), make_splits(y, kind, count=40, folds=folds)
    assert all(same(a, b) for a, b in zip(few, many, strict=False))


def test_folds_test_every_row_once_in_each_repeat() -> None:
    y = targets(Kind.BINARY, 60)
    splits = make_splits(y, Kind.BINARY, count=10, folds=True)
    for repeat in (splits[:5], splits[5:]):
        tested = np.concatenate([split.test for split in repeat])
        assert np.array_equal(np.sort(tested), np.arange(len(y)))


def test_too_few_rows_and_too_rare_classes_are_refused() -> None:
    with pytest.raises(DataError) as few:
        make_splits(np.zeros(9), Kind.REGRESSION)
    assert str(few.value) == "rows: expected at least 10, got 9; gather more data."
    with pytest.raises(DataError) as rare:
        make_splits(np.repeat([0, 1, 2], [50, 4, 50]), Kind.MULTICLASS)
    assert str(rare.value) == (
        "classes: expected at least 5 rows of each, for training, validation and test, "
        "got 4 of class number 1; merge rare classes or leave their rows out."
    )
