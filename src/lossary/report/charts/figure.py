"""What every figure is made of: pictures, the sentence that says what to look for, and the numbers as a table."""

from __future__ import annotations

from dataclasses import dataclass

from lossary.report.sheet import Sheet
from lossary.report.svg import Picture

PANEL_WIDTH = 282
PANEL_HEIGHT = 168


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture under its heading, and a second one for screens where the first would be too small."""

    title: str
    picture: Picture
    narrow: Picture | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of a row of the data as a `data:` address, and the words beneath it."""

    address: str
    words: str


@dataclass(frozen=True, slots=True)
class Figure:
    """Panels under one title, and the tables of what they show: `table` first."""

    key: str
    title: str
    reading: str
    panels: tuple[Panel, ...]
    table: Sheet
    more: tuple[Sheet, ...] = ()
    shots: tuple[Shot, ...] = ()


def spread(length: int, most: int) -> list[int]:
    """At most `most` positions out of `length`, evenly, the first and the last among them."""
    if length <= most:
        return list(range(length))
    return sorted({round(i * (length - 1) / (most - 1)) for i in range(most)})
