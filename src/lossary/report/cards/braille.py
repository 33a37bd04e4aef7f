"""Curves in braille: two by four dots a character, no colour, readable in any font that has them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lossary.report.numbers import short

ACROSS, DOWN = 2, 4  # dots of a character
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK = 0x2800


@dataclass(frozen=True)
class Panel:
    """One drawing: lines of equal length, its title first."""

    lines: tuple[str, ...]


def panel(
    title: str, x: Sequence[float], y: Sequence[float], *, width: int, height: int, joined: bool = True
) -> Panel:
    """A curve with the ends of both axes written out.

    Args:
        title: the line above it.
        x: ascending.
        y: one value each; what is not finite leaves a gap.
        width: characters of the whole, labels included.
        height: characters of the curve alone.
        joined: whether neighbours are always joined; else a jump of a fifth of the range stays open.
    """
    known = [value for value in y if math.isfinite(value)]
    low, high = _range(known)
    labels = [_label(high), _label(low)]
    margin = max(len(each) for each in labels) + 1
    columns = width - margin - 1
    dots = _dots(x, y, low, high, columns, height, joined)
    rows = ["".join(chr(_BLANK + cell) for cell in row) for row in dots]
    zero = _row_of(0.0, low, high, height) if low < 0.0 < high else None
    lines = [" " * (margin + 1) + title]
    for number, row in enumerate(rows):
        label = (
            labels[0] if number == 0 else labels[1] if number == height - 1 else "0" if number == zero else ""
        )
        lines.append(f"{label:>{margin - 1}} {'┤' if label else '│'}{row}")
    lines.append(" " * margin + "└" + "─" * columns)
    ends = _label(x[0]), _label(x[-1])
    middle = "0" if x[0] < 0 < x[-1] else ""
    spot = round((0.0 - x[0]) / (x[-1] - x[0]) * (columns - 1)) if middle else 0
    axis = list(ends[0] + " " * (columns - len(ends[0]) - len(ends[1])) + ends[1])
    if middle and len(ends[0]) < spot < columns - len(ends[1]):
        axis[spot] = middle
    lines.append(" " * (margin + 1) + "".join(axis))
    return Panel(tuple(each.ljust(width) for each in lines))


def beside(left: Panel, right: Panel, gap: int = 2) -> list[str]:
    """Two panels in one block."""
    return [f"{a}{' ' * gap}{b}".rstrip() for a, b in zip(left.lines, right.lines, strict=True)]


def _range(values: Sequence[float]) -> tuple[float, float]:
    """The ends of the axis: round numbers, and 0 within or at an end."""
    low, high = min([0.0, *values]), max([0.0, *values])
    if low == high:
        return low, low + 1.0
    step = 10.0 ** math.floor(math.log10(high - low)) / 2.0
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def _dots(
    x: Sequence[float], y: Sequence[float], low: float, high: float, columns: int, rows: int, joined: bool
) -> list[list[int]]:
    grid = [[0] * columns for _ in range(rows)]
    last: int | None = None
    for position in range(columns * ACROSS):
        wanted = x[0] + (x[-1] - x[0]) * position / (columns * ACROSS - 1)
        value = _between(x, y, wanted)
        if not math.isfinite(value):
            last = None
            continue
        level = round((high - value) / (high - low) * (rows * DOWN - 1))
        reach = rows * DOWN if joined else rows * DOWN // 5
        start = level if last is None or abs(level - last) > reach else last
        for dot in range(min(start, level), max(start, level) + 1):
            if dot != start or start == level:
                grid[dot // DOWN][position // ACROSS] |= _BITS[dot % DOWN][position % ACROSS]
        last = level
    return grid


def _between(x: Sequence[float], y: Sequence[float], wanted: float) -> float:
    """The value at the nearest of the given points, so that a jump stays a jump."""
    step = (x[-1] - x[0]) / (len(x) - 1)
    return y[min(len(x) - 1, max(0, round((wanted - x[0]) / step)))]


def _row_of(value: float, low: float, high: float, rows: int) -> int:
    return round((high - value) / (high - low) * (rows * DOWN - 1)) // DOWN


def _label(value: float) -> str:
    return short(value)
