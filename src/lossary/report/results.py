"""The tables of results: the losses that were judged, those the metric does not reward, the anchors."""

from __future__ import annotations

from lossary.lab.comparison import Comparison, Row
from lossary.lab.judging.posterior import Chances
from lossary.lab.judging.verdict import Finding, Verdict
from lossary.report.numbers import DASH, listed, rate, share, short, spoken
from lossary.report.sheet import Cell, Column, Sheet, Tone
from lossary.report.unit import Unit, unit_note, unit_of
from lossary.report.visible import visible

# Characters a terminal must be wide for the useful columns, for those of a reader who checks, and for all.
ROOMY, FULL, WIDEST = 112, 155, 180

_TONES = {
    Verdict.BETTER: Tone.BETTER,
    Verdict.WORSE: Tone.WORSE,
    Verdict.EQUAL: Tone.EQUAL,
    Verdict.UNDECIDED: Tone.UNSURE,
}


def verdict_cell(finding: Finding | None) -> Cell:
    """The verdict on one loss; a missing finding is the reference's."""
    if finding is None:
        return Cell("reference", "0", Tone.STRONG)
    words = finding.verdict.value
    if finding.identical:
        words += ", identical"
    return Cell(words, words, _TONES.get(finding.verdict, Tone.MUTED))


def finding_of(comparison: Comparison, row: Row) -> Finding | None:
    """What was found about a row's loss; None for the reference."""
    label = row.candidate.label
    return None if label == comparison.settings.reference else comparison.verdicts.finding(label)


def judged(comparison: Comparison) -> Sheet:
    """The family: score, advantage over the reference, verdict, rate. Sorted best first."""
    unit, reference = unit_of(comparison), visible(comparison.settings.reference)
    columns = (
        Column("loss"),
        Column(
            unit.titled(comparison.ruler.title),
            True,
            "Mean over the test parts of the splits, seeds averaged.",
        ),
        Column(
            "95 % interval", True, "Corrected for splits that share rows (Nadeau and Bengio).", needs=FULL
        ),
        Column(
            unit.titled("advantage", gap=True),
            True,
            f"How much better than {reference}; less than 0 is worse, also for errors.",
        ),
        Column("its 95 % interval", True, "Of the advantage, for this loss alone."),
        Column("verdict"),
        Column(
            "p", True, "That the advantage is 0, adjusted by Holm for all losses of the table.", needs=FULL
        ),
        Column(
            "worse / equal / better (%)",
            True,
            "How probable each is after these splits (Bayesian correlated t-test, flat prior); no verdict rests on it.",
            needs=WIDEST,
        ),
        Column("rate", True, "Median of the learning rates chosen on validation."),
        Column(
            "usable (decades)",
            True,
            "Width of the range of rates within the region of the best: one decade is a factor of ten.",
            needs=ROOMY,
        ),
        Column("epochs", True, "Median of the epochs chosen on validation.", needs=FULL),
        Column("failed", True, "Trainings that diverged, of all at all rates.", needs=FULL),
    )
    rows = tuple(_judged_row(comparison, row, unit) for row in comparison.judged)
    notes = (unit_note(comparison), _unjudged_note(comparison), _divergence_note(comparison))
    title = f"Losses judged by {spoken(comparison.ruler.title)}"
    return Sheet(title, columns, rows, " ".join(note for note in notes if note))


def _judged_row(comparison: Comparison, row: Row, unit: Unit) -> tuple[Cell, ...]:
    finding = finding_of(comparison, row)
    contrast = finding.contrast if finding is not None else None
    recommended = row.candidate.label == comparison.recommendation.candidate.label
    gap, around, p, odds = (Cell(DASH, "") for _ in range(4))
    if contrast is not None:
        gap = Cell(unit.shown(contrast.advantage, sign=True), contrast.advantage)
        around = Cell(unit.between(contrast.low, contrast.high, sign=True), contrast.low)
        p = Cell(_probability(contrast.p_adjusted), contrast.p_adjusted)
        if contrast.chances is not None:
            odds = Cell(_odds(contrast.chances), contrast.chances.better)
    return (
        Cell(visible(row.candidate.label), tone=Tone.STRONG if recommended else Tone.PLAIN),
        Cell(unit.shown(row.score.mean), row.score.mean),
        Cell(unit.between(row.score.low, row.score.high), row.score.low),
        gap,
        around,
        verdict_cell(finding),
        p,
        odds,
        *_training_cells(row),
    )


