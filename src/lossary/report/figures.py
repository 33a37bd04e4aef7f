"""From a comparison to its figures: what is drawn, in which unit and which order."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from lossary.lab.asking.task import Kind, Task
from lossary.lab.comparison import Comparison, Row
from lossary.report.charts.classes import Bin, calibration, confusion
from lossary.report.charts.curves import (
    detection_curves,
    learning_curves,
    listening_curves,
    precision_curves,
    rate_curves,
    residual_curves,
    sized_residuals,
)
from lossary.report.charts.disagreement import Case, disagreement
from lossary.report.charts.figure import Figure, Shot
from lossary.report.charts.forest import Span, forest
from lossary.report.charts.multiples import Line
from lossary.report.measured import metrics_figure
from lossary.report.png import address
from lossary.report.results import finding_of, verdict_cell
from lossary.report.robust import robustness_figures
from lossary.report.sheet import Tone
from lossary.report.unit import Unit, unit_of
from lossary.report.visible import visible

Shares = tuple[float, ...]


def figures(comparison: Comparison) -> tuple[Figure, ...]:
    """Every figure that the comparison has results for."""
    unit = unit_of(comparison)
    metric = unit.titled(comparison.ruler.title)
    drawn = [
        _differences(comparison, unit),
        learning_curves([_learning(row, unit.factor) for row in comparison.rows], metric=metric),
        rate_curves([_rates(row, unit) for row in comparison.rows], metric=metric),
        *_detection(comparison),
        _confusion(comparison),
        _calibration(comparison),
        _residuals(comparison),
        _sizes(comparison),
        _disagreement(comparison),
        _listening(comparison),
        *robustness_figures(comparison),
        metrics_figure(comparison),
    ]
    return tuple(figure for figure in drawn if figure is not None)


def _differences(comparison: Comparison, unit: Unit) -> Figure | None:
    spans = []
    for row in comparison.judged:
        finding = finding_of(comparison, row)
        contrast = finding.contrast if finding is not None else None
        if contrast is None:
            continue
        cell = verdict_cell(finding)
        ends = (contrast.low, contrast.high, contrast.adjusted_low, contrast.adjusted_high)
        low, high, outer_low, outer_high = (unit.factor * end for end in ends)
        tone = cell.tone if cell.tone is not Tone.MUTED else Tone.UNSURE
        middle = unit.factor * contrast.advantage
        spans.append(Span(_name(row), middle, low, high, outer_low, outer_high, tone, cell.text))
    if not spans:
        return None
    region = unit.factor * comparison.verdicts.region
    return forest(spans, region, unit=unit.gap, reference=visible(comparison.settings.reference))


def _learning(row: Row, factor: float) -> Line:
    curve = row.curve
    return Line(
        _name(row),
        tuple(float(epoch) for epoch in range(1, len(curve.mean) + 1)),
        _times(factor, curve.mean),
        _times(factor, curve.low),
        _times(factor, curve.high),
        float(row.epochs),
    )


def _rates(row: Row, unit: Unit) -> Line:
    points = sorted(row.rates, key=lambda point: point.rate)
    lows = [point.score - point.spread for point in points]
    highs = [point.score + point.spread for point in points]
    if unit.bounded:
        lows, highs = [max(0.0, low) for low in lows], [min(1.0, high) for high in highs]
    return Line(
        _name(row),
        tuple(point.rate for point in points),
        _times(unit.factor, (point.score for point in points)),
        _times(unit.factor, lows),
        _times(unit.factor, highs),
        row.rate,
    )


def _detection(comparison: Comparison) -> list[Figure]:
    found = [(_name(row), row.tradeoff) for row in comparison.rows if row.tradeoff is not None]
    detected = [_shares(name, t.fpr, t.tpr, t.tpr_low, t.tpr_high) for name, t in found]
    precise = [_shares(name, t.recall, t.precision, t.precision_low, t.precision_high) for name, t in found]
    return [detection_curves(detected), precision_curves(precise)] if found else []


def _shares(name: str, x: Shares, middle: Shares, low: Shares, high: Shares) -> Line:
    return Line(name, _times(100.0, x), _times(100.0, middle), _times(100.0, low), _times(100.0, high))


def _confusion(comparison: Comparison) -> Figure | None:
    found = {_name(row): row.confusion.share for row in comparison.rows if row.confusion is not None}
    levels = next((row.confusion.levels for row in comparison.rows if row.confusion is not None), ())
    return confusion(found, [visible(level, 60) for level in levels]) if found else None


def _calibration(comparison: Comparison) -> Figure | None:
    found = {}
    for row in comparison.rows:
        bins = row.calibration
        if bins is not None:
            name = _name(row) + (" (after a temperature)" if bins.tempered else "")
            parts = zip(bins.predicted, bins.observed, bins.low, bins.high, bins.count, strict=True)
            found[name] = [Bin(*part) for part in parts]
    event, units = _event(comparison.task)
    return calibration(found, event=visible(event, 80), units=units) if found else None


def _event(task: Task) -> tuple[str, str]:
    """What a probability is of, and what has one."""
    if task.kind is Kind.SEGMENTATION:
        return "foreground", "pixels of the test rows"
    if task.kind is Kind.MULTILABEL:
        return "its being there", "labels of the test rows"
    return f"{task.target} = {task.positive}", "test rows"


def _residuals(comparison: Comparison) -> Figure | None:
    lines = []
    for row in comparison.rows:
        if row.residuals:
            step = 100 / (len(row.residuals) - 1)
            shares = tuple(step * i for i in range(len(row.residuals)))
            lines.append(Line(_name(row), shares, row.residuals))
    return residual_curves(lines, target=visible(comparison.task.target, 60)) if lines else None


def _sizes(comparison: Comparison) -> Figure | None:
    lines, counts = [], []
    for row in comparison.rows:
        sized = row.residuals_by_size
        if sized is not None:
            lines.append(Line(_name(row), sized.predicted, sized.mean, sized.low, sized.high))
            counts.append(sized.count)
    return (
        sized_residuals(lines, target=visible(comparison.task.target, 60), counts=counts) if lines else None
    )


_RIGHT = {
    Kind.MULTILABEL: "labels of the row that the trainings got right",
    Kind.SEGMENTATION: "pixels of the picture that the trainings got right",
}


def _disagreement(comparison: Comparison) -> Figure | None:
    found = comparison.disagreement
    if found is None:
        return None
    cases = [
        Case(
            c.row,
            visible(c.truth, 60),
            c.number,
            c.splits,
            c.answers,
            tuple(visible(v, 60) for v in c.values),
        )
        for c in found.rows
    ]
    drawn = disagreement(
        [visible(label, 80) for label in found.losses],
        cases,
        [[math.nan if each is None else each for each in line] for line in found.pairs],
        numbers=found.reads == "value",
        columns=[visible(name, 60) for name in found.columns],
        target=visible(comparison.task.target, 60),
        right=_RIGHT.get(comparison.task.kind, "trainings that answered rightly"),
    )
    shots = [
        Shot(address(each.picture), f"{each.row}: {visible(each.truth, 30)}")
        for each in found.rows
        if each.picture is not None
    ]
    return replace(drawn, shots=tuple(shots))


def _listening(comparison: Comparison) -> Figure | None:
    lines, skipped = [], []
    for row in comparison.rows:
        heard = row.listening
        if heard is not None and heard.share:
            step = 100 / len(heard.share)
            middles = tuple(step * (at + 0.5) for at in range(len(heard.share)))
            lines.append(Line(_name(row), middles, _times(100.0, heard.share)))
        elif heard is not None and heard.why:
            skipped.append((_name(row), visible(heard.why)))
    return listening_curves(lines, skipped) if lines else None


def _name(row: Row) -> str:
    return visible(row.candidate.label, 80)


def _times(factor: float, values: Iterable[float]) -> tuple[float, ...]:
    return tuple(factor * value for value in values)
