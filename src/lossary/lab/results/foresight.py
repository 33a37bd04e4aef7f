"""What the first splits say of the detectable difference, while the others are still being trained."""

from __future__ import annotations

from math import sqrt

import numpy as np

from lossary.lab.design import Design
from lossary.lab.judging.statistics import LEVEL, Values, detectable
from lossary.lab.metrics import get_metric
from lossary.lab.planning.candidate import Candidate
from lossary.lab.planning.plan import FIRST
from lossary.lab.results.tested import tested
from lossary.lab.running.store import Store
from lossary.lab.training.choose import chosen_rates
from lossary.lab.training.rows import Rows


def foreseen(planned: Design, rows: Rows, store: Store) -> float | None:
    """The difference that all planned splits together would probably find, by the spread of the first ones.

    Three splits say little about one loss, so the variances of all that will be judged are averaged. In the metric's
    unit, or as a share of the reference's value for an error. Of the test scores only this spread is used, and nothing
    is chosen by it. None where trainings failed or nothing differs.
    """
    plan, settings = planned.plan, planned.plan.settings
    metric = get_metric(settings.metric)
    early = [each for each in store.trained() if each.split < FIRST]
    rates = chosen_rates(early, greater_is_better=metric.greater_is_better)

    def scores(candidate: Candidate) -> Values:
        label = plan.trained_as(candidate)
        outputs = [store.outputs(label, s, rates[label, s], settings.seeds) for s in range(FIRST)]
        probable = candidate.probabilities
        found = tested(outputs, rows, probabilities=probable, metric=metric, calibrate=False)
        return np.asarray(found.scores[metric.name].mean(axis=1))

    by_label = {each.label: scores(each) for each in plan.candidates if each.judged}
    home = by_label.pop(settings.reference)
    sound = [values - home for values in by_label.values() if np.isfinite(values - home).all()]
    spread = sqrt(np.mean([each.var(ddof=1) for each in sound])) if sound else 0.0
    unit = abs(float(home.mean())) if metric.relative else 1.0
    if spread == 0 or unit == 0:
        return None
    n_rest = planned.effort.n_train + planned.effort.n_valid
    level = LEVEL / len(by_label)
    return detectable(spread / unit, settings.splits, planned.effort.n_test, n_rest, level=level)
