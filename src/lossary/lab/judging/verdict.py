"""From scores over splits to verdicts against one reference fixed beforehand, and to what to train with.

The four verdicts, in this order: practically equal (two one-sided tests place the difference inside the
region, even where it excludes 0), better or worse (adjusted p below the level), else cannot tell. Holm over
the candidates, in each of the two families of tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from lossary.core.errors import DataError
from lossary.lab.judging.contrast import Testing, findings
from lossary.lab.judging.finding import Contrast, Finding, Verdict
from lossary.lab.judging.standing import recommend, top_group
from lossary.lab.judging.statistics import LEVEL, Values
from lossary.lab.judging.wording import advice, headline, would_help
from lossary.lab.metrics import Metric

__all__ = ["ROPE", "Contrast", "Finding", "Verdict", "Verdicts", "judge", "region_of"]

# WORKBENCH: one point for rates and scores, one per cent of the reference's value for errors.
ROPE = 0.01


@dataclass(frozen=True)
class Verdicts:
    """All that a comparison may claim. `apart`: losses that estimate what the metric does not reward."""

    metric: str
    reference: str
    reference_score: float | None
    level: float
    region: float
    splits: int
    seeds: int
    n_test: int
    n_rest: int
    findings: tuple[Finding, ...]
    apart: tuple[Finding, ...]
    top: tuple[str, ...]  # what cannot be told from the best, best mean first
    recommended: str | None
    detectable: float | None  # the median over the candidates
    floor: float | None
    headline: str
    advice: str  # the recommendation with its reason
    would_help: str  # empty where everything was decided
    forced: str = ""  # why verdicts would have been withheld, had they not been asked for all the same
    caveat: str = ""  # what the test supposes and these splits do not give it

    def finding(self, name: str) -> Finding:
        """The finding of this loss."""
        for found in (*self.findings, *self.apart):
            if found.name == name:
                return found
        raise KeyError(name)


def region_of(metric: Metric, reference_score: float, rope: float = ROPE) -> float:
    """Half the region of practical equivalence, in the metric's unit: `rope`, or that share of an error."""
    return rope * abs(reference_score) if metric.relative else rope


def judge(
    scores: Mapping[str, Values],
    *,
    reference: str,
    metric: Metric,
    n_test: int,
    n_rest: int,
    rope: float = ROPE,
    level: float = LEVEL,
    elicits: Mapping[str, str] | None = None,
    widths: Mapping[str, float] | None = None,
    withheld: str = "",
    force: bool = False,
    caveat: str = "",
) -> Verdicts:
    """Judge every loss against the reference.

    scores: per loss the metric on the test parts, (J,) one per split or (J, S) with one column per seed; the
    same splits and seeds for every loss, NaN where a training diverged. Seeds are averaged before any test.
    n_test, n_rest: rows tested, and rows for training and validation together, of a split; where splits differ in
    size (groups), their means.
    rope: the region in the metric's unit (0.01 is one point); for an error, a share of the reference's value.
    elicits: what each loss estimates ("mean", "median", ...). A loss whose functional the metric does not
    reward stands apart, unless the reference estimates the same. Losses not named here are judged. widths:
    the usable range of rates of each loss, in decades; chooses among losses that beat the reference.
    withheld: why no verdicts may be given (small data); intervals are computed all the same. With force, verdicts
    are given and the reason stands beside them. caveat: why splits are not exchangeable (time), as the test supposes.
    """
    forced, withheld = (withheld, "") if force else ("", withheld)
    table = _table(scores, reference)
    home = table[reference]
    sign = 1.0 if metric.greater_is_better else -1.0
    advantages = {name: sign * (v - home) for name, v in table.items() if name != reference}
    judged = [name for name in advantages if _comparable(name, reference, metric, elicits or {})]
    others = [name for name in advantages if name not in judged]
    sound = np.isfinite(home).all()
    score = float(home.mean()) if sound else None
    region = 0.0 if score is None else region_of(metric, score, rope)
    testing = Testing(n_test, n_rest, level, region, len(judged))
    found = _in_order(judged, advantages, table, testing)
    apart = _in_order(others, advantages, table, replace(testing, family=len(others)))
    apart = tuple(_set_apart(f, (elicits or {})[f.name], metric) for f in apart)
    if withheld:
        found = tuple(replace(f, verdict=Verdict.WITHHELD, remedy=None) if f.contrast else f for f in found)
    top = top_group(found, reference, table, sign, testing) if sound else ()
    recommended = recommend(found, reference, top, widths or {}) if sound else None
    contrasts = [f.contrast for f in found if f.contrast is not None]
    return Verdicts(
        metric=metric.name,
        reference=reference,
        reference_score=score,
        level=level,
        region=region,
        splits=home.shape[0],
        seeds=home.shape[1],
        n_test=n_test,
        n_rest=n_rest,
        findings=found,
        apart=apart,
        top=top,
        recommended=recommended,
        detectable=float(np.median([c.detectable for c in contrasts])) if contrasts else None,
        floor=float(np.median([c.floor for c in contrasts])) if contrasts else None,
        headline=headline(found, reference, top, metric, score, region, withheld, forced),
        advice=advice(found, reference, recommended, top, widths or {}, withheld),
        would_help=would_help(found, home.shape[1]),
        forced=forced,
        caveat=caveat,
    )


def _table(scores: Mapping[str, Values], reference: str) -> dict[str, Values]:
    if reference not in scores:
        raise DataError(
            f"reference: expected one of the compared losses, got {reference!r}; "
            f"name one of {', '.join(scores)}."
        )
    table = {name: np.atleast_2d(np.asarray(v, dtype=np.float64).T).T for name, v in scores.items()}
    shapes = {v.shape for v in table.values()}
    if len(shapes) > 1:
        raise DataError(
            f"scores: expected the same splits and seeds for every loss, got shapes {sorted(shapes)}; "
            "run what is missing first."
        )
    return table


def _comparable(name: str, reference: str, metric: Metric, elicits: Mapping[str, str]) -> bool:
    return name not in elicits or metric.judges(elicits[name]) or elicits[name] == elicits.get(reference)


def _in_order(
    names: list[str], advantages: Mapping[str, Values], table: Mapping[str, Values], testing: Testing
) -> tuple[Finding, ...]:
    trained = [name for name in names if np.isfinite(advantages[name]).all()]
    found = {f.name: f for f in findings(trained, advantages, table, testing)}
    return tuple(found.get(name) or _untrained(name, table[name], advantages[name]) for name in names)


def _untrained(name: str, scores: Values, advantages: Values) -> Finding:
    lost = int((~np.isfinite(scores)).sum())
    note = (
        f"no score in {lost} of {scores.size} trainings"
        if lost
        else "the reference has no score in some trainings"
    )
    mean = float(scores.mean()) if not lost else None
    return Finding(name, mean, Verdict.UNJUDGED, False, None, None, note)


def _set_apart(found: Finding, functional: str, metric: Metric) -> Finding:
    note = f"estimates the {functional}; not judged by {metric.title}"
    return replace(found, verdict=Verdict.UNJUDGED, remedy=None, note=note)
