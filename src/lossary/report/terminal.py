"""Tables and sentences on a terminal, whatever they are about (it knows no laboratory and needs none installed).

Everything is printed as text without markup, so a column called "[red]" is a column called "[red]". With NO_COLOR
or without a terminal the same words come without colour; the marks before the verdicts carry what colour said.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from lossary.report.sheet import Cell, Sheet, Tone
from lossary.report.visible import visible

TIGHT = 100  # columns below which long names break inside, at a bracket
HEADING = 9  # characters in a line of a heading over numbers
LABEL = 20  # characters of a loss that fit beside its numbers on a narrow terminal

_STYLES = {
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
    Tone.MUTED: "dim",
    Tone.BETTER: "bold blue",
    Tone.WORSE: "red",
    Tone.EQUAL: "green",
    Tone.UNSURE: "dim",
    Tone.WARNING: "yellow",
}
_MARKS = {Tone.BETTER: "▲ ", Tone.WORSE: "▼ ", Tone.EQUAL: "● ", Tone.UNSURE: "+ "}


def print_sheet(sheet: Sheet, console: Console, *, title: bool = True) -> None:
    """One table, its note beneath. Names wrap; numbers and verdicts never do."""
    narrow = console.width < TIGHT
    shown = [i for i, column in enumerate(sheet.columns) if column.needs <= console.width]
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0 if narrow else 1), show_edge=False)
    for i in shown:
        column = sheet.columns[i]
        heading = fill(column.title, HEADING, break_long_words=False) if column.number else column.title
        grid.add_column(
            Text(heading, style="bold"),
            justify="right" if column.number else "left",
            no_wrap=column.number or any(row[i].tone in _MARKS for row in sheet.rows),
            overflow="fold",
        )
    for row in sheet.rows:
        grid.add_row(*(_text(row[i], breakable=narrow and i == 0) for i in shown))
    if title and sheet.title:
        console.print(Text(sheet.title, style="bold"))
    console.print(grid)
    if sheet.note:
        console.print(Text(sheet.note, style="dim"))


def print_lines(lines: Sequence[str], console: Console, *, style: str = "") -> None:
    """Sentences, one a paragraph."""
    for line in lines:
        console.print(Text(visible(line, 4000), style=style))


def _text(cell: Cell, *, breakable: bool) -> Text:
    words = visible(cell.text)
    if breakable and len(words) > LABEL and "(" in words[1:]:
        words = words.replace("(", "\n (", 1).replace(
            "=", "=\n  " if len(words.partition("(")[2]) > LABEL else "="
        )
    return Text(_MARKS.get(cell.tone, "") + words, style=_STYLES[cell.tone])
