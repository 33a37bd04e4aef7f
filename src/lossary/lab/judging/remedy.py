"""What would help where nothing could be told: more splits, more seeds, or more rows, and how many."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import inf

from lossary.lab.judging.statistics import (
    Estimate,
    Spread,
    critical,
    floor,
    rows_for,
    seeds_for,
    splits_for,
)

# More seeds a split than this would cost more than collecting rows.
MOST_SEEDS = 200
# The default of a comparison.
USUAL_SPLITS = 20


class Help(StrEnum):
    """What there could be more of."""

    SPLITS = "splits"
    SEEDS = "seeds"
    ROWS = "rows"


@dataclass(frozen=True)
class Remedy:
    """How many splits, seeds a split, or rows (in all, about) would narrow the interval enough to tell."""

    help: Help
    amount: int
    now: int


def remedy(
    found: Estimate, source: Spread, region: float, *, n_test: int, n_rest: int, level: float
) -> Remedy | None:
    """What would decide this difference, if the measured one is the true one; None where nothing bounded would.

    `level` is the test's own, corrected for the family.
    """
    goal, level = _goal(abs(found.mean), region, level)
    if goal <= 0:
        return None
    sizes = (n_test, n_rest)
    if source.seed_share > 0.5:
        seeds = seeds_for(source, goal, found.splits, *sizes, level)
        if seeds is not None and seeds <= MOST_SEEDS:
            return Remedy(Help.SEEDS, max(seeds, source.seeds + 1), source.seeds)
    if floor(found.deviation, *sizes, level) < goal:
        splits = splits_for(found.deviation, goal, *sizes, level)
        if splits is not None:
            return Remedy(Help.SPLITS, max(splits, found.splits + 1), found.splits)
    rows = n_test + n_rest
    # With few splits the critical t is large; the rows are those that would do with the usual number of splits.
    needed = rows_for(found.deviation, goal, rows, max(found.splits, USUAL_SPLITS), *sizes, level)
    return Remedy(Help.ROWS, max(needed, rows + 1), rows)


def _goal(size: float, region: float, level: float) -> tuple[float, float]:
    """Half the interval that would decide, and its level: to exclude 0, or to lie inside the region.

    Inside the region either may come first, and equivalence is tested on one side. A difference beyond the region is
    probably overestimated, having been noticed; there the region itself is asked for.
    """
    if size >= region:
        return region, level
    ways = ((size, level), (region - size, min(1.0, 2 * level)))
    return max(ways, key=lambda way: way[0] / critical(way[1], inf))
