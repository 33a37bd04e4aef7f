"""What would help: which of splits, seeds and rows, how many, and that following it decides more, by simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from lossary.lab.judging.remedy import Help, Remedy
from lossary.lab.judging.verdict import Finding, Verdict, Verdicts, judge
from lossary.lab.metrics import METRICS

Values = NDArray[np.float64]


SPLITS = 20
# Differences over splits with mean exactly 0 and standard deviation exactly 1: a shape to scale and to shift.
SHAPE = np.linspace(-1, 1, SPLITS)
SHAPE /= SHAPE.std(ddof=1)
BASE = 0.9 + 0.02 * np.cos(np.arange(SPLITS))
# With 20 splits 80/20 the corrected error of s = 1 is √(1/20 + 1/4) = 0.548.
ERROR = np.sqrt(1 / SPLITS + 0.25)


def ruling(scores: dict[str, Values]) -> Verdicts:
    table = {"reference": BASE, **scores}
    return judge(table, reference="reference", metric=METRICS["accuracy"], n_test=114, n_rest=456)


def shifted(mean: float, spread: float) -> Values:
    return BASE + mean + spread * SHAPE


def test_what_would_help_is_splits_where_they_suffice() -> None:
    result = ruling({"a": shifted(0.003, 0.0075)})
    remedy = result.finding("a").remedy
    assert remedy is not None and remedy.help is Help.SPLITS and remedy.amount > SPLITS
    assert result.would_help == (
        f"What would help: about {remedy.amount} splits instead of 20 for a. "
        "Whether more seeds would, one seed a split cannot show: take 2 or more to find out."
    )
    # It does help: the same spread over so many splits is decided.
    wave = np.linspace(-1, 1, remedy.amount)
    home = np.full(remedy.amount, 0.9)
    decided = judge(
        {"reference": home, "a": home + 0.003 + 0.0075 * wave / wave.std(ddof=1)},
        reference="reference",
        metric=METRICS["accuracy"],
        n_test=114,
        n_rest=456,
    )
    assert decided.finding("a").verdict is Verdict.EQUAL


def test_what_would_help_is_rows_where_the_floor_exceeds_the_region() -> None:
    remedy = ruling({"a": shifted(0.002, 0.03)}).finding("a").remedy
    assert remedy is not None and (remedy.help, remedy.now) == (Help.ROWS, 570)
    # The one-sided t(0.95; 19) is 1.729, so half the interval is 1.729 · 0.548 · 3 points = 2.84. Inside the region
    # of 1 point there is room for 0.8 beside a difference of 0.2: that takes 12.6 times the rows.
    assert remedy.amount == pytest.approx(570 * (0.03 * 1.72913 * ERROR / 0.008) ** 2, rel=1e-3)


def test_what_would_help_is_seeds_while_their_variance_dominates() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(SPLITS, 5)) * 0.04
    result = judge(
        {"reference": np.repeat(BASE[:, None], 5, axis=1), "a": BASE[:, None] + noise},
        reference="reference",
        metric=METRICS["accuracy"],
        n_test=114,
        n_rest=456,
    )
    remedy = result.finding("a").remedy
    assert remedy is not None and remedy.help is Help.SEEDS and remedy.amount > 5
    assert "seeds a split instead of 5" in result.would_help


def test_nothing_would_help_where_everything_is_decided() -> None:
    assert ruling({"a": shifted(0.1, 0.01), "b": BASE.copy()}).would_help == ""


@dataclass(frozen=True)
class World:
    """Differences on 600 rows whose splits correlate as Nadeau and Bengio suppose, with noise of each seed."""

    splits: int
    seeds: int
    of_splits: float
    of_seeds: float

    def accident(self, rng: np.random.Generator) -> float:
        """What a data set adds to every split: its variance is n_test/n_rest of that of the splits."""
        return 0.5 * self.of_splits * float(rng.normal())

    def differences(self, rng: np.random.Generator, true: float, accident: float, more: Remedy) -> Values:
        """Fresh trainings with what the remedy asks for; more rows make everything but the truth smaller."""
        splits = more.amount if more.help is Help.SPLITS else self.splits
        seeds = more.amount if more.help is Help.SEEDS else self.seeds
        noise = self.of_splits * rng.normal(size=(splits, 1)) + self.of_seeds * rng.normal(
            size=(splits, seeds)
        )
        return true + np.sqrt(600 / rows_of(more)) * (accident + noise)


def rows_of(more: Remedy) -> int:
    return more.amount if more.help is Help.ROWS else 600


def found(differences: Values, rows: int) -> Finding:
    n_test = rows // 5
    return judge(
        {"reference": np.full(differences.shape, 0.9), "loss": 0.9 + differences},
        reference="reference",
        metric=METRICS["accuracy"],
        n_test=n_test,
        n_rest=rows - n_test,
    ).finding("loss")


@pytest.mark.parametrize(
    ("help_", "world"),
    [
        (Help.SPLITS, World(splits=5, seeds=2, of_splits=0.008, of_seeds=0.0)),
        (Help.SEEDS, World(splits=20, seeds=2, of_splits=0.003, of_seeds=0.04)),
        (Help.ROWS, World(splits=20, seeds=2, of_splits=0.02, of_seeds=0.01)),
    ],
)
def test_what_would_help_does(help_: Help, world: World) -> None:
    rng = np.random.default_rng(0)
    again = Remedy(Help.SPLITS, world.splits, world.splits)
    followed: list[bool] = []
    repeated: list[bool] = []
    while len(followed) < 150:
        true, accident = 0.01 * float(rng.normal()), world.accident(rng)
        first = found(world.differences(rng, true, accident, again), 600)
        if first.remedy is None or first.remedy.help is not help_ or first.remedy.amount > 10**6:
            continue
        # More rows are other rows, with an accident of their own; splits and seeds keep the data set's.
        moved = world.accident(rng) if help_ is Help.ROWS else accident
        for kind, tries in ((first.remedy, followed), (again, repeated)):
            verdict = found(world.differences(rng, true, moved, kind), rows_of(kind)).verdict
            tries.append(verdict is not Verdict.UNDECIDED)
    assert np.mean(followed) > 0.3
    assert np.mean(followed) > 1.5 * np.mean(repeated)
