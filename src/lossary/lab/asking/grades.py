"""Ordered grades: their order, and what becomes of those with too few rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from lossary.lab.asking.refused import refused
from lossary.lab.asking.task import LEAST_OF_A_CLASS, Kind, Task, labels
from lossary.lab.data.nearest import listed

LEAST_GRADES, MOST_GRADES = 3, 30


def graded(
    answers: pd.Series[Any],
    levels: tuple[str, ...],
    numeric: bool,
    order: Sequence[str],
    target: str,
    reason: str,
) -> Task:
    """Grades from low to high, as asked or by number; one with too few rows joins its smaller neighbour."""
    if not order and not numeric:
        raise refused(
            target,
            "grades in their order",
            f"the levels {listed(levels)}",
            "say it: --order 'low,middle,high'",
        )
    if order and sorted(order) != sorted(levels):
        raise refused(
            target, f"an order of its levels {listed(levels)}", listed(order), "name each of them once"
        )
    counts = pd.Series(labels(answers)).value_counts()
    groups = [([level], int(counts[level])) for level in order or levels]
    while len(groups) > 1 and min(count for _, count in groups) < LEAST_OF_A_CLASS:
        at = min(range(len(groups)), key=lambda i: groups[i][1])
        beside = min((i for i in (at - 1, at + 1) if 0 <= i < len(groups)), key=lambda i: groups[i][1])
        low, high = sorted((at, beside))
        joined = (groups[low][0] + groups[high][0], groups[low][1] + groups[high][1])
        groups[low : high + 1] = [joined]
    if len(groups) < LEAST_GRADES:
        got = f"{len(groups)}, the rest having fewer rows"
        raise refused(
            target, f"{LEAST_GRADES} grades of {LEAST_OF_A_CLASS} rows each", got, "gather more rows"
        )
    names = tuple(values[0] if len(values) == 1 else f"{values[0]} to {values[-1]}" for values, _ in groups)
    said = reason if not order else f"{reason}, in the order asked for"
    if len(names) == len(levels):
        return Task(Kind.ORDINAL, target, names, len(names), said)
    together = listed(name for name, (values, _) in zip(names, groups, strict=True) if len(values) > 1)
    said += f"; taken together as {together}, where a grade has fewer than {LEAST_OF_A_CLASS} rows"
    return Task(Kind.ORDINAL, target, names, len(names), said, tuple(tuple(values) for values, _ in groups))
