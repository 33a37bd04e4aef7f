"""Numbers on a grid whose colour says how much, whose text says how much exactly: rows against losses, loss on loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from lossary.report import svg
from lossary.report.charts.axes import names_axis


@dataclass(frozen=True, slots=True)
class Tile:
    """One cell: its place, its text, and its depth from -1 (vermilion) over 0 (paper) to 1 (blue)."""

    across: str
    down: str
    text: str
    depth: float


_DEEPEST = 0.55  # opacity at which text on the colour can still be read


def tiles(
    cells: Sequence[Tile],
    across: Sequence[str],
    down: Sequence[str],
    *,
    title: str | None,
    label: str,
    wide: bool,
) -> svg.Picture:
    """Losses down the side; `title` says what stands across."""
    rows = [
        {"across": c.across, "down": c.down, "text": c.text, "depth": abs(c.depth), "under": c.depth < 0}
        for c in cells
    ]
    x_axis = alt.Axis(
        orient="top",
        ticks=False,
        domain=False,
        labelColor=svg.INK,
        labelAngle=0,
        labelFontSize=11 if wide else 9,
    )
    base = svg.layer("cells").encode(
        x=alt.X("across:N", sort=list(across), title=title, axis=x_axis),
        y=alt.Y(
            "down:N", sort=list(down), title=None, axis=names_axis(230 if wide else 112, folded=not wide)
        ),
    )
    opacity = alt.Opacity("depth:Q", scale=alt.Scale(domain=[0, 1], range=[0.0, _DEEPEST]), legend=None)
    colour = alt.condition("datum.under", alt.value(svg.VERMILION), alt.value(svg.BLUE))
    widest = max(map(len, (*across, *(cell.text for cell in cells))), default=1)
    step = max(38, 8 * widest) if wide else max(22, 6 * widest)
    chart = alt.layer(
        base.mark_rect().encode(opacity=opacity, color=colour),
        base.mark_rect(filled=False, stroke=svg.RULE),
        base.mark_text(fontSize=11 if wide else 8.5, color=svg.INK).encode(text="text:N"),
    ).properties(width=alt.Step(step), height=alt.Step(26 if wide else 28))
    return svg.Picture(chart, {"cells": rows}, label)
