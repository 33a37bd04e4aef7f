"""Splits of rows that are not exchangeable: those of a group stay together, and what is tested comes after the rest.

Rows of one patient, one film or one machine are alike; parted, they would tell a network about its own test. And a
network that will be asked about tomorrow must be tested on rows later than all it has seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupShuffleSplit

from lossary.core.errors import DataError, sentence

TEST_SHARE = 0.2
VALID_SHARE = 0.25  # of what is not test
LEAST_GROUPS = 5  # one in five is tested
TRIES = 50  # draws of groups for a split until every class stands in each part
WINDOW = 0.5  # of the moments: what one split in time spans, learned from, validated on and tested


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers, ascending; the three parts are disjoint, and together all rows unless split by time."""

    index: int
    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    test: NDArray[np.int64]


def by_group(group: NDArray[Any], classes: NDArray[Any] | None, count: int, seed: int) -> list[Split]:
    """Splits that keep every group whole: a fifth of the groups is tested. Each depends on the seed and its index."""
    codes = np.unique(group, return_inverse=True)[1]
    groups = int(codes.max()) + 1
    if groups < LEAST_GROUPS:
        raise DataError(
            sentence(
                "group",
                expected=f"at least {LEAST_GROUPS} groups, for training, validation and test",
                got=str(groups),
                remedy="name a column with more of them, or leave it out",
            )
        )
    return [_grouped(codes, classes, seed, index) for index in range(count)]


def _grouped(codes: NDArray[np.int64], classes: NDArray[Any] | None, seed: int, index: int) -> Split:
    for attempt in range(TRIES):
        state = int(np.random.SeedSequence([seed, index, attempt]).generate_state(1)[0])
        rows = np.arange(len(codes))
        rest, test = _drawn(rows, codes, TEST_SHARE, state)
        inner, held = _drawn(rest, codes[rest], VALID_SHARE, state)
        parts = (rest[inner], rest[held], test)
        if classes is None or all(len(np.unique(classes[p])) == len(np.unique(classes)) for p in parts):
            return Split(index, *(np.sort(part).astype(np.int64) for part in parts))
    raise DataError(
        sentence(
            "group",
            expected="groups that can be parted with every class in training, validation and test",
            got=f"none in {TRIES} draws",
            remedy="merge rare classes, or split finer groups",
        )
    )


def _drawn(
    rows: NDArray[np.int64], codes: NDArray[np.int64], share: float, state: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    drawn = GroupShuffleSplit(1, test_size=share, random_state=state).split(rows, groups=codes)
    first, second = next(iter(drawn))
    return first, second


def by_time(
    time: NDArray[Any], group: NDArray[Any] | None, classes: NDArray[Any] | None, count: int
) -> list[Split]:
    """Windows that move forward through time: 60 % of each to learn from, then 20 % to validate on, then 20 % to test.

    Rows of one moment are never parted. The windows overlap, as shuffled splits do, and the last one ends with the
    last row.
    """
    if group is not None:
        raise DataError(
            sentence("group and time", expected="one of the two", got="both", remedy="leave one of them out")
        )
    moments = np.unique(time)
    wide = int(len(moments) * WINDOW)
    if wide < 10 or len(moments) - wide < count - 1:
        raise DataError(
            sentence(
                "time",
                expected=f"enough moments for {count} windows, at least {max(20, 2 * count)}",
                got=str(len(moments)),
                remedy="ask for fewer --splits, or name a finer column",
            )
        )
    starts = np.round(np.linspace(0, len(moments) - wide, count)).astype(int) if count > 1 else [0]
    at = np.searchsorted(moments, time)
    rest = wide - max(1, round(TEST_SHARE * wide))
    learned = rest - max(1, round(VALID_SHARE * rest))
    splits = []
    for index, start in enumerate(starts):
        ends = (start, start + learned, start + rest, start + wide)
        parts = [np.flatnonzero((at >= low) & (at < high)) for low, high in pairwise(ends)]
        if classes is not None and len(np.unique(classes[parts[0]])) < len(np.unique(classes)):
            raise DataError(
                sentence(
                    "time",
                    expected="rows of every class in each window's training rows",
                    got=f"window {index + 1} without one of them",
                    remedy="leave out classes that come and go, or ask for fewer --splits",
                )
            )
        splits.append(Split(index, *(part.astype(np.int64) for part in parts)))
    return splits
