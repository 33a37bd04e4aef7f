"""The second table: every loss at the settings that validation chose from an equal budget."""

from __future__ import annotations

from lossary.lab.comparison import Comparison
from lossary.lab.judging.robustness import Interval
from lossary.lab.judging.tuned import TunedRow
from lossary.report.numbers import rate
from lossary.report.results import FULL, ROOMY, verdict_cell
from lossary.report.sheet import Cell, Column, Sheet
from lossary.report.unit import Unit, unit_of
from lossary.report.visible import visible


def tuned_sheet(comparison: Comparison) -> Sheet | None:
    """Score, gain over the own setting, verdict of this table, settings chosen; None where it was not asked for."""
    table = comparison.tuned
    if table is None:
        return None
    unit = unit_of(comparison)
    columns = (
        Column("loss"),
        Column(
            unit.titled(comparison.ruler.title), True, "Mean over the test parts, at what validation chose."
        ),
        Column(
            "95 % interval", True, "Corrected for splits that share rows (Nadeau and Bengio).", needs=FULL
        ),
        Column(
            unit.titled("gain", gap=True),
            True,
            "How much better than with its own settings, on the same splits; less than 0 is worse. Not tested.",
        ),
        Column("its 95 % interval", True, "Of the gain, for this loss alone.", needs=ROOMY),
        Column("verdict", meaning="Against the reference, which is tuned as well; of this table alone."),
        Column(
            "chosen", meaning="Each setting with the number of splits in which it was the best on validation."
        ),
        Column("rate", True, "Median of the learning rates chosen on validation.", needs=ROOMY),
        Column("trainings", True, "A split, at all settings, rates and seeds.", needs=FULL),
    )
    sign = 1.0 if comparison.ruler.greater_is_better else -1.0
    rows = tuple(_row(comparison, row, unit, sign) for row in table.rows)
    note = " ".join(
        [visible(table.headline, 2000), *(f"{each[:1].upper()}{each[1:]}." for each in table.notes)]
    )
    return Sheet("Losses with an equal budget of settings", columns, rows, note)


def _row(comparison: Comparison, row: TunedRow, unit: Unit, sign: float) -> tuple[Cell, ...]:
    assert comparison.tuned is not None
    reference = row.label == comparison.settings.reference
    finding = None if reference else comparison.tuned.verdicts.finding(row.label)
    gain = row.gain if sign > 0 else Interval(-row.gain.mean, -row.gain.high, -row.gain.low)
    return (
        Cell(visible(row.label)),
        Cell(unit.shown(row.score.mean), row.score.mean),
        Cell(unit.between(row.score.low, row.score.high), row.score.low),
        Cell(unit.shown(gain.mean, sign=True), gain.mean),
        Cell(unit.between(gain.low, gain.high, sign=True), gain.low),
        verdict_cell(finding),
        Cell(", ".join(f"{visible(each.says)} ({each.splits})" for each in row.picked)),
        Cell(rate(row.rate), row.rate),
        Cell(str(row.trainings), row.trainings),
    )
