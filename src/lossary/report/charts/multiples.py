"""Small multiples: every line has a panel of its own, with the others in grey behind it.

No reader has to match eight colours to eight lines, and the page folds to any width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import altair as alt

from lossary.report import svg
from lossary.report.charts.figure import PANEL_HEIGHT, PANEL_WIDTH, Panel, spread
from lossary.report.numbers import DASH, decimals, fixed, interval
from lossary.report.sheet import Cell, Column, Sheet, sheet

MOST_POINTS = 60  # of one curve in a picture 282 pixels wide: more cannot be told apart


@dataclass(frozen=True, slots=True)
class Line:
    """Where one line runs, the band around it (empty where there is none), and the x that was chosen (a dot)."""

    name: str
    x: tuple[float, ...]
    middle: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    mark: float | None = None


_DECADES = tuple(10.0**power for power in range(-8, 5))  # ticks of a rate: one a power of ten
_STEPS = tuple(step * decade for decade in _DECADES for step in (1, 2, 5))  # where there are few of those


@dataclass(frozen=True, slots=True)
class Axes:
    """What the panels of a figure share: titles, logarithmic scales, a dashed level, dots on the lines."""

    x: str
    y: str
    log_x: bool = False
    log_y: bool = False
    level: float | None = None
    dots: bool = False
    whole: bool = False  # x counts something: no ticks between


def panels(lines: Sequence[Line], axes: Axes) -> tuple[Panel, ...]:
    """A panel a line, all to one scale."""
    values = [v for line in lines for v in (*line.middle, *line.low, *line.high)]
    window = _orders(values) if axes.log_y else _window(values)
    floor = window[0] if axes.log_y else -math.inf
    chart = _chart(window, axes)
    behind = [{"name": line.name, **point} for line in lines for point in _points(line, floor)]
    found = []
    for line in lines:
        points = _points(line, floor)
        rows: dict[str, svg.Rows] = {
            "behind": behind,
            "line": points,
            "band": _band(line),
            "mark": _mark(line, points),
            "level": [] if axes.level is None else [{"y": axes.level}],
        }
        label = f"{line.name}: {axes.y} by {axes.x}; the table beneath holds the numbers."
        found.append(Panel(line.name, svg.Picture(chart, rows, label)))
    return tuple(found)


def _chart(window: tuple[float, float], axes: Axes) -> svg.Layers:
    """One chart for all panels: the rows alone differ."""
    scale = alt.Scale(type="log", nice=False) if axes.log_x else alt.Scale(zero=False, nice=False)
    ticks = (
        alt.Axis(format="~g", values=list(_DECADES), grid=False)
        if axes.log_x
        else alt.Axis(tickCount=5, grid=False, tickMinStep=1 if axes.whole else alt.Undefined)
    )
    height = alt.Scale(domain=list(window), nice=False, type="log" if axes.log_y else "linear")
    steps = _DECADES if window[0] > 0 and window[1] / window[0] > 100 else _STEPS
    y_ticks = alt.Axis(format="~g", values=list(steps)) if axes.log_y else alt.Axis(tickCount=5)
    x = alt.X("x:Q", title=axes.x, scale=scale, axis=ticks)
    y = alt.Y("y:Q", title=axes.y, scale=height, axis=y_ticks)
    floor = alt.Y("low:Q", title=axes.y, scale=height)
    points = svg.layer("line").mark_circle(color=svg.BLUE, size=16, opacity=1, clip=True)
    rule = svg.layer("level").mark_rule(color=svg.MUTED, strokeDash=[4, 3], strokeWidth=1)
    return alt.layer(
        *([rule.encode(y=y)] if axes.level is not None else []),
        svg.layer("behind")
        .mark_line(color=svg.GHOST, strokeWidth=1, clip=True)
        .encode(x=x, y=y, detail="name:N"),
        svg.layer("band")
        .mark_area(color=svg.BLUE, opacity=0.18, clip=True)
        .encode(x=x, y=floor, y2="high:Q"),
        svg.layer("line").mark_line(color=svg.BLUE, strokeWidth=2, clip=True).encode(x=x, y=y),
        *([points.encode(x=x, y=y)] if axes.dots or axes.log_x else []),
        svg.layer("mark").mark_circle(color=svg.VERMILION, size=64, opacity=1).encode(x=x, y=y),
    ).properties(width=PANEL_WIDTH - _Y_TITLE, height=PANEL_HEIGHT)


_Y_TITLE = 16  # pixels that the title of the vertical axis takes


def _orders(values: Sequence[float]) -> tuple[float, float]:
    """The window of a logarithmic scale: what is smaller than a thousandth of the greatest is drawn on its floor."""
    positive = [v for v in values if math.isfinite(v) and v > 0]
    high = max(positive, default=1.0)
    return max(min(positive, default=1.0), high * 1e-3) / 1.3, high * 1.3


def _band(line: Line) -> svg.Rows:
    return [
        {"x": x, "low": low, "high": high}
        for x, low, high in zip(line.x, line.low or line.x, line.high or line.x, strict=True)
        if line.low and math.isfinite(low) and math.isfinite(high)
    ]


def _mark(line: Line, points: Sequence[dict[str, float]]) -> svg.Rows:
    mark = line.mark
    return [min(points, key=lambda point: abs(point["x"] - mark))] if mark is not None and points else []


def _points(line: Line, floor: float) -> list[dict[str, float]]:
    pairs = zip(line.x, line.middle, strict=True)
    return [{"x": a, "y": max(b, floor)} for a, b in pairs if math.isfinite(b)]


def _window(values: Sequence[float]) -> tuple[float, float]:
    """The range to show: everything, or, where a failing tail would flatten the rest, the middle 90 % and some more."""
    ordered = sorted(v for v in values if math.isfinite(v))
    if not ordered:
        return 0.0, 1.0
    cut = len(ordered) // 20
    low, high = ordered[cut], ordered[-1 - cut]
    room = (high - low) or abs(high) or 1.0
    return max(ordered[0], low - 0.8 * room) - 0.03 * room, min(ordered[-1], high + 0.8 * room) + 0.03 * room


def thinned(line: Line) -> Line:
    keep = spread(len(line.x), MOST_POINTS)

    def some(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(values[i] for i in keep) if values else ()

    return replace(line, x=some(line.x), middle=some(line.middle), low=some(line.low), high=some(line.high))


def table(
    title: str,
    lines: Sequence[Line],
    heading: Callable[[float], str],
    written: Callable[[float, float, float, int], str],
    most: int,
) -> Sheet:
    """One row a loss, one column an x: all of them, or some evenly chosen where there are more than a page holds."""
    every = sorted({x for line in lines for x in line.x})
    kept = [every[i] for i in spread(len(every), most)]
    places = decimals(*(high - low for line in lines for low, high in zip(line.low, line.high, strict=True)))
    rows = []
    for line in lines:
        points = zip(line.x, line.middle, line.low, line.high, strict=True)
        found = {x: (middle, low, high) for x, middle, low, high in points}
        cells = [
            Cell(written(*found[x], min(places, 2)), found[x][0]) if x in found else Cell(DASH, "")
            for x in kept
        ]
        rows.append([Cell(line.name), *cells])
    return sheet(title, [Column("loss"), *(Column(heading(x), True) for x in kept)], rows)


def between(middle: float, low: float, high: float, places: int) -> str:
    return f"{fixed(middle, places)} {interval(low, high, places)}"


def plus_minus(middle: float, low: float, high: float, places: int) -> str:
    # A band cut at a bound of the metric is whole on its other side.
    return f"{fixed(middle, places)} ± {fixed(max(high - middle, middle - low), places)}"


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
