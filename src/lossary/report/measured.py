"""Every metric of every loss: a small forest each, and the numbers as a table. Described, never tested."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lossary.core.errors import DataError
from lossary.lab.comparison import Comparison, Measured
from lossary.lab.metrics import Metric, get_metric
from lossary.report.charts.figure import Figure, Panel
from lossary.report.charts.intervals import Bar, intervals
from lossary.report.numbers import DASH, decimals, fixed, interval, spoken
from lossary.report.sheet import Cell, Column, Sheet
from lossary.report.visible import visible

Named = list[tuple[str, tuple[Measured, ...]]]  # the metrics of each loss and anchor


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric as a comparison names it: its own name, or that of another metric read in a second way."""

    metric: str
    title: str
    base: str  # the metric that is read: "log_loss" of "log_loss_calibrated"
    greater_is_better: bool

    @property
    def known(self) -> Metric | None:
        """What the laboratory knows of it; None for one that a comparison alone measures."""
        # An operating point set on validation is a rate as those set on test are: "tpr_at_validation_fpr(0.01)".
        return _known(self.base) or _known(self.base.partition("_at_")[0])


def _known(name: str) -> Metric | None:
    try:
        return get_metric(name)
    except DataError:
        return None


def readings(named: Named) -> list[Reading]:
    """Every metric once, those that read the same beside each other, in the order in which they were measured."""
    found = {
        m.metric: Reading(m.metric, m.title, _base(m.metric), m.greater_is_better)
        for _, each in named
        for m in each
    }
    order = list(dict.fromkeys(reading.base for reading in found.values()))
    return sorted(
        found.values(), key=lambda reading: (order.index(reading.base), reading.metric != reading.base)
    )


def _base(name: str) -> str:
    """ "log_loss" of "log_loss_calibrated": what is left without a last word that makes no metric of it."""
    rest = name.rpartition("_")[0]
    return rest if _known(name) is None and rest and _known(rest) is not None else name


def metrics_figure(comparison: Comparison) -> Figure:
    """One panel a metric, the one that decides first; the table has the anchors too."""
    losses: Named = [(row.candidate.label, (row.score, *row.others)) for row in comparison.rows]
    groups: dict[str, list[Reading]] = {}
    for reading in readings(losses):
        groups.setdefault(reading.base, []).append(reading)
    names = [visible(name, 80) for name, _ in losses]
    reference = visible(comparison.settings.reference, 80)
    panels = [_panel(group, losses, names, reference, comparison.ruler.name) for group in groups.values()]
    paired = [group for group in groups.values() if len(group) == 2]
    second = " Hollow marks read the same metric in the second way that the heading names." if paired else ""
    said = (
        f"The mean over splits and its 95 % interval, corrected for splits that share rows; the dashed line is "
        f"{reference}.{second} Descriptive, not tested: only {spoken(comparison.ruler.title)} carries the verdict, "
        "and it alone chose rates and epochs."
    )
    return Figure("metrics", "Every metric", said, tuple(panels), other_metrics(comparison))


def _panel(group: list[Reading], losses: Named, names: list[str], reference: str, decides: str) -> Panel:
    first = group[0]
    factor = 100.0 if first.known is not None and first.known.share else 1.0
    unit = " (%)" if factor == 100 else ""
    bars = []
    for reading in group[:2]:
        for name, (_, each) in zip(names, losses, strict=True):
            found = next((m for m in each if m.metric == reading.metric), None)
            if found is not None and math.isfinite(found.mean):
                mean, low, high = (factor * value for value in (found.mean, found.low, found.high))
                bars.append(Bar(name, mean, low, high, second=reading is not first))
    title = first.title + unit + ("" if first.greater_is_better else ", less is better")
    title += ", decides" if first.metric == decides else ""
    if len(group) > 1:
        title += f"; hollow: {spoken(group[1].title.removeprefix(first.title).lstrip(', '))}"
    return intervals(title, bars, names, reference=reference)


def other_metrics(comparison: Comparison) -> Sheet:
    """Every metric that does not decide, for every loss and anchor, with its interval."""
    named: Named = [
        *((row.candidate.label, row.others) for row in comparison.rows),
        *((anchor.title, anchor.others) for anchor in comparison.anchors),
    ]
    found = readings(named)
    rows = tuple(
        (Cell(visible(name)), *(_measured_cell(reading, each, named) for reading in found))
        for name, each in named
    )
    columns = (Column("loss"), *(Column(reading.title, True) for reading in found))
    note = (
        f"Mean over splits and its 95 % interval; {DASH} where a metric is not defined for a loss. Descriptive, not "
        "tested: among many metrics some differ by chance."
    )
    return Sheet("Other metrics", columns, rows, note)


def _measured_cell(reading: Reading, each: tuple[Measured, ...], named: Named) -> Cell:
    found = next((m for m in each if m.metric == reading.metric), None)
    if found is None or not math.isfinite(found.mean):
        return Cell(DASH, "")
    # The decimals of a column are those of its median interval: a constant prediction has none.
    widths = sorted(m.high - m.low for _, others in named for m in others if m.metric == reading.metric)
    places = min(4, decimals(widths[len(widths) // 2]))
    low, high = found.low, found.high
    if reading.known is not None and not reading.known.relative:
        low, high = (max(0.0, low) if found.mean >= 0 else low), min(1.0, high)
    return Cell(f"{fixed(found.mean, places)} {interval(low, high, places)}", found.mean)
