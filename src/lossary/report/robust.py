"""What every loss keeps of its score as the rows it learns from are spoilt: curves with bands, the area under each."""

from __future__ import annotations

import math

from lossary.lab.comparison import Comparison
from lossary.lab.judging.robustness import Interval, RobustCurve, Robustness, sentence_of
from lossary.report.charts.figure import Figure
from lossary.report.charts.multiples import Axes, Line, panels
from lossary.report.numbers import DASH, spoken
from lossary.report.sheet import Cell, Column, Sheet, sheet
from lossary.report.unit import Unit, unit_of
from lossary.report.visible import visible

_NAMES = {"noise": "Wrong labels", "outliers": "Gross outliers", "imbalance": "A rare class"}


def robustness_figures(comparison: Comparison) -> tuple[Figure, ...]:
    """One figure for each sweep that was asked for."""
    unit = unit_of(comparison)
    return tuple(_figure(each, comparison, unit) for each in comparison.robustness)


def _figure(found: Robustness, comparison: Comparison, unit: Unit) -> Figure:
    metric = unit.titled(comparison.ruler.title)
    lines = [_line(curve, found.levels, unit) for curve in found.curves]
    said = sentence_of(found, spoken(comparison.ruler.title), comparison.ruler.greater_is_better)
    reading = (
        f"{metric} on clean test rows by the share of {found.title}; the validation rows are spoilt alike, as whoever "
        "has dirty rows has no clean ones to choose a rate by. The band is the corrected 95 % interval. A curve that "
        f"stays near its start loses little. {visible(said, 600)}"
    )
    return Figure(
        f"robustness_{found.way}",
        f"Robustness: {spoken(_NAMES.get(found.way, found.way))}",
        reading,
        panels(lines, Axes(f"{found.title} (%)", metric, dots=True)),
        _table(found, comparison, unit),
    )


def _line(curve: RobustCurve, levels: tuple[float, ...], unit: Unit) -> Line:
    scale = unit.factor
    return Line(
        visible(curve.label, 80),
        tuple(100 * level for level in levels),
        tuple(scale * point.mean for point in curve.points),
        tuple(scale * point.low for point in curve.points),
        tuple(scale * point.high for point in curve.points),
    )


def _table(found: Robustness, comparison: Comparison, unit: Unit) -> Sheet:
    """A row a loss, most robust first: its score at every level, the area, and the area over the reference's."""
    sign = -1.0 if comparison.ruler.greater_is_better else 1.0
    order = sorted(found.curves, key=lambda curve: (math.isnan(curve.area.mean), sign * curve.area.mean))
    heads = (
        Column("loss"),
        *(Column(f"at {100 * level:g} %", True) for level in found.levels),
        Column(
            "mean over the range",
            True,
            "The area under the curve by the trapezoid rule, divided by its width.",
        ),
        Column("95 % interval", True),
        Column(
            unit.titled(f"against {visible(found.reference, 60)}", gap=True),
            True,
            "Difference of the areas, paired by split.",
        ),
    )
    rows = [
        [
            Cell(visible(curve.label) + ("" if curve.judged else " (not judged)")),
            *(_score(point, unit) for point in curve.points),
            _score(curve.area, unit),
            _between(curve.area, unit),
            Cell(DASH, "") if curve.against is None else _against(curve.against, unit),
        ]
        for curve in order
    ]
    return sheet(
        f"{comparison.ruler.title} by {found.title}", heads, rows, " ".join(map(visible, found.notes))
    )


def _score(found: Interval, unit: Unit) -> Cell:
    return Cell(DASH, "") if math.isnan(found.mean) else Cell(unit.shown(found.mean), found.mean)


def _between(found: Interval, unit: Unit) -> Cell:
    return Cell(DASH, "") if math.isnan(found.mean) else Cell(unit.between(found.low, found.high), found.low)


def _against(found: Interval, unit: Unit) -> Cell:
    if math.isnan(found.mean):
        return Cell(DASH, "")
    words = f"{unit.shown(found.mean, sign=True)} {unit.between(found.low, found.high, sign=True)}"
    return Cell(words, found.mean)
