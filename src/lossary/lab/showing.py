"""A comparison as plain text, for `print` and for a terminal without colours. The report has its own table."""

from __future__ import annotations

from lossary.lab.comparison import Comparison, Measured, Row
from lossary.lab.figures import figures
from lossary.lab.judging.tuned import Tuned


def plain_table(found: Comparison) -> str:
    """The sorted table with its verdicts, the anchors, and the verdict in one sentence."""
    heads = ("loss", found.ruler.title, "95 % interval", "verdict", "rate", "usable", "epochs")
    lines = [heads, *(_cells(found, row) for row in found.judged)]
    for each in found.anchors:
        score = each.score
        lines.append((each.title, _number(found, score.mean), _interval(found, score), "anchor", "", "", ""))
    text = [_aligned(lines)]
    if found.unjudged:
        text.append("Not judged:")
    for row in found.unjudged:
        text.append(f"  {row.candidate.label}: {_number(found, row.score.mean)}, {row.candidate.remark}")
    if found.tuned is not None:
        text += ["", _tuned(found, found.tuned)]
    said = (found.anchor_sentence, found.headline, found.recommendation.why, found.advice)
    return "\n".join([*text, *filter(None, said)])


def _tuned(found: Comparison, table: Tuned) -> str:
    """The second table: every loss at the settings that validation chose from an equal budget."""
    lines: list[tuple[str, ...]] = [
        ("loss", f"{found.ruler.title}, tuned", "95 % interval", "verdict", "rate", "chosen")
    ]
    for row in table.rows:
        verdict = (
            "reference"
            if row.label == found.settings.reference
            else table.verdicts.finding(row.label).verdict.value
        )
        picked = ", ".join(f"{each.says} ({each.splits})" for each in row.picked)
        ends = f"{_number(found, row.score.low)} to {_number(found, row.score.high)}"
        lines.append((row.label, _number(found, row.score.mean), ends, verdict, f"{row.rate:g}", picked))
    head = f"With {table.budget} settings a loss, chosen on validation (in how many splits):"
    return "\n".join([head, _aligned(lines), f"With an equal budget: {table.headline}"])


def _cells(found: Comparison, row: Row) -> tuple[str, ...]:
    label = row.candidate.label
    verdict = (
        "reference" if label == found.settings.reference else found.verdicts.finding(label).verdict.value
    )
    usable = "-" if row.usable is None else f"{row.usable[0]:g}-{row.usable[1]:g}"
    return (
        label,
        _number(found, row.score.mean),
        _interval(found, row.score),
        verdict,
        f"{row.rate:g}",
        usable,
        str(row.epochs),
    )


def _number(found: Comparison, value: float) -> str:
    return f"{100 * value:.1f} %" if found.ruler.is_share else figures(value, 4)


def _interval(found: Comparison, score: Measured) -> str:
    return f"{_number(found, score.low)} to {_number(found, score.high)}"


def _aligned(lines: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (map(str.ljust, line, widths) for line in lines)
    return "\n".join("  ".join(line).rstrip() for line in padded)
