"""Where losses disagree: the rows whose answers lie furthest apart, and how often two losses answer differently."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lossary.report import svg
from lossary.report.charts.figure import Figure, Panel
from lossary.report.charts.tiles import Tile, tiles
from lossary.report.numbers import DASH, fixed, short
from lossary.report.sheet import Cell, Column, Sheet, sheet

MOST_ACROSS = {True: 12, False: 7}  # rows of the data beside each other, on a wide and on a narrow screen


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the data: its number, its truth in words (and as a number where it is one), each loss's answer."""

    row: int
    truth: str
    number: float | None
    splits: int
    answers: tuple[float, ...]
    values: tuple[str, ...]


def disagreement(
    losses: Sequence[str],
    cases: Sequence[Case],
    pairs: Sequence[Sequence[float]],
    *,
    numbers: bool,
    columns: Sequence[str],
    target: str,
    right: str = "trainings that answered rightly",
) -> Figure:
    """`numbers` where answers are predictions of `target`; else they are shares of what is `right`."""
    what = (
        f"prediction minus {target}, averaged over the trainings that tested the row"
        if numbers
        else f"the share in per cent of the {right}"
    )
    distance = (
        f"the mean distance of their predictions of {target}"
        if numbers
        else "the share in per cent of their answers that differ"
    )
    reading = (
        f"The rows of the data on which the losses lie furthest apart, most first: {what}; blue is "
        f"{'above the truth' if numbers else 'mostly right'}, orange {'below it' if numbers else 'mostly wrong'}. "
        f"Below, how far two losses lie apart on all test rows: {distance}. "
        "On the diagonal stand two trainings of one loss with other seeds: what lies no higher is chance, not the loss."
    )
    across = (
        {wide: _rows(losses, cases, numbers=numbers, wide=wide) for wide in (True, False)} if cases else {}
    )
    between = {wide: _pairs(losses, pairs, numbers=numbers, wide=wide) for wide in (True, False)}
    panels = [
        Panel(title, found[True], found[False])
        for title, found in (("Rows of the data", across), ("Two losses", between))
        if found
    ]
    tables = [_cases_sheet(losses, cases, columns, numbers=numbers, right=right)] if cases else []
    tables.append(_pairs_sheet(losses, pairs, numbers=numbers))
    return Figure(
        "disagreement", "Where losses disagree", reading, tuple(panels), tables[0], tuple(tables[1:])
    )


def _rows(losses: Sequence[str], cases: Sequence[Case], *, numbers: bool, wide: bool) -> svg.Picture:
    shown = cases[: MOST_ACROSS[wide]]
    off = [_off(case) for case in shown]
    largest = max((abs(v) for each in off for v in each if math.isfinite(v)), default=0.0) or 1.0
    places = max(0, 1 - math.floor(math.log10(largest)))
    cells = []
    for case, errors in zip(shown, off, strict=True):
        for loss, answer, error in zip(losses, case.answers, errors, strict=True):
            text = fixed(error, places, sign=True) if numbers else f"{100 * answer:.0f}"
            depth = error / largest if numbers else 2 * answer - 1
            cells.append(Tile(str(case.row), loss, text, depth if math.isfinite(depth) else 0.0))
    label = "The rows on which the losses lie furthest apart; the table beneath holds the numbers."
    names = [str(case.row) for case in shown]
    return tiles(cells, names, losses, title="row of the data", label=label, wide=wide)


def _off(case: Case) -> list[float]:
    """How far each prediction lies from the truth."""
    truth = math.nan if case.number is None else case.number
    return [answer - truth for answer in case.answers]


def _pairs(
    losses: Sequence[str], pairs: Sequence[Sequence[float]], *, numbers: bool, wide: bool
) -> svg.Picture:
    """The lower triangle, its columns by the number that stands before each loss."""
    largest = max((v for line in pairs for v in line if math.isfinite(v)), default=0.0) or 1.0
    down = [f"{at}  {loss}" for at, loss in enumerate(losses, start=1)]
    cells = [
        Tile(str(j + 1), down[i], _distance(pairs[i][j], numbers=numbers), pairs[i][j] / largest)
        for i in range(len(losses))
        for j in range(i + 1)
        if math.isfinite(pairs[i][j])
    ]
    label = "How far every two losses lie apart; the table beneath holds the numbers."
    across = [str(at) for at in range(1, len(losses) + 1)]
    return tiles(cells, across, down, title=None, label=label, wide=wide)


def _distance(value: float, *, numbers: bool) -> str:
    if math.isnan(value):
        return DASH
    return short(value, 2) if numbers else fixed(100 * value, 1)


def _cases_sheet(
    losses: Sequence[str], cases: Sequence[Case], columns: Sequence[str], *, numbers: bool, right: str
) -> Sheet:
    heads = [
        Column("row", True, "Counted from 1, in the order of the data."),
        Column("truth"),
        Column("splits", True, "How many splits had the row among their test rows."),
        *(Column(loss if numbers else f"{loss} (%)", True) for loss in losses),
        *(Column(name, meaning="A column of the data.") for name in columns),
    ]
    rows = [
        [
            Cell(str(case.row), case.row),
            Cell(case.truth, case.number),
            Cell(str(case.splits), case.splits),
            *(Cell(short(a) if numbers else f"{100 * a:.0f}", a) for a in case.answers),
            *(Cell(value) for value in case.values),
        ]
        for case in cases
    ]
    what = "mean prediction" if numbers else f"share of the {right}"
    note = f"Of each loss the {what}, over the splits that tested the row and their seeds."
    return sheet("Rows on which the losses lie furthest apart", heads, rows, note)


def _pairs_sheet(losses: Sequence[str], pairs: Sequence[Sequence[float]], *, numbers: bool) -> Sheet:
    unit = "" if numbers else " (%)"
    heads = [Column("loss"), *(Column(f"{loss}{unit}", True) for loss in losses)]
    rows = [
        [Cell(loss), *(Cell(_distance(v, numbers=numbers), v if math.isfinite(v) else "") for v in line)]
        for loss, line in zip(losses, pairs, strict=True)
    ]
    return sheet("How far two losses lie apart", heads, rows)
