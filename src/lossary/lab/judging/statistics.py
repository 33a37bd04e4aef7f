"""The statistics of repeated splits: the corrected resampled t, Holm, equivalence, and what more would buy.

Splits of one data set share rows, so their J differences are not independent and s²/J is far too small.
Nadeau and Bengio (2003, "Inference for the Generalization Error", Machine Learning 52, section 3) put s²(1/J
+ n_test/n_train) in its place, with every row that is not tested counted as training.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, isfinite, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import nctdtrinc, stdtr, stdtrit

from lossary.core.errors import DataError

Values = NDArray[np.float64]

LEVEL = 0.05
POWER = 0.80
ROUNDING = 1e-9  # of the greatest difference: what lies nearer together is one number
# More splits than this nobody runs: where it does not suffice, the answer is not "more splits".
MOST_SPLITS = 1_000


@dataclass(frozen=True)
class Estimate:
    """A mean difference over splits with its corrected standard error."""

    mean: float
    error: float
    deviation: float  # the plain standard deviation s over splits
    splits: int

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the t: splits - 1."""
        return self.splits - 1

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """The two-sided 1 - level confidence interval."""
        half = critical(level, self.freedom) * self.error if self.error > 0 else 0.0
        return self.mean - half, self.mean + half

    def p_differs(self) -> float:
        """Two-sided p of 'the difference is 0'; 1 where every difference is exactly 0.

        Equal differences have no spread to be judged by; that J of them agree proves what their signs prove.
        """
        if self.error == 0:
            return 1.0 if self.mean == 0 else 2.0 ** (1 - self.splits)
        return float(2 * stdtr(self.freedom, -abs(self.mean) / self.error))

    def p_outside(self, region: float) -> float:
        """p of 'it lies outside (-region, region)': the larger of two one-sided tests (Schuirmann 1987)."""
        if self.error == 0:
            return 2.0 ** (1 - self.splits) if abs(self.mean) < region else 1.0
        return float(stdtr(self.freedom, (abs(self.mean) - region) / self.error))


def estimate(differences: Values, *, n_test: int, n_rest: int) -> Estimate:
    """The corrected estimate from one difference per split (J,); n_rest: training and validation rows."""
    if len(differences) < 2:
        raise DataError(
            f"splits: expected at least 2, got {len(differences)}; fewer have no spread, ask for more."
        )
    deviation = float(differences.std(ddof=1))
    if float(np.ptp(differences)) <= ROUNDING * float(np.abs(differences).max()):
        deviation = 0.0  # equal numbers: the rounding of 0.75 - 0.7083 and of 0.7917 - 0.75 is no spread
    error = deviation * sqrt(inflation(len(differences), n_test, n_rest))
    return Estimate(float(differences.mean()), error, deviation, len(differences))


def inflation(splits: int, n_test: int, n_rest: int) -> float:
    """What s² is multiplied by: 1/J + n_test/n_rest (Nadeau-Bengio); without the second term, the naive t."""
    return 1 / splits + n_test / n_rest


def critical(level: float, freedom: float) -> float:
    """The two-sided critical value of t, so that P(|t| > value) = level."""
    return float(stdtrit(freedom, 1 - level / 2))


def holm(p: Values) -> Values:
    """Holm's step-down adjusted p-values (Holm 1979), in the order given."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


@dataclass(frozen=True)
class Spread:
    """Where the variance of the differences comes from: the splits, or the seeds within a split."""

    total: float  # standard deviation over splits of the seed-averaged differences
    seed: float  # standard deviation over seeds within a split, of one seed's difference; 0 with one seed
    seeds: int

    @property
    def tells_apart(self) -> bool:
        """Whether seeds and splits can be told apart: one seed a split shows their sum alone."""
        return self.seeds > 1

    @property
    def split(self) -> float:
        """The standard deviation that infinitely many seeds a split would leave over splits."""
        return self.with_seeds(inf)

    @property
    def seed_share(self) -> float:
        """The seeds' share of the variance of seed-averaged differences; more seeds shrink only this."""
        return min(1.0, self.seed**2 / self.seeds / self.total**2) if self.total > 0 else 0.0

    def with_seeds(self, seeds: float) -> float:
        """The standard deviation over splits that this many seeds would leave (inf: the splits' own)."""
        own = self.total**2 * (1 - self.seed_share)
        return sqrt(own + self.total**2 * self.seed_share * self.seeds / seeds)


