"""The figures of a family as one picture: sides beside the reference, a row a contest and side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from lossary.report import svg

from . import figures
from .contest import Contest

WIDTH, STEP, NAMES = 430, 20, 190
#: How wide a letter is where fonts are wide; the layout is made where no page's font is known.
LETTER = 6.8
#: Who a side is, and its colour.
FIRST, OURS, OTHERS = "the side named first", "lossary", "others"
COLOURS = {FIRST: svg.MUTED, OURS: svg.BLUE, OTHERS: svg.ORANGE}
TITLES = {
    "time": "time, as a multiple of the grey side's, malloc as it is: median, least to most",
    "memory": "memory above the inputs, MB",
}


def draw(kind: str, contests: Sequence[Contest], known: Mapping[str, Any]) -> str | None:
    """An SVG file; None where nothing of the kind was measured."""
    rows = [row for each in contests for row in _rows(kind, each, known[each.name])]
    if not rows:
        return None
    title = TITLES[kind]
    ends = [row[end] for row in rows for end in ("low", "middle", "high") if end in row]
    domain, ticks = _decades(min(ends), max(ends))
    scale = alt.Scale(type="log", nice=False, domain=domain)
    beneath = alt.Axis(values=ticks, format="~r" if domain[0] < 1 else ",~r", grid=True, titlePadding=8)
    there = [each for each in COLOURS if any(row["who"] == each for row in rows)]
    colour = alt.Color(
        "who:N",
        scale=alt.Scale(domain=there, range=[COLOURS[each] for each in there]),
        legend=alt.Legend(
            title=None, orient="top", direction="horizontal", symbolType="circle", columnPadding=32
        ),
    )
    wide = min(LETTER * max(len(row["side"]) for row in rows), NAMES)
    names = alt.Axis(
        labelLimit=NAMES, minExtent=wide, ticks=False, domain=False, labelPadding=8, labelColor=svg.INK
    )
    y = alt.Y("side:N", title=None, sort=None, axis=names)
    x = alt.X("middle:Q", title=title, scale=scale, axis=beneath)
    low = alt.X("low:Q", title=title, scale=scale, axis=beneath)
    rows_of = alt.Chart()  # its rows come with the facet, which parts them
    layers = [rows_of.mark_circle(size=70, opacity=1).encode(x=x, y=y, color=colour)]
    if kind == "time":
        layers.insert(0, rows_of.mark_rule(strokeWidth=2).encode(x=low, x2="high:Q", y=y, color=colour))
    above = alt.Header(
        labelAngle=0,
        labelAnchor="start",
        labelOrient="top",
        labelColor=svg.INK,
        labelFontWeight="bold",
        labelPadding=4,
    )
    facet = alt.Row("contest:N", title=None, sort=[each.name for each in contests], header=above)
    chart = (
        alt.layer(*layers, data=alt.NamedData(name="rows"))
        .properties(width=WIDTH, height=alt.Step(STEP))
        .facet(row=facet, spacing=16)
        .resolve_scale(y="independent")
    )
    label = f"{title}, for each contest and side; the tables beneath hold the numbers."
    return svg.standalone(svg.Picture(chart, {"rows": rows}, label), f"performance-{kind}")


def _decades(least: float, most: float) -> tuple[list[float], list[float]]:
    """A domain that leaves room beside the outermost marks, and the 1, 2 and 5 of each power of ten within it."""
    room = (most / least) ** 0.04 if most > least else 2.0
    low, high = least / room, most * room
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]
    return [low, high], [each for each in ticks if low <= each <= high]


def _rows(kind: str, contest: Contest, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    first, rows = figures.reference(contest), []
    for side in contest.sides:
        row: dict[str, Any] = {
            "contest": contest.name,
            "side": side,
            "who": _who(side, first, len(contest.sides) == 1),
        }
        if kind == "time":
            ratio = figures.ratio(found, "default", side, first)
            if ratio is not None:
                rows.append({**row, "low": ratio.least, "middle": ratio.median, "high": ratio.most})
        else:
            weight = figures.memory(found, side)
            if weight is not None and weight > 0:
                rows.append({**row, "middle": weight})
    return rows


def _who(side: str, first: str, alone: bool) -> str:
    return FIRST if side == first and not alone else OURS if side.startswith("lossary") else OTHERS
