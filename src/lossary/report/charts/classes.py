"""Figures of a classification: which class is taken for which, and whether a probability means what it says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt

from lossary.report import svg
from lossary.report.charts.figure import Figure, Panel
from lossary.report.numbers import DASH, fixed, interval
from lossary.report.sheet import Cell, Column, sheet


def confusion(shares: Mapping[str, Sequence[Sequence[float]]], levels: Sequence[str]) -> Figure:
    """One matrix a loss; rows are the true class, columns the decision, shares add to 1 along a row."""
    panels, rows = [], []
    for name, matrix in shares.items():
        found = [
            (true, guess, part)
            for true, line in zip(levels, matrix, strict=True)
            for guess, part in zip(levels, line, strict=True)
        ]
        cells = [{"true": t, "guess": g, "share": part, "text": _percent(part)} for t, g, part in found]
        label = f"Confusion matrix of {name}; the table beneath holds the numbers."
        panels.append(Panel(name, svg.Picture(_tiles(levels), {"cells": cells}, label)))
        for true, line in zip(levels, matrix, strict=True):
            rows.append([Cell(name), Cell(true), *(Cell(_percent(part), part) for part in line)])
    columns = [Column("loss"), Column("true class"), *(Column(f"as {level} (%)", True) for level in levels)]
    return Figure(
        "confusion",
        "Confusion",
        "Of each true class, the share in per cent that was given each label: a row adds to 100. Test rows of all "
        "splits and seeds, decisions at the loss's natural rule.",
        tuple(panels),
        sheet("Confusion", columns, rows),
    )


def _tiles(levels: Sequence[str]) -> svg.Layers:
    crowded = len(levels) > 5
    high = max(16, min(44, 200 // len(levels)))
    wide = max(20, min(64, 176 // len(levels)))
    axis = alt.Axis(ticks=False, domain=False, labelLimit=76, labelColor=svg.INK)
    slant = -45 if crowded and max(map(len, levels)) > 2 else 0
    across = alt.Axis(ticks=False, domain=False, labelLimit=76, labelColor=svg.INK, labelAngle=slant)
    base = svg.layer("cells").encode(
        x=alt.X("guess:N", sort=list(levels), title="decision", axis=across),
        y=alt.Y("true:N", sort=list(levels), title="true class", axis=axis),
    )
    depth = alt.Scale(domain=[0, 1], range=[0.0, 0.55])
    tiles = base.mark_rect(color=svg.BLUE).encode(opacity=alt.Opacity("share:Q", scale=depth, legend=None))
    frame = base.mark_rect(filled=False, stroke=svg.RULE)
    text = base.mark_text(fontSize=9 if crowded else 12, color=svg.INK).encode(text="text:N")
    return alt.layer(tiles, frame, text).properties(width=alt.Step(wide), height=alt.Step(high))


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows predicted alike: their mean probability, the share that came true, its 95 % band, how many rows."""

    predicted: float
    observed: float
    low: float
    high: float
    rows: int


def calibration(bins: Mapping[str, Sequence[Bin]], *, event: str, units: str) -> Figure:
    """Observed share against predicted probability of `event` for `units`; the diagonal is perfect calibration."""
    panels, rows = [], []
    for name, found in bins.items():
        label = f"Calibration of {name}; the table beneath holds the numbers."
        panels.append(Panel(name, svg.Picture(_diagonal(), _points(found), label)))
        for b in found:
            band = Cell(interval(b.low, b.high, 3), b.low)
            numbers = [Cell(fixed(b.predicted, 3), b.predicted), Cell(fixed(b.observed, 3), b.observed)]
            rows.append([Cell(name), *numbers, band, Cell(str(b.rows), b.rows)])
    heads = ["predicted", "observed", "95 % band", "rows"]
    return Figure(
        "calibration",
        "Calibration",
        f"Of the {units} given a probability of {event}, the share that came true. On the diagonal a probability "
        "means what it says; below it the event is predicted too often, above it too seldom. Bars are 95 % Wilson "
        "intervals. Test rows recur over splits and seeds, so the bars are a lower bound on the uncertainty.",
        tuple(panels),
        sheet("Calibration", [Column("loss"), *(Column(h, True) for h in heads)], rows),
    )


def _points(bins: Sequence[Bin]) -> dict[str, svg.Rows]:
    found = [{"x": b.predicted, "y": b.observed, "low": b.low, "high": b.high} for b in bins]
    return {"found": found, "ideal": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]}


def _diagonal() -> svg.Layers:
    unit = alt.Scale(domain=[0, 1])
    x = alt.X("x:Q", title="predicted probability", scale=unit, axis=alt.Axis(tickCount=5))
    y = alt.Y("y:Q", title="observed share", scale=unit, axis=alt.Axis(tickCount=5))
    low = alt.Y("low:Q", title="observed share", scale=unit)
    ideal, found = svg.layer("ideal"), svg.layer("found")
    return alt.layer(
        ideal.mark_line(color=svg.MUTED, strokeDash=[4, 3], strokeWidth=1).encode(x=x, y=y),
        found.mark_rule(color=svg.BLUE, strokeWidth=1.5).encode(x=x, y=low, y2="high:Q"),
        found.mark_circle(color=svg.BLUE, size=36, opacity=1).encode(x=x, y=y),
    ).properties(width=190, height=190)


def _percent(part: float) -> str:
    if math.isnan(part):
        return DASH
    return f"{100 * part:.0f}" if part in (0, 1) or 0.095 <= part <= 0.905 else f"{100 * part:.1f}"
