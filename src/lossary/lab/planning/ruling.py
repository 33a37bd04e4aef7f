"""The metric that decides, and why: fixed before the first training."""

from __future__ import annotations

from lossary.core.errors import DataError
from lossary.lab.asking.profile import Profile
from lossary.lab.asking.task import Kind, Task
from lossary.lab.metrics import Metric, cost_metric, default_metric, get_metric
from lossary.lab.planning.options import Options

# What a kind of target asks for, in a sentence about its metric.
ASKED = {
    Kind.ORDINAL: "grades",
    Kind.COUNT: "counts",
    Kind.ANOMALY: "anomalies",
    Kind.MULTILABEL: "labels",
    Kind.SEGMENTATION: "masks",
    Kind.RETRIEVAL: "embeddings",
}


def deciding(options: Options, task: Task, found: Profile) -> tuple[Metric, str]:
    """The metric that was asked for, or the task's own, and why."""
    kind, smallest = task.kind, found.smallest_class
    gross = found.numbers.gross_outliers if found.numbers else 0.0
    metric = default_metric(
        kind.value, smallest_share=1.0 if smallest is None else smallest, outlier_share=gross
    )
    if options.cost is not None:
        return _cost(options, task)
    asked = options.metric
    if asked is not None and get_metric(asked, kind.value) != metric:
        return get_metric(asked, kind.value), "asked for"
    if kind is Kind.REGRESSION:
        return metric, f"{100 * gross:.2g} % of the targets are gross outliers"
    if kind in (Kind.BINARY, Kind.MULTICLASS):
        assert smallest is not None  # classes have a smallest one
        return metric, f"the smallest class has {100 * smallest:.0f} % of the rows"
    return metric, f"the usual one for {ASKED[kind]}"


def _cost(options: Options, task: Task) -> tuple[Metric, str]:
    if task.kind is not Kind.BINARY or options.metric is not None:
        got = f"a {task.kind.value} target" if options.metric is None else f"--metric {options.metric} too"
        raise DataError(
            f"cost: expected two classes, of which one is missed or falsely reported, and no other metric, got {got}; "
            "leave one of them out."
        )
    assert options.cost is not None
    return cost_metric(options.cost), "the cost of its mistakes was asked for"
