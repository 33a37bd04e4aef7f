"""Every candidate against the reference: estimates over splits, Holm over the family, and the verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lossary.lab.judging.finding import Contrast, Finding, Verdict
from lossary.lab.judging.posterior import chances
from lossary.lab.judging.remedy import remedy
from lossary.lab.judging.statistics import Estimate, Values, detectable, estimate, floor, holm, spread


@dataclass(frozen=True)
class Testing:
    """What every test of one comparison shares; `family` is the number of tests that were planned."""

    n_test: int
    n_rest: int
    level: float
    region: float
    family: int

    @property
    def strictest(self) -> float:
        """The level that holds for all tests of the family together (Bonferroni)."""
        return self.level / max(1, self.family)

    def estimate(self, differences: Values) -> Estimate:
        """The corrected estimate of differences (J, S), seeds averaged first."""
        return estimate(differences.mean(axis=1), n_test=self.n_test, n_rest=self.n_rest)


def findings(
    names: Sequence[str], advantages: Mapping[str, Values], scores: Mapping[str, Values], testing: Testing
) -> tuple[Finding, ...]:
    """Judge the named losses by their advantages (J, S) over the reference; `scores` give their means.

    A planned test that could not be done (a loss that diverged) still counts in the family, so that
    divergence lowers nobody's hurdle.
    """
    estimates = [testing.estimate(advantages[name]) for name in names]
    idle = [1.0] * (testing.family - len(names))
    p = holm(np.array([e.p_differs() for e in estimates] + idle))
    outside = holm(np.array([e.p_outside(testing.region) for e in estimates] + idle))
    return tuple(
        _finding(name, scores[name], advantages[name], found, float(p[i]), float(outside[i]), testing)
        for i, (name, found) in enumerate(zip(names, estimates, strict=True))
    )


def _finding(
    name: str, scores: Values, advantages: Values, found: Estimate, p: float, outside: float, testing: Testing
) -> Finding:
    source = spread(advantages)
    low, high = found.interval(testing.level)
    adjusted_low, adjusted_high = found.interval(testing.strictest)
    sizes = (testing.n_test, testing.n_rest)
    contrast = Contrast(
        advantage=found.mean,
        error=found.error,
        low=low,
        high=high,
        adjusted_low=adjusted_low,
        adjusted_high=adjusted_high,
        p=found.p_differs(),
        p_adjusted=p,
        p_outside=found.p_outside(testing.region),
        p_outside_adjusted=outside,
        seed_share=source.seed_share if source.tells_apart else None,
        detectable=detectable(found.deviation, found.splits, *sizes, level=testing.strictest),
        floor=floor(found.deviation, *sizes),
        seed_spread=source.seed if source.tells_apart else None,
        split_spread=source.split if source.tells_apart else None,
        chances=chances(found, testing.region),
    )
    identical = not advantages.any()
    verdict = Verdict.EQUAL if identical else _verdict(contrast, testing)
    helps = None
    if verdict is Verdict.UNDECIDED:
        helps = remedy(
            found,
            source,
            testing.region,
            n_test=testing.n_test,
            n_rest=testing.n_rest,
            level=testing.strictest,
        )
    note = "identical: every difference is exactly 0" if identical else ""
    return Finding(name, float(scores.mean()), verdict, identical, contrast, helps, note)


def _verdict(contrast: Contrast, testing: Testing) -> Verdict:
    if contrast.p_outside_adjusted < testing.level:
        return Verdict.EQUAL
    if contrast.p_adjusted < testing.level:
        return Verdict.BETTER if contrast.advantage > 0 else Verdict.WORSE
    return Verdict.UNDECIDED
