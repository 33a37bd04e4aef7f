"""Differences to the reference with their intervals, around the region of practical equivalence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from lossary.report import svg
from lossary.report.charts.axes import names_axis
from lossary.report.charts.figure import Figure, Panel
from lossary.report.numbers import decimals, fixed, interval
from lossary.report.sheet import Cell, Column, Tone, sheet


@dataclass(frozen=True, slots=True)
class Span:
    """How much better than the reference, in the unit shown: the 95 % interval of this loss alone, and the outer one
    that holds for all losses together. `tone` carries the verdict, `words` says it.
    """

    name: str
    middle: float
    low: float
    high: float
    outer_low: float
    outer_high: float
    tone: Tone
    words: str


# Shape repeats what colour says, so that the verdict survives grey print and any colour vision.
_LOOKS = {
    Tone.BETTER: (svg.BLUE, "triangle-up"),
    Tone.EQUAL: (svg.GREEN, "circle"),
    Tone.UNSURE: (svg.MUTED, "cross"),
    Tone.WORSE: (svg.VERMILION, "triangle-down"),
    Tone.PLAIN: (svg.INK, "diamond"),
}
_WIDE, _NARROW = 640, 196


def forest(spans: Sequence[Span], region: float, *, unit: str, reference: str) -> Figure:
    """The forest plot of `spans`, in their order; `region` is the half-width of practical equivalence, same unit."""
    bracket = f" ({unit})" if unit else ""
    title = f"advantage over {reference}{bracket}"
    places = decimals(*(s.high - s.low for s in spans), region)
    label = f"Forest plot: {title}. The table beneath holds the numbers."
    pictures = [
        svg.Picture(_chart(spans, region, axis, width), _rows(spans, region), label)
        for width, axis in ((_WIDE, title), (_NARROW, f"advantage{bracket}"))
    ]
    rows = [
        [
            Cell(s.name),
            Cell(fixed(s.middle, places, sign=True), s.middle),
            Cell(interval(s.low, s.high, places, sign=True), s.low),
            Cell(interval(s.outer_low, s.outer_high, places, sign=True), s.outer_low),
            Cell(s.words, tone=s.tone),
        ]
        for s in spans
    ]
    columns = [
        Column("loss"),
        Column(f"advantage{bracket}", True),
        Column("95 % interval, this loss alone", True),
        Column("95 % interval, all losses together", True),
        Column("verdict"),
    ]
    reading = (
        f"How much better than {reference} each loss is: to the right of zero is better. The thick bar is the 95 % "
        "interval of the loss alone, the thin one holds for all losses together. The shaded band, "
        f"±{fixed(region, places)}{' ' + unit if unit else ''}, is what counts as practically equal and was fixed "
        "before the first training."
    )
    table = sheet("Differences", columns, rows)
    return Figure("differences", "Differences", reading, (Panel("", *pictures),), table)


def _chart(spans: Sequence[Span], region: float, title: str, width: int) -> svg.Layers:
    wide = width == _WIDE
    reach = _reach(spans, region)
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    axis = alt.Axis(tickCount=7 if wide else 4)

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", title=title, scale=scale, axis=axis)

    names = names_axis(230 if wide else 112, folded=not wide)
    y = alt.Y("name:N", sort=[s.name for s in spans], title=None, axis=names)
    tones = [tone.value for tone in _LOOKS]
    colour = alt.Color(
        "tone:N", scale=alt.Scale(domain=tones, range=[c for c, _ in _LOOKS.values()]), legend=None
    )
    shape = alt.Shape(
        "tone:N", scale=alt.Scale(domain=tones, range=[s for _, s in _LOOKS.values()]), legend=None
    )
    bars = svg.layer("spans")
    return alt.layer(
        svg.layer("region").mark_rect(color=svg.BAND, clip=True).encode(x=x("low"), x2="high:Q"),
        svg.layer("zero").mark_rule(color=svg.MUTED).encode(x=x("low")),
        bars.mark_rule(strokeWidth=1, clip=True).encode(
            x=x("outer_low"), x2="outer_high:Q", y=y, color=colour
        ),
        bars.mark_rule(strokeWidth=3.5, clip=True).encode(x=x("low"), x2="high:Q", y=y, color=colour),
        bars.mark_point(size=70, filled=True, opacity=1, clip=True).encode(
            x=x("middle"), y=y, color=colour, shape=shape
        ),
    ).properties(width=width, height=alt.Step(27))


def _rows(spans: Sequence[Span], region: float) -> dict[str, svg.Rows]:
    bars = [
        {
            "name": s.name, "low": s.low, "middle": s.middle, "high": s.high, "tone": s.tone.value,
            "outer_low": s.outer_low, "outer_high": s.outer_high,
        }
        for s in spans
    ]  # fmt: skip
    return {"spans": bars, "region": [{"low": -region, "high": region}], "zero": [{"low": 0.0}]}


def _reach(spans: Sequence[Span], region: float) -> float:
    """Half the axis. A loss that failed outright would squeeze all others to a dot, so its bar may run off the edge."""
    ends = sorted(max(abs(s.outer_low), abs(s.outer_high)) for s in spans)
    typical = ends[len(ends) // 2] if ends else region
    return max(1.6 * region, min(ends[-1] if ends else 0.0, 6 * max(typical, region))) * 1.06
