"""Rows spoilt on purpose: wrong labels, gross outliers, a class thinned out. The test rows stay as they are.

What is learned from and what is validated on are spoilt alike, each to the same share: whoever has dirty rows has no
clean ones to choose a rate by. Which rows are spoilt is drawn from the seed of the comparison and the split alone, so
every loss sees the same ones, and the rows spoilt at 10 % are among those spoilt at 20 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lossary.core.errors import DataError, sentence
from lossary.lab.asking.parted import Split
from lossary.lab.asking.task import Kind

Way = Literal["noise", "outliers", "imbalance"]
WAYS: tuple[Way, ...] = ("noise", "outliers", "imbalance")
#: What is tried where no levels are named. The clean comparison is always the first point of a curve.
LEVELS: dict[Way, tuple[float, ...]] = {
    "noise": (0.0, 0.1, 0.2, 0.3, 0.4),
    "outliers": (0.0, 0.02, 0.05, 0.1),
    "imbalance": (0.2, 0.1, 0.05, 0.02),
}
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
    asked: dict[Way, Sequence[float]], answers: NDArray[Any], kind: Kind, splits: Sequence[Split], seed: int
) -> tuple[Corruption, ...]:
    """Every corruption that is asked for, once, by way and from mild to hard; level 0 is the clean comparison.

    Raises DataError for one that the target does not allow.
    """
    found = []
    for way in WAYS:
        levels = sorted(set(asked.get(way, ())) - {0.0}, reverse=way == "imbalance")
        if not asked.get(way):
            continue
        _refuse(way, kind)
        most = _most(way, answers, kind)
        if not levels or levels[0 if way == "imbalance" else -1] >= most:
            raise DataError(
                sentence(
                    way,
                    expected=f"shares above 0 and below {most:.3g}",
                    got=", ".join(f"{level:g}" for level in asked[way]),
                    remedy=f"leave the others out{_because(way)}",
                )
            )
        found += [Corruption(way, float(level), seed) for level in levels]
    for each in found:
        for split in splits:
            corrupted(answers, kind, split, each)
    return tuple(found)


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


def read_levels(way: Way, text: str) -> tuple[float, ...]:
    """The levels of "0,0.2,0.4"; those of LEVELS for "". Raises DataError for what is no list of shares."""
    if not text.strip():
        return LEVELS[way]
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise DataError(
            sentence(
                way,
                expected="shares separated by commas",
                got=repr(text),
                remedy=f"write {','.join(f'{level:g}' for level in LEVELS[way])}",
            )
        ) from None
