"""From scores to an outcome: the laboratory's own tests, read as an ordering that a text prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossary.lab.comparison import Comparison
from lossary.lab.figures import figures
from lossary.lab.judging.contrast import Testing, findings
from lossary.lab.judging.finding import Verdict
from lossary.lab.judging.statistics import LEVEL
from lossary.lab.studies.study import Outcome

Values = NDArray[np.float64]
READ = {
    Verdict.EQUAL: Outcome.EQUAL,
    Verdict.BETTER: Outcome.HOLDS,
    Verdict.WORSE: Outcome.REVERSED,
    Verdict.UNDECIDED: Outcome.UNDECIDED,
    Verdict.WITHHELD: Outcome.UNTESTABLE,
    Verdict.UNJUDGED: Outcome.UNTESTABLE,
}


@dataclass(frozen=True)
class Settled:
    """An ordering after its test: how far what the text puts first is ahead, with its 95 % interval."""

    outcome: Outcome
    ahead: float
    low: float
    high: float
    score: float  # of what the text puts first
    other: float

    def said(self, unit: float = 100.0, name: str = "points") -> str:
        """ "0.3 points ahead (95 % interval −0.2 to 0.8)"; a difference below 0 is one behind."""
        if not np.isfinite(self.ahead):
            return "no score in some trainings"
        size = figures(abs(unit * self.ahead), 2)
        where = "ahead" if self.ahead >= 0 else "behind"
        ends = " to ".join(figures(unit * end + 0.0, 2).replace("-", "−") for end in (self.low, self.high))
        return f"{size} {name} {where} (95 % interval {ends})"


def settle(
    pairs: Mapping[str, tuple[Values, Values]],
    *,
    region: float,
    greater: bool = True,
    n_test: int = 0,
    n_rest: int = 1,
) -> dict[str, Settled]:
    """Statement -> what became of it. A pair is (what the text puts first, what it puts second), (J,) or (J, S).

    J are splits of one data set, with n_test and n_rest rows in each, or replicates that share no data, which the
    defaults say. `region` is half the region of practical equivalence in the metric's unit. The statements of one
    call are one family (Holm). A replicate without a score, because its training diverged, makes a statement not
    testable.
    """
    sign = 1.0 if greater else -1.0
    tables = {name: tuple(_two(each) for each in pair) for name, pair in pairs.items()}
    advantages = {name: sign * (first - second) for name, (first, second) in tables.items()}
    sound = [name for name, values in advantages.items() if np.isfinite(values).all()]
    testing = Testing(n_test, n_rest, LEVEL, region, len(pairs))
    found = {
        each.name: each
        for each in findings(sound, advantages, {name: tables[name][0] for name in sound}, testing)
    }
    settled = {}
    for name, (first, second) in tables.items():
        means = float(first.mean()), float(second.mean())
        contrast = found[name].contrast if name in found else None
        if contrast is None:
            settled[name] = Settled(Outcome.UNTESTABLE, np.nan, np.nan, np.nan, *means)
        else:
            ends = contrast.advantage, contrast.low, contrast.high
            settled[name] = Settled(READ[found[name].verdict], *ends, *means)
    return settled


def against_reference(found: Comparison, label: str) -> Settled:
    """A comparison read as "the reference is better than this loss", with the comparison's own verdict."""
    finding = found.verdicts.finding(label)
    reading = {Verdict.BETTER: Outcome.REVERSED, Verdict.WORSE: Outcome.HOLDS}
    outcome = reading.get(finding.verdict, READ[finding.verdict])
    contrast = finding.contrast
    means = found.reference.score.mean, found.row(label).score.mean
    if contrast is None:
        return Settled(outcome, np.nan, np.nan, np.nan, *means)
    return Settled(outcome, -contrast.advantage, -contrast.high, -contrast.low, *means)


def mean_and_band(values: Values) -> tuple[float, float, float]:
    """The mean over replicates (J, ...) and one standard deviation to either side; NaN where any is missing."""
    by_split = _two(values).mean(axis=1)
    centre = float(by_split.mean())
    spread = float(by_split.std(ddof=1)) if len(by_split) > 1 else 0.0
    return centre, centre - spread, centre + spread


def percent(value: float) -> str:
    """0.8594 -> "85.9 %"."""
    return f"{100 * value:.1f} %"


def _two(values: Values) -> Values:
    array = np.asarray(values, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array
