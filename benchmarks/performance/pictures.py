"""The figures of a family as one picture: sides beside the reference, a row a contest and side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from lossary.report import svg

from . import figures
from .contest import Contest

WIDTH, STEP, NAMES = 430, 20, 190
#: Who a side is, and its colour.
COLOURS = {"ours": svg.BLUE, "first": svg.MUTED, "other": svg.ORANGE}


def draw(kind: str, contests: Sequence[Contest], known: Mapping[str, Any]) -> str | None:
    """An SVG file; None where nothing of the kind was measured."""
    rows = [row for each in contests for row in _rows(kind, each, known[each.name])]
    if not rows:
        return None
    title = "time, as a share of the first side's" if kind == "time" else "memory above the inputs, MB"
    scale = alt.Scale(type="log", nice=False)
    ours = alt.Color(
        "who:N", scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())), legend=None
    )
    names = alt.Axis(labelLimit=NAMES, ticks=False, domain=False, labelPadding=8, labelColor=svg.INK)
    y = alt.Y("side:N", title=None, sort=None, axis=names)
    ticks = alt.Axis(tickCount=6, format="~g", grid=True)
    x = alt.X("middle:Q", title=title, scale=scale, axis=ticks)
    low = alt.X("low:Q", title=title, scale=scale, axis=ticks)
    rows_of = alt.Chart()  # its rows come with the facet, which parts them
    layers = [rows_of.mark_circle(size=70, opacity=1).encode(x=x, y=y, color=ours)]
    if kind == "time":
        layers.insert(0, rows_of.mark_rule(strokeWidth=2).encode(x=low, x2="high:Q", y=y, color=ours))
    above = alt.Header(
        labelAngle=0, labelAnchor="start", labelOrient="top", labelColor=svg.INK, labelFontWeight="bold"
    )
    facet = alt.Row("contest:N", title=None, sort=[each.name for each in contests], header=above)
    chart = (
        alt.layer(*layers, data=alt.NamedData(name="rows"))
        .properties(width=WIDTH, height=alt.Step(STEP))
        .facet(row=facet, spacing=6)
        .resolve_scale(y="independent")
    )
    label = f"{title}, for each contest and side; the tables beneath hold the numbers."
    return svg.standalone(svg.Picture(chart, {"rows": rows}, label), f"performance-{kind}")


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
    return "first" if side == first and not alone else "ours" if side.startswith("lossary") else "other"
