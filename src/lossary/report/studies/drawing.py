"""A study's pictures as charts: all lines over one axis, told apart by colour, dash and a legend."""

from __future__ import annotations

import math

import altair as alt

from lossary.lab.studies.study import Picture
from lossary.report import svg
from lossary.report.charts.figure import Figure, Panel
from lossary.report.studies.sheets import picture_sheet

COLOURS = (svg.BLUE, svg.VERMILION, svg.GREEN, svg.PURPLE, svg.ORANGE)
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4])
WIDE, NARROW, HEIGHT = 560, 230, 250
DECADES = [10.0**power for power in range(-6, 7)]
STEPS = [step * decade for decade in DECADES for step in (1, 2, 5)]


def figure(picture: Picture) -> Figure:
    """For a page: wide and narrow, and the numbers as a table."""
    panels = (Panel("", drawing(picture, WIDE), drawing(picture, NARROW)),)
    return Figure(picture.key, picture.title, picture.reading, panels, picture_sheet(picture))


def standalone(picture: Picture) -> str:
    """An SVG file that shows itself anywhere."""
    return svg.standalone(drawing(picture, WIDE), picture.key)


def drawing(picture: Picture, width: int) -> svg.Picture:
    """The lines with their bands, not drawn yet."""
    names = [line.name for line in picture.lines]
    wide = width == WIDE
    legend = alt.Legend(
        title=None,
        orient="top",
        columns=len(names) if wide else 1,
        labelLimit=300,
        symbolStrokeWidth=2,
        labelColor=svg.INK,
    )
    colour = alt.Color(
        "name:N", scale=alt.Scale(domain=names, range=list(COLOURS[: len(names)])), legend=legend
    )
    band = alt.Color("name:N", scale=alt.Scale(domain=names, range=list(COLOURS[: len(names)])), legend=None)
    dash = alt.StrokeDash(
        "name:N", scale=alt.Scale(domain=names, range=list(DASHES[: len(names)])), legend=None
    )
    x = alt.X(
        "x:Q", title=picture.x, scale=_scale(picture.log_x), axis=_axis(picture.log_x, wide, grid=False)
    )
    y = alt.Y("y:Q", title=picture.y, scale=_scale(picture.log_y), axis=_axis(picture.log_y, wide, grid=True))
    low = alt.Y("low:Q", title=picture.y, scale=_scale(picture.log_y))
    lines = svg.layer("lines")
    chart = alt.layer(
        svg.layer("bands").mark_area(opacity=0.15).encode(x=x, y=low, y2="high:Q", color=band),
        lines.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, strokeDash=dash),
        lines.mark_circle(size=22, opacity=1).encode(x=x, y=y, color=band),
    ).properties(width=width, height=HEIGHT if wide else 200)
    label = f"{picture.title}: {', '.join(names)}. {picture.y} by {picture.x}; the table beneath holds the numbers."
    return svg.Picture(chart.resolve_scale(color="independent"), _rows(picture), label)


def _rows(picture: Picture) -> dict[str, svg.Rows]:
    points, bands = [], []
    for line in picture.lines:
        for at, (x, y) in enumerate(zip(line.x, line.y, strict=True)):
            if math.isfinite(y):
                points.append({"name": line.name, "x": x, "y": y})
            if line.low and math.isfinite(line.low[at]) and math.isfinite(line.high[at]):
                bands.append({"name": line.name, "x": x, "low": line.low[at], "high": line.high[at]})
    return {"lines": points, "bands": bands}


def _scale(logarithmic: bool) -> alt.Scale:
    return alt.Scale(type="log", nice=False) if logarithmic else alt.Scale(zero=False)


def _axis(logarithmic: bool, wide: bool, *, grid: bool) -> alt.Axis:
    if logarithmic:
        return alt.Axis(format="~g", values=STEPS if grid else DECADES, grid=grid)
    return alt.Axis(tickCount=6 if wide else 4, grid=grid)
