"""The second table of a comparison: every loss at its best setting, each chosen on validation from an equal budget."""

from __future__ import annotations

from dataclasses import dataclass

from lossary.lab.judging.robustness import Interval
from lossary.lab.judging.verdict import Verdicts


@dataclass(frozen=True)
class Picked:
    """A setting, in how many splits it was the best on validation, and whether it is the loss's own."""

    says: str  # "gamma=4.0", "rates in between" or "as asked for"
    splits: int
    own: bool


@dataclass(frozen=True)
class TunedRow:
    """One loss at the setting and the rate that validation chose on each split."""

    label: str
    judged: bool
    score: Interval  # the metric that decides, on test
    by_split: tuple[float, ...]
    gain: Interval  # its score less that of its own setting, paired by split: descriptive, not tested
    picked: tuple[Picked, ...]  # most frequent first
    rate: float  # the median of those chosen
    trainings: int  # a split, seeds included


@dataclass(frozen=True)
class Tuned:
    """Every loss with the same budget. `verdicts` are of this table alone, against the same reference, also tuned."""

    budget: int  # settings a loss
    rows: tuple[TunedRow, ...]  # judged losses first, best first
    verdicts: Verdicts
    notes: tuple[str, ...]

    @property
    def headline(self) -> str:
        """The verdict of this table in one sentence."""
        return self.verdicts.headline

    def row(self, label: str) -> TunedRow:
        """The row of one loss by its label."""
        return next(each for each in self.rows if each.label == label)
