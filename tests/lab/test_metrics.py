"""Every metric against scikit-learn, on data with ties and weights, one member and many."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn import metrics as oracle
from torch import Tensor

from lossary.core.errors import DataError, ShapeError
from lossary.lab.metrics import METRICS, Metric, default_metric, get_metric, metrics_for, tie_breaker

ROWS = 83
Array = NDArray[np.float64]


def sigmoid(z: Array) -> Array:
    return np.asarray(torch.as_tensor(z).sigmoid())


def softmax(z: Array) -> Array:
    return np.asarray(torch.as_tensor(z).softmax(-1))


def draw(kind: str, seed: int, weights: str) -> tuple[Array, Array, Array | None]:
    """Outputs (N, K) rounded so that many tie, targets, and weights: none, random, or random with zeros."""
    rng = np.random.default_rng(seed)
    columns = {"multiclass": 4, "ordinal": 4, "multilabel": 5, "segmentation": 12, "retrieval": 3}.get(
        kind, 1
    )
    outputs = np.round(rng.normal(size=(ROWS, columns)) * 2) / 2
    if kind == "regression":
        target = np.round(outputs[:, 0] + rng.normal(size=ROWS), 1)
    elif kind == "count":
        outputs = np.exp(outputs)
        target = rng.poisson(outputs[:, 0]).astype(float)
    elif kind in ("binary", "anomaly"):
        target = (rng.random(ROWS) < sigmoid(outputs[:, 0])).astype(float)
    elif kind in ("multilabel", "segmentation"):
        target = (rng.random(outputs.shape) < sigmoid(outputs)).astype(float)
    else:
        outputs += rng.normal(size=outputs.shape) * 1e-3  # scikit-learn's top-k breaks ties its own way
        target = rng.integers(0, columns, ROWS).astype(float)
    weight = None if weights == "none" else rng.integers(1, 5, ROWS).astype(float)
    if weight is not None and weights == "zeros":
        weight[rng.random(ROWS) < 0.3] = 0.0
    return outputs, target, weight


BINARY: dict[str, Callable[..., float]] = {
    "accuracy": lambda z, y, w: oracle.accuracy_score(y, z > 0, sample_weight=w),
    "balanced_accuracy": lambda z, y, w: oracle.balanced_accuracy_score(y, z > 0, sample_weight=w),
    "f1": lambda z, y, w: oracle.f1_score(y, z > 0, sample_weight=w),
    "precision": lambda z, y, w: oracle.precision_score(y, z > 0, sample_weight=w),
    "recall": lambda z, y, w: oracle.recall_score(y, z > 0, sample_weight=w),
    "tpr": lambda z, y, w: oracle.recall_score(y, z > 0, sample_weight=w),
    "fpr": lambda z, y, w: 1 - oracle.recall_score(1 - y, z <= 0, sample_weight=w),
    "mcc": lambda z, y, w: oracle.matthews_corrcoef(y, z > 0, sample_weight=w),
    "roc_auc": lambda z, y, w: oracle.roc_auc_score(y, z, sample_weight=w),
    "pr_auc": lambda z, y, w: oracle.average_precision_score(y, z, sample_weight=w),
    "log_loss": lambda z, y, w: oracle.log_loss(y, sigmoid(z), sample_weight=w),
    "brier": lambda z, y, w: oracle.brier_score_loss(y, sigmoid(z), sample_weight=w),
}
MULTICLASS: dict[str, Callable[..., float]] = {
    "accuracy": lambda z, y, w: oracle.accuracy_score(y, z.argmax(1), sample_weight=w),
    "balanced_accuracy": lambda z, y, w: oracle.balanced_accuracy_score(y, z.argmax(1), sample_weight=w),
    "f1": lambda z, y, w: oracle.f1_score(y, z.argmax(1), sample_weight=w, average="macro"),
    "precision": lambda z, y, w: oracle.precision_score(y, z.argmax(1), sample_weight=w, average="macro"),
    "recall": lambda z, y, w: oracle.recall_score(y, z.argmax(1), sample_weight=w, average="macro"),
    "top_2": lambda z, y, w: oracle.top_k_accuracy_score(y, z, k=2, sample_weight=w),
    "top_3": lambda z, y, w: oracle.top_k_accuracy_score(y, z, k=3, sample_weight=w),
    "mcc": lambda z, y, w: oracle.matthews_corrcoef(y, z.argmax(1), sample_weight=w),
    "roc_auc": lambda z, y, w: oracle.roc_auc_score(y, softmax(z), sample_weight=w, multi_class="ovr"),
    "pr_auc": lambda z, y, w: oracle.average_precision_score(y, softmax(z), sample_weight=w),
    "log_loss": lambda z, y, w: oracle.log_loss(y, softmax(z), sample_weight=w),
    "brier": lambda z, y, w: oracle.brier_score_loss(y, softmax(z), sample_weight=w),
}
REGRESSION: dict[str, Callable[..., float]] = {
    "rmse": lambda z, y, w: oracle.root_mean_squared_error(y, z, sample_weight=w),
    "mae": lambda z, y, w: oracle.mean_absolute_error(y, z, sample_weight=w),
    "median_error": lambda z, y, w: oracle.median_absolute_error(y, z, sample_weight=w),
    "r2": lambda z, y, w: oracle.r2_score(y, z, sample_weight=w),
}
CASES = [
    pytest.param(kind, name, reference, id=f"{kind}-{name}")
    for kind, table in (("binary", BINARY), ("multiclass", MULTICLASS), ("regression", REGRESSION))
    for name, reference in table.items()
]


def as_tensor(values: Array | None) -> Tensor | None:
    return None if values is None else torch.as_tensor(values)


@pytest.mark.parametrize("weights", ["none", "some", "zeros"])
@pytest.mark.parametrize(("kind", "name", "reference"), CASES)
def test_a_metric_equals_scikit_learns(
    kind: str, name: str, reference: Callable[..., float], weights: str
) -> None:
    members, references = [], []
    _, target, weight = draw(kind, 0, weights)
    for seed in range(6):
        outputs = draw(kind, seed, weights)[0]
        members.append(outputs)
        references.append(reference(outputs if kind == "multiclass" else outputs[:, 0], target, weight))
    stacked = torch.as_tensor(np.stack(members)).reshape(2, 3, ROWS, -1)
    score = METRICS[name].score(stacked, torch.as_tensor(target), as_tensor(weight))
    assert score.shape == (2, 3)
    np.testing.assert_allclose(score.reshape(-1), references, rtol=1e-12, atol=1e-12)


def naive_calibration_error(stated: Array, happened: Array, weight: Array) -> float:
    """The definition, bin by bin (scikit-learn has none)."""
    bins = np.minimum((stated * 15).astype(int), 14)
    gaps = 0.0
    for b in range(15):
        inside = bins == b
        if weight[inside].sum() > 0:
            gap = np.average(happened[inside], weights=weight[inside]) - np.average(
                stated[inside], weights=weight[inside]
            )
            gaps += abs(gap) * weight[inside].sum() / weight.sum()
    return gaps


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_calibration_error_equals_its_definition(kind: str) -> None:
    outputs, target, weight = draw(kind, 3, "some")
    assert weight is not None
    if kind == "binary":
        stated, happened = sigmoid(outputs[:, 0]), target
    else:
        stated, happened = softmax(outputs).max(1), (outputs.argmax(1) == target).astype(float)
    score = METRICS["ece"].score(torch.as_tensor(outputs), torch.as_tensor(target), torch.as_tensor(weight))
    assert float(score) == pytest.approx(naive_calibration_error(stated, happened, weight), abs=1e-12)


def usable(metric: Metric) -> str:
    return sorted(metric.kinds)[-1]


PARAMETRISED = ("pinball(0.9)", "coverage(0.25)", "tpr_at_fpr(0.1)", "cost(fn=10,fp=1)", "recall_at_3")
EVERY = [*METRICS.values(), *map(get_metric, PARAMETRISED)]


@pytest.mark.parametrize("metric", EVERY, ids=lambda m: m.name)
def test_a_nan_that_counts_makes_that_member_nan_and_no_other(metric: Metric) -> None:
    outputs, target, _ = draw(usable(metric), 1, "none")
    stacked = torch.as_tensor(np.stack([outputs, outputs, outputs]))
    clean = metric.score(stacked, torch.as_tensor(target))
    assert not clean.isnan().any()
    stacked[1, 5, 0] = torch.nan
    score = metric.score(stacked, torch.as_tensor(target))
    assert score[1].isnan() and torch.equal(score[[0, 2]], clean[[0, 2]])


@pytest.mark.parametrize("metric", EVERY, ids=lambda m: m.name)
def test_a_row_of_weight_zero_is_the_same_as_leaving_it_out(metric: Metric) -> None:
    outputs, target, weight = draw(usable(metric), 2, "zeros")
    assert weight is not None
    kept = weight > 0
    outputs[~kept] = np.nan
    full = metric.score(torch.as_tensor(outputs), torch.as_tensor(target), torch.as_tensor(weight))
    short = metric.score(
        torch.as_tensor(outputs[kept]), torch.as_tensor(target[kept]), torch.as_tensor(weight[kept])
    )
    assert not short.isnan()
    torch.testing.assert_close(full, short, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["multiclass", "ordinal", "retrieval"])
@pytest.mark.parametrize("sign", [1, -1], ids=["inf", "-inf"])
def test_outputs_without_end_are_no_score_and_not_a_good_one(kind: str, sign: int) -> None:
    outputs, target, _ = draw(kind, 1, "none")
    outputs[7] = sign * np.inf
    for metric in metrics_for(kind):
        assert metric.score(torch.as_tensor(outputs), torch.as_tensor(target)).isnan(), metric.name


@pytest.mark.parametrize("metric", EVERY, ids=lambda m: m.name)
def test_no_row_that_counts_is_no_score(metric: Metric) -> None:
    outputs, target, _ = draw(usable(metric), 2, "none")
    stacked = torch.as_tensor(np.stack([outputs, outputs]))
    assert metric.score(stacked, torch.as_tensor(target), torch.zeros(ROWS)).isnan().tolist() == [True, True]
    empty = metric.score(stacked[:, :0], torch.as_tensor(target)[:0])
    assert empty.shape == (2,) and empty.isnan().all()


@pytest.mark.parametrize("metric", EVERY, ids=lambda m: m.name)
def test_each_member_may_bring_its_own_targets_and_weights(metric: Metric) -> None:
    drawn = [draw(usable(metric), seed, "some") for seed in range(4)]
    outputs, target, weight = (
        torch.stack([torch.as_tensor(part) for part in parts]) for parts in zip(*drawn, strict=True)
    )
    together = metric.score(outputs, target, weight)
    alone = torch.stack([metric.score(outputs[i], target[i], weight[i]) for i in range(4)])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("metric", metrics_for("binary"), ids=lambda m: m.name)
def test_two_columns_are_the_same_as_their_difference(metric: Metric) -> None:
    outputs, target, _ = draw("binary", 4, "none")
    pair = np.stack([np.full(ROWS, 0.25), outputs[:, 0] + 0.25], axis=1)
    one = metric.score(torch.as_tensor(outputs), torch.as_tensor(target))
    two = metric.score(torch.as_tensor(pair), torch.as_tensor(target))
    torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-12)


def test_a_threshold_per_member_moves_the_cut_of_that_member() -> None:
    outputs = torch.tensor([[0.2], [0.4], [0.8]]).expand(2, 3, 1)
    score = METRICS["accuracy"].score(outputs, torch.tensor([0, 0, 1]), threshold=torch.tensor([0.0, 0.5]))
    torch.testing.assert_close(score, torch.tensor([1 / 3, 1.0], dtype=torch.float64))


def test_top_1_is_accuracy_with_ties_too() -> None:
    from lossary.lab.metrics.decisions import accuracy, top

    outputs = torch.randint(0, 3, (50, 4), generator=torch.Generator().manual_seed(0)).double()
    target, measure = torch.arange(50) % 4, torch.ones(50, dtype=torch.float64)
    assert torch.equal(top(1)(outputs, target, measure), accuracy(outputs, target, measure))


def test_log_loss_is_not_clipped() -> None:
    score = METRICS["log_loss"].score(torch.tensor([[-1000.0]]), torch.tensor([1.0]))
    assert float(score) == 1000.0


def test_the_area_of_one_class_alone_is_nan() -> None:
    assert METRICS["roc_auc"].score(torch.zeros(5, 1), torch.ones(5)).isnan()
    assert METRICS["pr_auc"].score(torch.zeros(5, 1), torch.zeros(5)).isnan()


def test_nan_is_never_the_better_value() -> None:
    metric = METRICS["rmse"]
    assert metric.better(1.0, 2.0) and metric.better(1.0, float("nan"))
    assert not metric.better(float("nan"), 1.0) and not metric.better(float("nan"), float("nan"))


def test_outputs_without_a_last_axis_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"expected \(\.\.\., N, K\) with one row per target, got \(7,\)"):
        METRICS["rmse"].score(torch.zeros(7), torch.zeros(7))


def test_a_metric_is_found_by_its_names_and_a_slip_gets_a_suggestion() -> None:
    assert get_metric("ROC-AUC").name == get_metric("auroc").name == "roc_auc"
    with pytest.raises(DataError, match=r"got 'acuracy'; did you mean 'accuracy'\? Known are accuracy, "):
        get_metric("acuracy")
    with pytest.raises(
        DataError, match=r"expected one for a regression target, got 'accuracy', which judges"
    ):
        get_metric("accuracy", "regression")


def test_the_default_metric_follows_the_target() -> None:
    assert default_metric("binary", smallest_share=0.2).name == "accuracy"
    assert default_metric("multiclass", smallest_share=0.19).name == "balanced_accuracy"
    assert default_metric("regression").name == "rmse"
    assert default_metric("regression", outlier_share=0.02).name == "mae"
    assert (tie_breaker("binary").name, tie_breaker("regression").name) == ("log_loss", "mae")


def test_a_top_k_is_offered_only_where_there_are_more_classes() -> None:
    names = [m.name for m in metrics_for("multiclass", classes=3)]
    assert "top_2" in names and "top_3" not in names
