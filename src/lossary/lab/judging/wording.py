"""The sentences of a verdict. The best loss's own difference is not among them: it was chosen by its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lossary.lab.figures import figures
from lossary.lab.judging.finding import Contrast, Finding, Verdict
from lossary.lab.judging.remedy import Help
from lossary.lab.metrics import Metric

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def headline(
    found: Sequence[Finding],
    reference: str,
    top: Sequence[str],
    metric: Metric,
    reference_score: float | None,
    region: float,
    withheld: str,
    forced: str = "",
) -> str:
    """The verdict in one sentence; where it was forced, a second one says why it would have been withheld."""
    if reference_score is None:
        return f"{reference}, the reference, has no score in some trainings, so nothing could be judged."
    if withheld:
        return f"Verdicts are withheld, intervals are shown: {withheld}."
    if not found:
        return f"{reference} stands alone: there is no other loss that {metric.title} could judge against it."
    lost = [f.name for f in found if f.contrast is None]
    if len(lost) == len(found):
        return f"{reference} stands alone: {_listed(lost)} {_has(lost)} no score in some trainings."
    judged = [f for f in found if f.contrast is not None]
    parts = [_verdict(judged, reference, top, metric, reference_score, region)]
    if lost:
        parts.append(f"{_listed(lost)} could not be judged, having no score in some trainings")
    return f"{'; '.join(parts)}." + (f" These verdicts are forced: {forced}." if forced else "")


def _verdict(
    found: Sequence[Finding],
    reference: str,
    top: Sequence[str],
    metric: Metric,
    reference_score: float,
    region: float,
) -> str:
    """What the losses that were judged came to."""
    better = [f for f in found if f.verdict is Verdict.BETTER]
    if better:
        better.sort(key=lambda f: top.index(f.name) if f.name in top else len(top))
        return _better(better, reference, metric, reference_score)
    none = f"No loss was shown better than {reference}"
    if all(f.identical for f in found):
        return f"Every loss scores as {reference} does, on every split: all differences are exactly 0"
    if all(f.verdict is Verdict.EQUAL for f in found):
        within = amount(region, metric, reference_score)
        return f"{_listed([f.name for f in found])} {_are(found)} practically equal to {reference}: within {within}"
    if all(f.verdict is Verdict.WORSE for f in found):
        return f"{none}; {_listed([f.name for f in found])} {_are(found)} worse"
    if len(top) == 1:
        return f"{none}, and {top[0]} stands alone at the top"
    return f"{none}; these {_count(len(top))} cannot be told from the best: {_listed(top)}"


def advice(
    found: Sequence[Finding],
    reference: str,
    recommended: str | None,
    top: Sequence[str],
    widths: Mapping[str, float],
    withheld: str,
) -> str:
    """Which loss to train with, and why."""
    if recommended is None:
        return f"No recommendation: choose another reference than {reference}, or lower rates."
    if recommended == reference and withheld:
        return f"Train with {reference}, the reference: nothing was tested."
    if recommended == reference:
        return f"Train with {reference}: nothing was shown better."
    better = [f.name for f in found if f.verdict is Verdict.BETTER]
    if len(better) == 1:
        return f"Train with {recommended}: it alone was shown better than {reference}."
    level = [name for name in better if name in top] or better
    if len(level) == 1:
        return f"Train with {recommended}: it was shown better than {reference} and stands alone at the top."
    if all(widths.get(name, 0.0) < widths.get(recommended, 0.0) for name in level if name != recommended):
        return (
            f"Train with {recommended}: of the {_count(len(level))} losses at the top that were shown better than "
            f"{reference} it forgives the widest range of learning rates ({widths[recommended]:.1f} decades)."
        )
    return f"Train with {recommended}: of the losses at the top it has the largest adjusted lower limit."


def would_help(found: Sequence[Finding], seeds: int) -> str:
    """What would tell the losses that could not be told; empty where every loss has its verdict."""
    if all(f.verdict is not Verdict.UNDECIDED for f in found):
        return ""
    parts = []
    for help_, phrase in (
        (Help.SEEDS, "about {amount:,} seeds a split instead of {now}"),
        (Help.SPLITS, "about {amount:,} splits instead of {now}"),
        (Help.ROWS, "about {amount:,} rows instead of {now:,} (no affordable number of splits suffices)"),
    ):
        needs = [(f.name, f.remedy) for f in found if f.remedy is not None and f.remedy.help is help_]
        if needs:
            largest = max((r for _, r in needs), key=lambda r: r.amount)
            names = _listed([name for name, _ in needs])
            parts.append(f"{phrase.format(amount=_rounded(largest.amount), now=largest.now)} for {names}")
    sentences = [f"What would help: {'; '.join(parts)}."] if parts else []
    if seeds == 1:
        sentences.append(
            "Whether more seeds would, one seed a split cannot show: take 2 or more to find out."
        )
    return " ".join(sentences)


def amount(value: float, metric: Metric, reference_score: float) -> str:
    """A difference in words: points for what is shown in per cent, else the unit and its share of the reference's."""
    if not metric.relative and not metric.share:
        return f"{figures(value, 2)} {metric.title}"
    if not metric.relative:
        points = figures(100 * value, 2)
        return f"{points} {'point' if points == '1' else 'points'}"
    share = f" ({figures(100 * value / abs(reference_score), 2)} %)" if reference_score else ""
    return f"{figures(value, 3)} {metric.title}{share}"


def _better(better: Sequence[Finding], reference: str, metric: Metric, reference_score: float) -> str:
    def one(finding: Finding, contrast: Contrast) -> str:
        if contrast.adjusted_low > 0:
            return f"{finding.name} by at least {amount(contrast.adjusted_low, metric, reference_score)}"
        return f"{finding.name} by an amount that has no lower limit above 0"

    limits = [one(f, f.contrast) for f in better if f.contrast is not None]
    if len(limits) == 1:
        name, _, limit = limits[0].partition(" by ")
        return f"{name} is better than {reference} by {limit} (adjusted lower limit)"
    count = _count(len(limits)).capitalize()
    return f"{count} losses are better than {reference}: {_listed(limits)} (adjusted lower limits)"


def _are(found: Sequence[Finding]) -> str:
    return "is" if len(found) == 1 else "are"


def _has(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"


def _count(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _rounded(number: int) -> int:
    """Two significant digits: these are estimates."""
    step = int(10 ** max(0, len(str(number)) - 2))
    return -(-number // step) * step
