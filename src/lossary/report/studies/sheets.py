"""A study's tables as the report's sheets."""

from __future__ import annotations

from lossary.lab.studies.study import Grid, Line, Outcome, Picture, Result, Ruling
from lossary.report.numbers import DASH, short
from lossary.report.sheet import Cell, Column, Sheet, Tone, sheet
from lossary.report.visible import visible

TONES = {
    Outcome.HOLDS: Tone.BETTER,
    Outcome.REVERSED: Tone.WORSE,
    Outcome.EQUAL: Tone.EQUAL,
    Outcome.UNDECIDED: Tone.UNSURE,
    Outcome.UNTESTABLE: Tone.WARNING,
    Ruling.CONFIRMED: Tone.BETTER,
    Ruling.REFUTED: Tone.WORSE,
    Ruling.CONDITION: Tone.EQUAL,
}


def answers_sheet(result: Result) -> Sheet:
    """Every statement with what was measured and what follows."""
    rows = [
        [Cell(each.statement), Cell(each.measured), Cell(each.outcome.value, tone=TONES[each.outcome])]
        for each in result.found.answers
    ]
    return sheet("Statements", ["the texts", "measured", "outcome"], rows)


def grid_sheet(grid: Grid) -> Sheet:
    """A table of the study, numbers flush right."""
    numbers = [
        bool(grid.rows) and all(isinstance(row[at], (int, float)) or row[at] is None for row in grid.rows)
        for at in range(len(grid.columns))
    ]
    columns = [Column(title, number) for title, number in zip(grid.columns, numbers, strict=True)]
    return sheet(grid.title, columns, [[_cell(value) for value in row] for row in grid.rows], grid.note)


def picture_sheet(picture: Picture) -> Sheet:
    """One row for every x, one column for every line."""
    every = sorted({x for line in picture.lines for x in line.x})
    held = [dict(zip(line.x, _described(line), strict=True)) for line in picture.lines]
    rows = [[Cell(short(x), x), *(Cell(of.get(x, DASH), tone=Tone.PLAIN) for of in held)] for x in every]
    columns = [Column(picture.x, True), *(Column(visible(line.name), True) for line in picture.lines)]
    return sheet(f"{picture.y} by {picture.x}", columns, rows)


def _described(line: Line) -> list[str]:
    if not line.low:
        return [short(y, 4) for y in line.y]
    return [f"{short(y, 4)} ± {short(high - y, 2)}" for y, high in zip(line.y, line.high, strict=True)]


def _cell(value: str | float | None) -> Cell:
    if value is None:
        return Cell(DASH, "")
    return Cell(visible(value)) if isinstance(value, str) else Cell(short(value, 4), value)