def spread(differences: Values) -> Spread:
    """The spread of differences (J, S), one per split and seed."""
    seeds = differences.shape[1]
    within = float(np.sqrt(differences.var(axis=1, ddof=1).mean())) if seeds > 1 else 0.0
    return Spread(float(differences.mean(axis=1).std(ddof=1)), within, seeds)


def half_width(deviation: float, splits: int, n_test: int, n_rest: int, level: float = LEVEL) -> float:
    """Half the width of the 1 - level interval from this many splits."""
    return critical(level, splits - 1) * deviation * sqrt(inflation(splits, n_test, n_rest))


def floor(deviation: float, n_test: int, n_rest: int, level: float = LEVEL) -> float:
    """What half the interval tends to with ever more splits: 1.96·s·√(n_test/n_rest) at 5 %."""
    return critical(level, inf) * deviation * sqrt(n_test / n_rest)


def detectable(
    deviation: float, splits: int, n_test: int, n_rest: int, *, level: float = LEVEL, power: float = POWER
) -> float:
    """The true difference that is found with probability `power` by the two-sided test at `level`.

    There t has the noncentral distribution with J - 1 degrees of freedom. Left out is t beyond the critical value of
    the other sign, whose probability is below 1e-5 where `power` is 80 %.
    """
    errors = float(nctdtrinc(splits - 1, 1 - power, critical(level, splits - 1)))
    return errors * deviation * sqrt(inflation(splits, n_test, n_rest))


def splits_for(deviation: float, goal: float, n_test: int, n_rest: int, level: float = LEVEL) -> int | None:
    """The fewest splits whose interval is at most 2·goal wide; None where no affordable number of them is."""
    if half_width(deviation, MOST_SPLITS, n_test, n_rest, level) > goal:
        return None
    low, high = 2, MOST_SPLITS
    while low < high:
        middle = (low + high) // 2
        if half_width(deviation, middle, n_test, n_rest, level) <= goal:
            high = middle
        else:
            low = middle + 1
    return low


def seeds_for(
    found: Spread, goal: float, splits: int, n_test: int, n_rest: int, level: float = LEVEL
) -> int | None:
    """The fewest seeds a split, at these splits, whose interval is at most 2·goal wide; None if none are."""
    per_unit = half_width(1.0, splits, n_test, n_rest, level)
    own = found.split**2
    room = (goal / per_unit) ** 2 - own
    if not room > 0 or not isfinite(room):
        return None
    return ceil((found.total**2 - own) * found.seeds / room)


def rows_for(
    deviation: float, goal: float, rows: int, splits: int, n_test: int, n_rest: int, level: float = LEVEL
) -> int:
    """About how many rows, split in the same shares, give an interval at most 2·goal wide at these splits.

    The difference of two scores on n test rows has a variance like 1/n, so the width shrinks like 1/√rows.
    """
    return ceil(rows * (half_width(deviation, splits, n_test, n_rest, level) / goal) ** 2)


# A forecast before the first training needs a deviation that nothing has measured yet. Over the default candidates
# on breast_cancer, wine, iris and diabetes (6 splits, 2 seeds) s²·n_test was 0.001 to 0.03, median 0.007, and
# 0.006 to 0.03 for errors as a share of their value: one row in a hundred is decided differently.
DISAGREEMENT = 0.01
CORRELATION = 0.99


def forecast(n_test: int, *, relative: bool) -> float:
    """A deviation over splits to plan with: of a rate in its own unit, of an error as a share of its value.

    A rate's difference on n rows of which a share q is decided differently has variance q/n. The root of a
    mean of n squared normal errors has relative variance 1/(2n), the difference of two correlated at r has
    2(1 - r)/(2n).
    """
    return sqrt((1 - CORRELATION) / n_test) if relative else sqrt(DISAGREEMENT / n_test)