def _training_cells(row: Row) -> tuple[Cell, ...]:
    failed = row.diverged / row.trainings if row.trainings else 0.0
    return (
        Cell(rate(row.rate), row.rate),
        Cell(f"{row.decades:.1f}", row.decades),
        Cell(str(row.epochs), row.epochs),
        Cell(
            "0" if not row.diverged else share(failed), failed, Tone.WARNING if row.diverged else Tone.PLAIN
        ),
    )


def _unjudged_note(comparison: Comparison) -> str:
    """Why losses of the table have no verdict."""
    found = [f for f in comparison.verdicts.findings if f.verdict is Verdict.UNJUDGED and f.note]
    return " ".join(f"{visible(f.name)} was not judged: {visible(f.note)}." for f in found)


def _divergence_note(comparison: Comparison) -> str:
    losses: dict[str, list[str]] = {}
    for row in comparison.rows:
        if row.diverged and row.reasons:
            losses.setdefault(visible(row.reasons[0]), []).append(visible(row.candidate.label))
    found = "; ".join(f"{reason} ({listed(names)})" for reason, names in losses.items())
    return f"Why trainings failed, most frequent reason of each loss: {found}." if found else ""


def unjudged(comparison: Comparison) -> Sheet | None:
    """Losses that estimate something the metric does not reward; None where there are none."""
    if not comparison.unjudged:
        return None
    unit = unit_of(comparison)
    columns = (
        Column("loss"),
        Column(unit.titled(comparison.ruler.title), True),
        Column("95 % interval", True),
        Column("why it is not judged"),
        Column("rate", True),
        Column(
            "usable (decades)",
            True,
            "Width of the range of rates within the region of the best.",
            needs=ROOMY,
        ),
        Column("epochs", True, needs=FULL),
        Column("failed", True, "Trainings that diverged, of all at all rates.", needs=FULL),
    )
    rows = tuple(
        (
            Cell(visible(row.candidate.label)),
            Cell(unit.shown(row.score.mean), row.score.mean, Tone.MUTED),
            Cell(unit.between(row.score.low, row.score.high), row.score.low, Tone.MUTED),
            Cell(visible(row.candidate.remark)),
            *_training_cells(row),
        )
        for row in comparison.unjudged
    )
    return Sheet("Losses that estimate something else", columns, rows)


def anchors(comparison: Comparison) -> Sheet:
    """Simple models on the same splits, best first: shown, not tested."""
    unit = unit_of(comparison)
    columns = (
        Column("anchor"),
        Column(unit.titled(comparison.ruler.title), True),
        Column("95 % interval", True, "Corrected for splits that share rows (Nadeau and Bengio)."),
    )
    sign = -1.0 if comparison.ruler.greater_is_better else 1.0
    found = sorted(comparison.anchors, key=lambda anchor: sign * anchor.score.mean)
    rows = tuple(
        (
            Cell(visible(anchor.title)),
            Cell(unit.shown(anchor.score.mean), anchor.score.mean),
            Cell(unit.between(anchor.score.low, anchor.score.high), anchor.score.low),
        )
        for anchor in found
    )
    note = "On the same splits, outside the family of losses: shown to say what any network must beat, not tested."
    return Sheet("Anchors", columns, rows, note)


def _odds(chances: Chances) -> str:
    return " / ".join(f"{100 * p:.0f}" for p in (chances.worse, chances.equal, chances.better))


def _probability(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else short(p, 2)
