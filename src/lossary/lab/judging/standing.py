"""Who stands at the top, and which loss to train with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lossary.lab.judging.contrast import Testing
from lossary.lab.judging.finding import Finding, Verdict
from lossary.lab.judging.statistics import Values


def top_group(
    found: Sequence[Finding], reference: str, scores: Mapping[str, Values], sign: float, testing: Testing
) -> tuple[str, ...]:
    """The losses that cannot be told from the best, best mean first; sign is -1 where smaller is better.

    Never a loss that is worse than the reference, and the reference exactly where none is better. The best is
    chosen by its data, so what is compared with it is corrected for all pairs that could have been chosen.
    """
    beaten = any(f.verdict is Verdict.BETTER for f in found)
    names = [] if beaten else [reference]
    names += [f.name for f in found if f.contrast is not None and f.verdict is not Verdict.WORSE]
    names.sort(key=lambda name: -sign * float(scores[name].mean()))
    level = testing.level / max(1, (testing.family + 1) * testing.family // 2)
    always = (names[0], reference)

    def stays(name: str) -> bool:
        return name in always or _level_with(scores[name] - scores[names[0]], testing, level)

    return tuple(name for name in names if stays(name))


def recommend(
    found: Sequence[Finding], reference: str, top: Sequence[str], widths: Mapping[str, float]
) -> str:
    """The reference where it is in the top group; else the better loss with the widest usable range of rates.

    Where the widths are equal or not known, the one that is better by the larger adjusted lower limit.
    """
    better = [f for f in found if f.verdict is Verdict.BETTER and f.contrast is not None]
    if not better:
        return reference
    candidates = [f for f in better if f.name in top] or better

    def merit(finding: Finding) -> tuple[float, float]:
        sure = finding.contrast.adjusted_low if finding.contrast is not None else 0.0
        return widths.get(finding.name, 0.0), sure

    return max(candidates, key=merit).name


def _level_with(differences: Values, testing: Testing, level: float) -> bool:
    estimate = testing.estimate(differences)
    return bool(estimate.p_differs() >= level or estimate.p_outside(testing.region) < level)
