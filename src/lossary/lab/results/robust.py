"""From the ledgers of a sweep to its curves: every level is a comparison of its own, on the same clean test rows."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np

from lossary.lab.asking.beware import SQUARED, dirty_validation
from lossary.lab.asking.corrupt import Corruption, natural_share
from lossary.lab.design import Design
from lossary.lab.judging.robustness import Robustness, Values, robustness
from lossary.lab.metrics import get_metric
from lossary.lab.results.tested import tested
from lossary.lab.running.store import Store
from lossary.lab.training.choose import chosen_rates
from lossary.lab.training.rows import Rows


def swept(
    planned: Design, clean: tuple[Rows, Store], levels: Sequence[tuple[Corruption, Rows, Store]]
) -> Robustness:
    """The curves of one way of spoiling rows, `levels` in its order; the clean comparison is the first point."""
    way = levels[0][0].way
    first = natural_share(clean[0].answers) if way == "imbalance" else 0.0
    runs = [clean, *((rows, store) for _, rows, store in levels)]
    by_level = [scores(planned, rows, store) for rows, store in runs]
    effort, settings = planned.effort, planned.plan.settings
    metric = get_metric(settings.metric)
    return robustness(
        way,
        (first, *(corruption.level for corruption, _, _ in levels)),
        {each.label: np.stack([found[each.label] for found in by_level]) for each in planned.plan.candidates},
        metric=settings.metric,
        reference=settings.reference,
        judged={each.label: each.judged for each in planned.plan.candidates},
        n_test=effort.n_test,
        n_rest=effort.n_train + effort.n_valid,
        limits=(metric.least, inf if metric.relative else 1.0),
        notes=notes(way, settings.metric),
    )


def scores(planned: Design, rows: Rows, store: Store) -> dict[str, Values]:
    """The metric that decides on the clean test rows, by label: (splits,), seeds averaged, at the chosen rates."""
    plan = planned.plan
    name = plan.settings.metric
    rates = chosen_rates(store.trained(), greater_is_better=get_metric(name).greater_is_better)
    found = {}
    for each in plan.candidates:
        label = plan.trained_as(each)
        outputs = [
            store.outputs(label, split, rates[label, split], plan.settings.seeds)
            for split in range(plan.settings.splits)
        ]
        reads = tested(
            outputs, rows, probabilities=each.probabilities, metric=get_metric(name), calibrate=False
        ).scores
        found[each.label] = reads[name].mean(axis=1)
    return found


def notes(way: str, metric: str) -> tuple[str, ...]:
    """What a reader of the curves must know."""
    always = (
        "training and validation rows are spoilt alike, the test rows are as they were",
        "rates and epochs are chosen anew at every level, on the spoilt validation rows",
    )
    return (*always, dirty_validation(metric)) if way == "outliers" and metric in SQUARED else always
