"""What is found of one loss against the reference: a contrast with its tests, and one of four verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lossary.lab.judging.posterior import Chances
from lossary.lab.judging.remedy import Remedy


class Verdict(StrEnum):
    """What can be said of a loss against the reference."""

    EQUAL = "practically equal"
    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "cannot tell"
    WITHHELD = "withheld"  # too little data for any verdict
    UNJUDGED = "not judged"  # diverged, or estimates something else


@dataclass(frozen=True)
class Contrast:
    """A loss against the reference, in the metric's unit, positive where the loss is the better one."""

    advantage: float
    error: float
    low: float  # the 95 % interval of this loss alone
    high: float
    adjusted_low: float  # the interval that holds for all candidates together (Bonferroni)
    adjusted_high: float
    p: float
    p_adjusted: float
    p_outside: float  # two one-sided tests: small where the difference lies inside the region
    p_outside_adjusted: float
    seed_share: float | None  # of the variance over splits, what the seeds make; None with one seed a split
    detectable: float  # the true difference found with 80 % power at these splits
    floor: float  # half the interval that no number of splits can beat
    # A difference's standard deviation between trainings that differ in their seed alone, and between splits had
    # each infinitely many seeds. None with one seed a split, which cannot tell one from the other.
    seed_spread: float | None = None
    split_spread: float | None = None
    chances: Chances | None = None  # what to believe, beside what was shown


@dataclass(frozen=True)
class Finding:
    """One loss: its mean score, its contrast (None where a training failed), and the verdict."""

    name: str
    score: float | None
    verdict: Verdict
    identical: bool
    contrast: Contrast | None
    remedy: Remedy | None
    note: str
