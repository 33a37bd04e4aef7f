"""Where the spread of the differences comes from: the seeds, which more seeds buy off, or the splits."""

from __future__ import annotations

from lossary.lab.comparison import Comparison
from lossary.report.numbers import DASH, share
from lossary.report.results import finding_of
from lossary.report.sheet import Cell, Column, Sheet, sheet
from lossary.report.unit import Unit, unit_of
from lossary.report.visible import visible


def spread_sheet(comparison: Comparison) -> Sheet | None:
    """Seed spread and split spread apart, and what could be shown; None where no difference was measured."""
    unit, rows = unit_of(comparison), []
    for row in comparison.judged:
        finding = finding_of(comparison, row)
        contrast = finding.contrast if finding is not None else None
        if contrast is None:
            continue
        numbers = (contrast.seed_spread, contrast.split_spread)
        rows.append(
            [
                Cell(visible(row.candidate.label)),
                *(_amount(value, unit) for value in numbers),
                Cell(
                    share(contrast.seed_share), contrast.seed_share if contrast.seed_share is not None else ""
                ),
                _amount(contrast.detectable, unit),
                _amount(contrast.floor, unit),
            ]
        )
    heads = (
        Column("loss"),
        Column(
            unit.titled("between seeds", gap=True),
            True,
            "Standard deviation of the advantage of single trainings.",
        ),
        Column(
            unit.titled("between splits", gap=True), True, "What infinitely many seeds a split would leave."
        ),
        Column("share of the seeds", True, "Of the variance over splits, at the seeds that were trained."),
        Column(
            unit.titled("detectable", gap=True), True, "The true difference found with a probability of 80 %."
        ),
        Column(
            unit.titled("floor", gap=True),
            True,
            "Half the interval that no number of splits can beat; rows alone can.",
        ),
    )
    note = (
        f"Of the advantage over {visible(comparison.settings.reference)}. More seeds shrink the first column, more "
        "splits the interval down to its floor, and only more rows the floor."
    )
    return sheet("Where the spread comes from", heads, rows, note) if rows else None


def _amount(value: float | None, unit: Unit) -> Cell:
    return Cell(DASH, "") if value is None else Cell(unit.shown(value), value)
