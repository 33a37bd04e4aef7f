"""What every figure is made of: drawings, the sentence that says what to look for, and the numbers as a table."""

from __future__ import annotations

from dataclasses import dataclass

from lossary.report.sheet import Sheet

PANEL_WIDTH = 282
PANEL_HEIGHT = 168


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing: its heading, the SVG, and the SVG for narrow screens where the wide one would be too small."""

    title: str
    drawing: str
    narrow: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """Panels under one title, and the table of what they show."""

    key: str
    title: str
    reading: str
    panels: tuple[Panel, ...]
    table: Sheet


def spread(length: int, most: int) -> list[int]:
    """At most `most` positions out of `length`, evenly, the first and the last among them."""
    if length <= most:
        return list(range(length))
    return sorted({round(i * (length - 1) / (most - 1)) for i in range(most)})
