"""What to believe of a difference, beside what was shown of it: the Bayesian correlated t-test, by baycomp.

Corani and Benavoli (2015, "A Bayesian approach for comparing cross-validated algorithms on multiple data sets",
Machine Learning 100, section 3) under a flat prior: the true difference has a Student t with splits - 1 degrees of
freedom about the mean, with the variance of Nadeau and Bengio's correction, which follows from a correlation of
n_test/n between splits. No verdict rests on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from baycomp.single import Posterior

from lossary.lab.judging.statistics import Estimate


@dataclass(frozen=True)
class Chances:
    """The probabilities that a loss is worse than, practically equal to, and better than the reference; sum 1."""

    worse: float
    equal: float  # the difference lies inside the region of practical equivalence
    better: float


def chances(found: Estimate, region: float) -> Chances:
    """The posterior probabilities of the three ranges of a difference, region half wide.

    Equal differences leave no doubt here, unlike in a test: where every one is 0, `equal` is 1.
    """
    if region == 0:  # baycomp then knows two ranges, and calls a difference of exactly 0 half of each
        worse, better = Posterior(found.mean, found.error**2, found.freedom).probs()
        return Chances(float(worse), 0.0, float(better))
    posterior = Posterior(found.mean, found.error**2, found.freedom, rope=region)
    worse, equal, better = (float(p) for p in posterior.probs())
    return Chances(
        worse, max(0.0, equal), better
    )  # `equal` is what is left of 1, so rounding may put it below 0
