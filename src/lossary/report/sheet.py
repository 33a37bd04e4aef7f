"""A table of words and numbers, before anything decides how it is drawn.

The terminal and the page show the same rows, so the rows are made once (`lossary.report.results`,
`lossary.report.about`) and drawn twice (`lossary.report.terminal`, `lossary.report.page`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """What a cell says beside its words; each drawing has its own colours, and none relies on colour alone."""

    PLAIN = "plain"
    STRONG = "strong"
    MUTED = "muted"
    BETTER = "better"
    WORSE = "worse"
    EQUAL = "equal"
    UNSURE = "unsure"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text, the number or word it is sorted by (the text where None), its tone."""

    text: str
    order: float | str | None = None
    tone: Tone = Tone.PLAIN

    @property
    def key(self) -> str:
        """What a table sorts this cell by, as text: a number in full, or the words in lower case."""
        if self.order is None:
            return self.text.lower()
        return repr(float(self.order)) if isinstance(self.order, int | float) else self.order


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, whether it holds numbers (set flush right), what the heading means."""

    title: str
    number: bool = False
    meaning: str = ""
    needs: int = 0
    """Characters that a terminal must be wide for the column to be shown; a page shows all."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with its caption and a note beneath."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"sheet {self.title!r}: expected {len(self.columns)} cells a row, got {len(row)}; "
                    "give every column its cell."
                )


def sheet(
    title: str, columns: Sequence[Column | str], rows: Sequence[Sequence[Cell | str]], note: str = ""
) -> Sheet:
    """A sheet from columns and rows in which a bare string stands for a plain column or cell."""
    return Sheet(
        title,
        tuple(Column(c) if isinstance(c, str) else c for c in columns),
        tuple(tuple(Cell(c) if isinstance(c, str) else c for c in row) for row in rows),
        note,
    )
