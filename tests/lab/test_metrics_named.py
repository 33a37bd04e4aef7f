"""Which metrics a kind of target has, which decides, and names with parameters: read, never evaluated."""

from __future__ import annotations

import pytest

from lossary.core.errors import DataError
from lossary.lab.metrics import cost_metric, default_metric, get_metric, metrics_for, tie_breaker

KINDS = (
    "binary",
    "multiclass",
    "regression",
    "multilabel",
    "ordinal",
    "count",
    "anomaly",
    "segmentation",
    "retrieval",
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_metrics_a_default_and_what_breaks_ties(kind: str) -> None:
    shown = metrics_for(kind, classes=4)
    assert default_metric(kind) in shown and len(shown) >= 3
    assert kind in tie_breaker(kind).kinds | {"anomaly"} and not tie_breaker(kind).greater_is_better
    for metric in shown:
        assert get_metric(metric.name, kind) is metric and get_metric(metric.name) is metric
        assert metric.summary.endswith(".") and metric.title


def test_the_default_metric_of_a_kind_is_the_one_its_errors_are_about() -> None:
    found = {kind: default_metric(kind).name for kind in KINDS[3:]}
    assert found == {
        "multilabel": "micro_f1",
        "ordinal": "rank_error",
        "count": "poisson_deviance",
        "anomaly": "pr_auc",
        "segmentation": "dice",
        "retrieval": "recall_at_1",
    }


@pytest.mark.parametrize(
    ("written", "kind", "name"),
    [
        ("Pinball( 0.90 )", "regression", "pinball(0.9)"),
        ("tpr_at_fpr(1e-2)", "anomaly", "tpr_at_fpr(0.01)"),
        ("cost(FP=1, fn=10)", "binary", "cost(fn=10,fp=1)"),
        ("top(4)", "multiclass", "top_4"),
        ("Top-3", "multiclass", "top_3"),
        ("recall@5", "retrieval", "recall_at_5"),
        ("recall_at_10", "retrieval", "recall_at_10"),
        ("f1", "multilabel", "micro_f1"),
        ("mae", "ordinal", "rank_error"),
        ("log-loss", "segmentation", "pixel_log_loss"),
        ("LRAP", "multilabel", "label_ranking"),
    ],
)
def test_a_metric_with_parameters_has_one_canonical_name(written: str, kind: str, name: str) -> None:
    metric = get_metric(written, kind)
    assert metric.name == name and get_metric(name) is metric and get_metric(name, kind) is metric


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("pinball(1.5)", "expected a number between 0 and 1 in the parentheses, got 'pinball(1.5)'"),
        ("pinball(nan)", "expected a number between 0 and 1"),
        ("pinball(__import__)", "expected a number between 0 and 1"),
        ("accuracy(3)", "expected one that takes parameters, got 'accuracy(3)'; known are pinball(0.9)"),
        ("top(0)", "expected a whole number of at least 1, got 'top(0)'"),
        ("top(x)", "expected a whole number of at least 1, got 'top(x)'"),
        ("cost(fn=10)", "both above 0, got 'cost(fn=10)'; write 'fn=10,fp=1'"),
        ("cost(10, 1)", "expected what a missed positive and a false alarm cost"),
        ("pinball(0.9", "expected the name of a metric, got 'pinball(0.9'"),
    ],
)
def test_parameters_that_cannot_be_read_are_refused(written: str, message: str) -> None:
    with pytest.raises(DataError) as refusal:
        get_metric(written)
    assert message in str(refusal.value)


@pytest.mark.parametrize("text", ["fn=10", "fn=0,fp=1", "fn=-1,fp=1", "fn=1,fp=inf", "fn=1,fn=2", "", "10"])
def test_a_cost_needs_both_errors(text: str) -> None:
    with pytest.raises(DataError, match="expected what a missed positive and a false alarm cost"):
        cost_metric(text)


def test_a_quantile_is_judged_by_its_pinball_and_a_median_by_the_middle_one() -> None:
    assert get_metric("pinball(0.9)").judges("quantile") and not get_metric("pinball(0.9)").judges("mean")
    assert get_metric("pinball(0.5)").judges("median")
    assert get_metric("poisson_deviance").judges("mean") and not get_metric("rmse").judges("median")
