"""Lines over epochs, learning rates and quantiles, as small multiples.

Every loss has its own panel, with the others in grey behind it: no reader has to match eight colours to eight
lines, and the page folds to any width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import altair as alt

from lossary.report import svg
from lossary.report.charts.figure import PANEL_HEIGHT, PANEL_WIDTH, Figure, Panel, spread
from lossary.report.numbers import DASH, decimals, fixed, interval, rate, short
from lossary.report.sheet import Cell, Column, Sheet, sheet

MOST_EPOCHS = 6  # columns of a table over epochs
MOST_RATES = 24  # columns of a table over rates: more than any comparison tries
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


def learning_curves(lines: Sequence[Line], *, metric: str) -> Figure:
    """The metric on validation by epoch, at each loss's chosen rate."""
    return Figure(
        "learning",
        "Learning curves",
        f"{_capital(metric)} on the validation rows after each epoch, at the loss's chosen rate: the mean over splits "
        "and seeds, with eight of ten trainings inside the band and the other losses in grey. The dot is the median "
        "of the chosen epochs.",
        _panels([_thinned(line) for line in lines], x_title="epoch", key="learning", log=False),
        _table(
            f"{_capital(metric)} on validation by epoch",
            lines,
            lambda epoch: f"epoch {epoch:.0f}",
            _between,
            MOST_EPOCHS,
        ),
    )


def rate_curves(lines: Sequence[Line], *, metric: str) -> Figure:
    """The metric on validation by learning rate: the height is the best of a loss, the width how much it forgives."""
    return Figure(
        "rates",
        "Learning rates",
        f"{_capital(metric)} on the validation rows by learning rate, with one standard deviation over the trainings "
        "as a band. The dot is the median of the chosen rates. A wide plateau is an advantage of its own: the loss "
        "forgives a rate that was not tuned.",
        _panels(lines, x_title="learning rate", key="rates", log=True),
        _table(f"{_capital(metric)} on validation by learning rate", lines, rate, _plus_minus, MOST_RATES),
    )


def residual_curves(lines: Sequence[Line], *, target: str) -> Figure:
    """Quantiles of prediction minus target; x is the share of test rows in per cent, from 0 to 100."""
    rows = []
    for line in lines:
        found = [line.middle[round(q * (len(line.middle) - 1))] for q in _QUANTILES]
        rows.append([Cell(line.name), *(Cell(short(v), v) for v in found)])
    columns = [Column("loss"), *(Column(f"{100 * q:g} %", True) for q in _QUANTILES)]
    return Figure(
        "residuals",
        "Residuals",
        f"Prediction minus {target} on the test rows, from the furthest below to the furthest above: at 50 % half of "
        "the rows have a smaller residual. A curve through zero at 50 % is right in the median; long arms are the rows "
        "that it misses, and the losses differ most in what they give up to shorten them.",
        _panels(lines, x_title="share of test rows (%)", key="residuals", log=False),
        sheet("Quantiles of the residuals", columns, rows),
    )


_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


_DECADES = tuple(10.0**power for power in range(-8, 5))  # ticks of a rate: one a power of ten


def _panels(lines: Sequence[Line], *, x_title: str, key: str, log: bool) -> tuple[Panel, ...]:
    window = _window([v for line in lines for v in (*line.middle, *line.low, *line.high)])
    picture = _picture(window, x_title, log=log)
    behind = [{"name": line.name, **point} for line in lines for point in _points(line)]
    panels = []
    for at, line in enumerate(lines):
        points = _points(line)
        rows: dict[str, svg.Rows] = {
            "behind": behind,
            "line": points,
            "band": _band(line),
            "mark": _mark(line, points),
        }
        label = f"{line.name} by {x_title}; the table beneath holds the numbers."
        panels.append(Panel(line.name, svg.draw(picture, rows, key=f"{key}{at}", label=label)))
    return tuple(panels)


def _picture(window: tuple[float, float], x_title: str, *, log: bool) -> svg.Layers:
    """One chart for all panels: the rows alone differ."""
    scale = alt.Scale(type="log", nice=False) if log else alt.Scale(zero=False, nice=False)
    ticks = (
        alt.Axis(format="~g", values=list(_DECADES), grid=False) if log else alt.Axis(tickCount=5, grid=False)
    )
    height = alt.Scale(domain=list(window), nice=False)
    x = alt.X("x:Q", title=x_title, scale=scale, axis=ticks)
    y = alt.Y("y:Q", title=None, scale=height, axis=alt.Axis(tickCount=5))
    floor = alt.Y("low:Q", title=None, scale=height)
    dots = svg.layer("line").mark_circle(color=svg.BLUE, size=16, opacity=1, clip=True)
    return alt.layer(
        svg.layer("behind")
        .mark_line(color=svg.GHOST, strokeWidth=1, clip=True)
        .encode(x=x, y=y, detail="name:N"),
        svg.layer("band")
        .mark_area(color=svg.BLUE, opacity=0.18, clip=True)
        .encode(x=x, y=floor, y2="high:Q"),
        svg.layer("line").mark_line(color=svg.BLUE, strokeWidth=2, clip=True).encode(x=x, y=y),
        *([dots.encode(x=x, y=y)] if log else []),
        svg.layer("mark").mark_circle(color=svg.VERMILION, size=64, opacity=1).encode(x=x, y=y),
    ).properties(width=PANEL_WIDTH, height=PANEL_HEIGHT)


def _band(line: Line) -> svg.Rows:
    return [
        {"x": x, "low": low, "high": high}
        for x, low, high in zip(line.x, line.low or line.x, line.high or line.x, strict=True)
        if line.low and math.isfinite(low) and math.isfinite(high)
    ]


def _mark(line: Line, points: Sequence[dict[str, float]]) -> svg.Rows:
    mark = line.mark
    return [min(points, key=lambda point: abs(point["x"] - mark))] if mark is not None and points else []


def _points(line: Line) -> list[dict[str, float]]:
    return [{"x": a, "y": b} for a, b in zip(line.x, line.middle, strict=True) if math.isfinite(b)]


def _window(values: Sequence[float]) -> tuple[float, float]:
    """The range to show: everything, or, where a failing tail would flatten the rest, the middle 90 % and some more."""
    ordered = sorted(v for v in values if math.isfinite(v))
    if not ordered:
        return 0.0, 1.0
    cut = len(ordered) // 20
    low, high = ordered[cut], ordered[-1 - cut]
    room = (high - low) or abs(high) or 1.0
    return max(ordered[0], low - 0.8 * room) - 0.03 * room, min(ordered[-1], high + 0.8 * room) + 0.03 * room


def _thinned(line: Line) -> Line:
    keep = spread(len(line.x), MOST_POINTS)

    def some(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(values[i] for i in keep) if values else ()

    return replace(line, x=some(line.x), middle=some(line.middle), low=some(line.low), high=some(line.high))


def _table(
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


def _between(middle: float, low: float, high: float, places: int) -> str:
    return f"{fixed(middle, places)} {interval(low, high, places)}"


def _plus_minus(middle: float, low: float, high: float, places: int) -> str:
    # A band cut at a bound of the metric is whole on its other side.
    return f"{fixed(middle, places)} ± {fixed(max(high - middle, middle - low), places)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
