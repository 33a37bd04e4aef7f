"""Rows spoilt on purpose: wrong labels, gross outliers, a class thinned out. The test rows stay as they are.

What is learned from and what is validated on are spoilt alike, each to the same share: whoever has dirty rows has no
clean ones to choose a rate by. Which rows are spoilt is drawn from the seed of the comparison and the split alone, so
every loss sees the same ones, and the rows spoilt at 10 % are among those spoilt at 20 %.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lossary.core.errors import DataError, sentence
from lossary.lab.asking.parted import Split
from lossary.lab.asking.task import Kind

Way = Literal["noise", "outliers", "imbalance"]
WAYS: tuple[Way, ...] = ("noise", "outliers", "imbalance")
GROSS = 10.0  # interquartile ranges that an outlier lies off its row's true target, up or down
LEAST = {"train": 2, "valid": 1}  # rows of a thinned class that must be left


@dataclass(frozen=True)
class Corruption:
    """One way of spoiling rows, and how much: the share of wrong labels, of outliers, or of the smallest class."""

    way: Way
    level: float
    seed: int

    @property
    def name(self) -> str:
        """The folder of its ledger, beneath that of the clean comparison: "noise-0.2"."""
        return f"{self.way}-{self.level:g}"


def corruptions(
    asked: dict[Way, Sequence[float]],
    answers: NDArray[Any],
    kind: Kind,
    splits: Sequence[Split],
    seed: int,
    *,
    usual: Mapping[str, Sequence[float]] | None = None,
) -> tuple[Corruption, ...]:
    """Every corruption that is asked for, once, by way and from mild to hard; level 0 is the clean comparison.

    Raises DataError for one that the target does not allow; of levels that are the `usual` ones of their way, those
    that it does not allow are left out.
    """
    found: list[Corruption] = []
    for way in WAYS:
        if not asked.get(way):
            continue
        _refuse(way, kind)
        levels = sorted(set(asked[way]) - {0.0}, reverse=way == "imbalance")
        planned = [Corruption(way, float(level), seed) for level in levels]
        if set(asked[way]) == set((usual or {}).get(way, ())):
            planned = [each for each in planned if _objection(each, answers, kind, splits) is None] or planned
        objections = [_objection(each, answers, kind, splits) for each in planned]
        first = next((each for each in objections if each is not None), None)
        if first is not None:
            raise first
        if not planned:
            raise _outside(way, asked[way], _most(way, answers, kind))
        found += planned
    return tuple(found)


def _objection(
    corruption: Corruption, answers: NDArray[Any], kind: Kind, splits: Sequence[Split]
) -> DataError | None:
    """Why the rows of a comparison cannot be spoilt so, where they cannot."""
    most = _most(corruption.way, answers, kind)
    if corruption.level >= most:
        return _outside(corruption.way, [corruption.level], most)
    try:
        for split in splits:
            corrupted(answers, kind, split, corruption)
    except DataError as error:
        return error
    return None


def _outside(way: Way, got: Sequence[float], most: float) -> DataError:
    return DataError(
        sentence(
            way,
            expected=f"shares above 0 and below {most:.3g}",
            got=", ".join(f"{level:g}" for level in got),
            remedy=f"leave it out{_because(way)}",
        )
    )


def _most(way: Way, answers: NDArray[Any], kind: Kind) -> float:
    """The share that a level must stay below."""
    if way == "imbalance":
        return natural_share(answers)
    if way == "noise":
        classes = len(np.unique(answers)) if kind.classes else 2
        return (classes - 1) / classes
    return 0.5


def _because(way: Way) -> str:
    return {
        "imbalance": ": the smallest class has no larger share to be thinned out from",
        "noise": ": with more, wrong labels outnumber right ones",
        "outliers": ": with more, there is no saying which are the outliers",
    }[way]


def _refuse(way: Way, kind: Kind) -> None:
    fits = kind.numbers if way == "outliers" else kind.classes or (way, kind) == ("noise", Kind.MULTILABEL)
    if not fits:
        remedy = "leave it out, or try noise" if way == "outliers" else "leave it out"
        remedy = "leave it out, or try outliers" if kind.numbers else remedy
        expected = "a target of numbers" if way == "outliers" else "a target of classes"
        raise DataError(sentence(way, expected=expected, got=f"a {kind.value} target", remedy=remedy))


def natural_share(answers: NDArray[Any]) -> float:
    """The share of the smallest class among class codes (rows,)."""
    return float(np.unique(answers, return_counts=True)[1].min() / len(answers))


def corrupted(
    answers: NDArray[Any], kind: Kind, split: Split, corruption: Corruption
) -> tuple[NDArray[Any], Split]:
    """Answers as `Task.answers` gives them and the split, both spoilt: the same test rows, with the same answers."""
    if corruption.way == "imbalance":
        return answers, _thinned(answers, split, corruption)
    spoilt = answers.copy()
    for number, rows in enumerate((split.train, split.valid)):
        drawn = _drawn(corruption, split.index, number)
        if corruption.way == "outliers":
            _throw(spoilt, answers[split.train], rows, kind, corruption.level, drawn)
        elif kind is Kind.MULTILABEL:
            cells = drawn.permutation(len(rows) * answers.shape[1])[
                : round(corruption.level * len(rows) * answers.shape[1])
            ]
            at = rows[cells // answers.shape[1]], cells % answers.shape[1]
            spoilt[at] = 1 - answers[at]
        else:
            _flip(spoilt, answers, rows, corruption.level, drawn)
    return spoilt, split


def _drawn(corruption: Corruption, split: int, part: int) -> np.random.Generator:
    # Not of the level: what a milder one draws, a harder one draws too.
    return np.random.default_rng([corruption.seed, split, part, WAYS.index(corruption.way)])


def _flip(
    spoilt: NDArray[Any],
    answers: NDArray[Any],
    rows: NDArray[np.int64],
    level: float,
    drawn: np.random.Generator,
) -> None:
    """Another class, each of the others as likely."""
    classes = int(answers.max()) + 1
    order = drawn.permutation(len(rows))
    steps = drawn.integers(1, classes, len(rows))
    at = order[: round(level * len(rows))]
    spoilt[rows[at]] = (answers[rows[at]] + steps[at]) % classes


def _throw(
    spoilt: NDArray[Any],
    clean: NDArray[Any],
    rows: NDArray[np.int64],
    kind: Kind,
    level: float,
    drawn: np.random.Generator,
) -> None:
    """Ten interquartile ranges of the clean training targets away, up or down; of counts up, since none is below 0."""
    first, third = np.quantile(clean, [0.25, 0.75])
    distance = GROSS * (third - first if third > first else clean.std())
    order = drawn.permutation(len(rows))
    signs = drawn.choice([-1.0, 1.0], len(rows))
    at = order[: round(level * len(rows))]
    if kind is Kind.COUNT:
        spoilt[rows[at]] += np.ceil(distance)
    else:
        spoilt[rows[at]] += signs[at] * distance


def _thinned(answers: NDArray[Any], split: Split, corruption: Corruption) -> Split:
    """Rows of the smallest class left out until its share is that of the corruption."""
    codes, counts = np.unique(answers, return_counts=True)
    smallest = codes[::-1][np.argmin(counts[::-1])]  # of equals the last: with two classes the positive one
    kept = {}
    for number, (name, rows) in enumerate((("train", split.train), ("valid", split.valid))):
        few, many = rows[answers[rows] == smallest], rows[answers[rows] != smallest]
        left = min(round(corruption.level / (1 - corruption.level) * len(many)), len(few))
        if left < LEAST[name]:
            raise DataError(
                sentence(
                    "imbalance",
                    expected=f"a share that leaves the smallest class {LEAST[name]} rows to "
                    f"{'learn from' if name == 'train' else 'validate on'} in every split",
                    got=f"{corruption.level:g}, which leaves {left}",
                    remedy="name larger shares",
                )
            )
        chosen = _drawn(corruption, split.index, number).permutation(few)[:left]
        kept[name] = np.sort(np.concatenate([many, chosen]))
    return replace(split, train=kept["train"], valid=kept["valid"])
