"""Training, validation and test rows: the same for every loss, so that scores differ by the loss alone.

Each split keeps a fifth of the rows for the test and a quarter of the rest for validation, class by class
where there are classes. Splits are drawn independently (shuffle) or, for small data, as the folds of
repeated five-fold cross-validation, which has the same share of test rows and so the same corrected
variance. Split number i depends on the seed and on i alone: asking for more splits leaves the first ones as
they were.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import (
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedShuffleSplit,
    train_test_split,
)

from lossary.core.errors import DataError, sentence
from lossary.lab.asking.parted import TEST_SHARE, VALID_SHARE, Split, by_group, by_time
from lossary.lab.asking.task import LEAST_OF_A_CLASS, Kind

FOLDS = 5  # 1 / FOLDS is TEST_SHARE
LEAST_ROWS = 10

__all__ = ["Split", "make_splits"]


def make_splits(
    y: NDArray[Any],
    kind: Kind,
    count: int = 20,
    seed: int = 0,
    *,
    folds: bool = False,
    group: NDArray[Any] | None = None,
    time: NDArray[Any] | None = None,
) -> list[Split]:
    """`count` splits of the rows of `y`, shape (rows, ...): class codes where `kind` has classes, else anything.

    With `folds` the test parts are those of repeated five-fold cross-validation. With `group`, (rows,), the rows of
    a group stay together in every split; with `time`, (rows,), every row of a test part comes after all that were
    learned from, and `folds` does nothing. Raises DataError where there are fewer than 10 rows, fewer than 5 of a
    class, or groups or moments that cannot be parted so.
    """
    rows = len(y)
    if rows < LEAST_ROWS:
        got, remedy = f"{rows}", "gather more data"
        raise DataError(sentence("rows", expected=f"at least {LEAST_ROWS}", got=got, remedy=remedy))
    classes = np.asarray(y) if kind.classes else None
    if classes is not None:
        _refuse_rare(classes)
    if time is not None:
        return by_time(time, group, classes, count)
    if group is not None:
        return by_group(group, classes, count, seed)
    rest_and_test = _folds(rows, classes, count, seed) if folds else _shuffles(rows, classes, count, seed)
    splits = []
    for index, (rest, test) in enumerate(rest_and_test):
        train, valid = _validation(rest, classes, seed, index)
        splits.append(Split(index, *(np.sort(part).astype(np.int64) for part in (train, valid, test))))
    return splits


def _refuse_rare(classes: NDArray[Any]) -> None:
    codes, counts = np.unique(classes, return_counts=True)
    if counts.min() < LEAST_OF_A_CLASS:
        raise DataError(
            sentence(
                "classes",
                expected=f"at least {LEAST_OF_A_CLASS} rows of each, for training, validation and test",
                got=f"{counts.min()} of class number {codes[counts.argmin()]}",
                remedy="merge rare classes or leave their rows out",
            )
        )


def _shuffles(
    rows: int, classes: NDArray[Any] | None, count: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    numbers = np.zeros(rows)
    if classes is None:
        return list(ShuffleSplit(count, test_size=TEST_SHARE, random_state=seed).split(numbers))
    return list(
        StratifiedShuffleSplit(count, test_size=TEST_SHARE, random_state=seed).split(numbers, classes)
    )


def _folds(
    rows: int, classes: NDArray[Any] | None, count: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    repeats = -(-count // FOLDS)
    numbers = np.zeros(rows)
    if classes is None:
        folded = RepeatedKFold(n_splits=FOLDS, n_repeats=repeats, random_state=seed).split(numbers)
    else:
        stratified = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=repeats, random_state=seed)
        folded = stratified.split(numbers, classes)
    return list(folded)[:count]


def _validation(
    rest: NDArray[np.int64], classes: NDArray[Any] | None, seed: int, index: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    # A stream of its own for every split, so that none depends on how many there are.
    state = int(np.random.SeedSequence([seed, index]).generate_state(1)[0])
    strata = None if classes is None else classes[rest]
    train, valid = train_test_split(rest, test_size=VALID_SHARE, random_state=state, stratify=strata)
    return train, valid
