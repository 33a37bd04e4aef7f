"""The data of the studies: embedded sets by name, and made-up ones with known noise."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from lossary.lab.asking.task import Kind
from lossary.lab.data import read
from lossary.lab.studies.trainings import Problem

Values = NDArray[np.float64]


@cache
def table(name: str, positive: str | None = None) -> Problem:
    """An embedded set of numeric columns. `positive`: the level that is 1; else levels are coded in their order."""
    found = read(name)
    x = found.frame[list(found.features)].to_numpy(dtype=np.float64)
    answers = found.answers()
    if positive is not None:
        return Problem(x, np.asarray(answers == positive, dtype=np.float64), Kind.BINARY)
    if answers.nunique() > 20:
        return Problem(x, answers.to_numpy(dtype=np.float64), Kind.REGRESSION)
    codes = np.unique(answers.to_numpy(), return_inverse=True)[1]
    return Problem(x, codes.astype(np.float64), Kind.MULTICLASS)


def clouds(
    rows: int, *, share: float = 0.5, apart: float = 1.0, features: int = 10, seed: int = 0
) -> Problem:
    """Two normal clouds of unit spread, `apart` in the first feature's direction: `share` of the rows are class 1.

    The best accuracy that any rule can have with equal shares is the normal distribution at apart/2.
    """
    numbers = np.random.default_rng(seed)
    y = (np.arange(rows) < round(share * rows)).astype(np.float64)
    numbers.shuffle(y)
    x = numbers.normal(size=(rows, features))
    x[:, 0] += apart * y
    return Problem(x, y, Kind.BINARY)


def flipped(problem: Problem, share: float, seed: int = 0) -> Problem:
    """The same rows with this share of the labels turned, in training, validation and test alike."""
    numbers = np.random.default_rng(seed)
    turned = numbers.permutation(len(problem.y))[: round(share * len(problem.y))]
    y = problem.y.copy()
    y[turned] = 1 - y[turned]
    return Problem(problem.x, y, problem.kind)


def lines(rows: int, *, noise: float = 1.0, features: int = 5, seed: int = 0) -> Problem:
    """Numbers that are a sum of the features plus normal noise."""
    numbers = np.random.default_rng(seed)
    x = numbers.normal(size=(rows, features))
    y = x.sum(axis=1) / np.sqrt(features) + noise * numbers.normal(size=rows)
    return Problem(x, y, Kind.REGRESSION)


def with_outliers(problem: Problem, share: float, size: float = 10.0, seed: int = 0) -> Problem:
    """A share of the answers to learn from lies `size` standard deviations too high; the test answers are clean."""
    numbers = np.random.default_rng(seed)
    spoilt = numbers.permutation(len(problem.y))[: round(share * len(problem.y))]
    dirty = problem.y.copy()
    dirty[spoilt] += size * problem.y.std()
    return Problem(problem.x, problem.y, problem.kind, dirty)
