"""Metrics of ranks, counts, anomalies, labels, masks and embeddings, against scikit-learn or their definitions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn import metrics as oracle
from sklearn.neighbors import NearestNeighbors

from lossary.core.errors import ShapeError
from lossary.lab.metrics import get_metric, tie_breaker

ROWS = 61
Array = NDArray[np.float64]


def weights(seed: int, kind: str) -> Array:
    rng = np.random.default_rng(100 + seed)
    found = rng.integers(1, 5, ROWS).astype(float)
    return np.ones(ROWS) if kind == "none" else found


def score(name: str, outputs: Array, target: Array, weight: Array | None = None) -> float:
    given = None if weight is None else torch.as_tensor(weight)
    return float(get_metric(name).score(torch.as_tensor(outputs), torch.as_tensor(target), given))


def several(name: str, draws: list[tuple[Array, Array]], weight: Array) -> list[float]:
    """Many members at once, as an engine scores them."""
    outputs, target = (torch.as_tensor(np.stack(part)) for part in zip(*draws, strict=True))
    found: list[float] = get_metric(name).score(outputs, target, torch.as_tensor(weight)).tolist()
    return found


def labels(seed: int) -> tuple[Array, Array]:
    """Five labels in two picture-like groups; a coarse grid of scores, so that many tie."""
    rng = np.random.default_rng(seed)
    outputs = np.round(rng.normal(size=(ROWS, 5)) * 2) / 2
    return outputs, (rng.random(outputs.shape) < 1 / (1 + np.exp(-outputs))).astype(float)


def chosen(z: Array) -> Array:
    return (z > 0).astype(int)


LABELS: dict[str, Callable[[Array, Array, Array], float]] = {
    "micro_f1": lambda z, y, w: oracle.f1_score(y, chosen(z), average="micro", sample_weight=w),
    "macro_f1": lambda z, y, w: oracle.f1_score(y, chosen(z), average="macro", sample_weight=w),
    "subset_accuracy": lambda z, y, w: oracle.accuracy_score(y, chosen(z), sample_weight=w),
    "hamming_accuracy": lambda z, y, w: 1 - oracle.hamming_loss(y, chosen(z), sample_weight=w),
    "label_ranking": lambda z, y, w: oracle.label_ranking_average_precision_score(y, z, sample_weight=w),
    "map": lambda z, y, w: oracle.average_precision_score(y, z, average="macro", sample_weight=w),
    "label_roc_auc": lambda z, y, w: oracle.roc_auc_score(y, z, average="macro", sample_weight=w),
    "label_log_loss": lambda z, y, w: np.mean(
        [oracle.log_loss(y[:, k], 1 / (1 + np.exp(-z[:, k])), sample_weight=w) for k in range(5)]
    ),
    "label_brier": lambda z, y, w: np.mean(
        [oracle.brier_score_loss(y[:, k], 1 / (1 + np.exp(-z[:, k])), sample_weight=w) for k in range(5)]
    ),
    "dice": lambda z, y, w: np.average(
        [oracle.f1_score(t, c, zero_division=1.0) for t, c in zip(y, chosen(z), strict=True)], weights=w
    ),
    "iou": lambda z, y, w: np.average(
        [
            oracle.jaccard_score(t, c, zero_division=0.0) if t.any() or c.any() else 1.0
            for t, c in zip(y, chosen(z), strict=True)
        ],
        weights=w,
    ),
    "pixel_accuracy": lambda z, y, w: 1 - oracle.hamming_loss(y, chosen(z), sample_weight=w),
    "pixel_recall": lambda z, y, w: oracle.recall_score(y, chosen(z), average="micro", sample_weight=w),
    "pixel_precision": lambda z, y, w: oracle.precision_score(y, chosen(z), average="micro", sample_weight=w),
}


@pytest.mark.parametrize("weighted", ["none", "some"])
@pytest.mark.parametrize("name", LABELS)
def test_a_metric_of_labels_or_pixels_equals_scikit_learns(name: str, weighted: str) -> None:
    weight = weights(0, weighted)
    draws = [labels(seed) for seed in range(3)]
    expected = [LABELS[name](z, y, weight) for z, y in draws]
    np.testing.assert_allclose(several(name, draws, weight), expected, rtol=1e-12, atol=1e-12)


def test_a_label_that_no_row_has_is_left_out_of_a_mean_over_labels() -> None:
    outputs, target = labels(1)
    target[:, 2] = 0
    outputs[:, 2] = -1
    rest = [0, 1, 3, 4]
    for name in ("macro_f1", "map", "label_roc_auc"):
        assert score(name, outputs, target) == pytest.approx(score(name, outputs[:, rest], target[:, rest]))


def test_an_empty_mask_found_empty_is_a_whole_overlap_and_anything_else_none() -> None:
    target = np.zeros((2, 9))
    outputs = np.full((2, 9), -1.0)
    assert score("dice", outputs, target) == score("iou", outputs, target) == 1.0
    outputs[1, 4] = 1.0
    assert score("dice", outputs, target) == score("iou", outputs, target) == 0.5
    assert score("pixel_recall", outputs, target) == score("pixel_precision", outputs, target) == 0.0


def test_a_threshold_moves_the_cut_of_every_label() -> None:
    outputs, target = torch.tensor([[0.2, 0.9], [0.4, -1.0]]), torch.tensor([[0.0, 1.0], [0.0, 0.0]])
    metric = get_metric("micro_f1")
    assert float(metric.score(outputs, target)) == pytest.approx(0.5)
    assert float(metric.score(outputs, target, threshold=0.5)) == 1.0


def test_labels_need_a_target_for_every_output() -> None:
    with pytest.raises(
        ShapeError, match=r"one column per column of the target, got \(7, 3\) for a target of shape \(7,\)"
    ):
        get_metric("micro_f1").score(torch.zeros(7, 3), torch.zeros(7))


def ranked(seed: int) -> tuple[Array, Array]:
    """Log-probabilities of five ranks and a rank drawn from them."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(ROWS, 5))
    share = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return np.log(share), (rng.random((ROWS, 1)) > share.cumsum(1)).sum(1).astype(float)


def median(z: Array) -> Array:
    """The definition, row by row."""
    return np.array([next(k for k in range(5) if np.exp(row[: k + 1]).sum() >= 0.5) for row in z])


def crps(z: Array, y: Array, w: Array) -> float:
    """E|X - y| - E|X - X'|/2: another form of the sum over cuts (Gneiting and Raftery 2007, equation 21)."""
    share, ranks = np.exp(z), np.arange(5)
    from_truth = (share * np.abs(ranks - y[:, None])).sum(1)
    apart = np.einsum("nj,nk,jk->n", share, share, np.abs(ranks[:, None] - ranks))
    return float(np.average(from_truth - apart / 2, weights=w))


RANKS: dict[str, Callable[[Array, Array, Array], float]] = {
    "rank_error": lambda z, y, w: oracle.mean_absolute_error(y, median(z), sample_weight=w),
    "rank_rmse": lambda z, y, w: oracle.root_mean_squared_error(
        y, (np.exp(z) * np.arange(5)).sum(1), sample_weight=w
    ),
    "within_one": lambda z, y, w: np.average(np.abs(median(z) - y) <= 1, weights=w),
    "qwk": lambda z, y, w: oracle.cohen_kappa_score(y, median(z), weights="quadratic", sample_weight=w),
    "accuracy": lambda z, y, w: oracle.accuracy_score(y, z.argmax(1), sample_weight=w),
    "log_loss": lambda z, y, w: oracle.log_loss(y, np.exp(z), labels=range(5), sample_weight=w),
    "rps": crps,
}


@pytest.mark.parametrize("weighted", ["none", "some"])
@pytest.mark.parametrize("name", RANKS)
def test_a_metric_of_ranks_equals_its_reference(name: str, weighted: str) -> None:
    weight = weights(1, weighted)
    draws = [ranked(seed) for seed in range(3)]
    expected = [RANKS[name](z, y, weight) for z, y in draws]
    np.testing.assert_allclose(several(name, draws, weight), expected, rtol=1e-10, atol=1e-12)


def test_a_rank_of_probability_0_is_no_obstacle_and_one_class_alone_has_no_kappa() -> None:
    outputs = np.array([[0.0, -np.inf, -np.inf], [np.log(0.5), np.log(0.5), -np.inf]])
    assert score("rank_error", outputs, np.array([0, 0])) == 0.0
    assert np.isnan(score("qwk", outputs, np.array([0, 0])))


def counted(seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.normal(size=ROWS))
    return mean[:, None] * rng.uniform(0.5, 2, (ROWS, 1)), rng.poisson(mean).astype(float)


@pytest.mark.parametrize("weighted", ["none", "some"])
@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("poisson_deviance", oracle.mean_poisson_deviance),
        ("rmse", oracle.root_mean_squared_error),
        ("mae", oracle.mean_absolute_error),
        ("pinball(0.9)", partial(oracle.mean_pinball_loss, alpha=0.9)),
        ("coverage(0.25)", lambda y, z, sample_weight: abs(np.average(y <= z, weights=sample_weight) - 0.25)),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)  # fmt: skip
def test_a_metric_of_counts_equals_scikit_learns(
    name: str, reference: Callable[..., float], weighted: str
) -> None:
    weight = weights(2, weighted)
    draws = [counted(seed) for seed in range(3)]
    expected = [reference(y, z[:, 0], sample_weight=weight) for z, y in draws]
    np.testing.assert_allclose(several(name, draws, weight), expected, rtol=1e-12, atol=1e-12)


def test_a_mean_below_zero_counts_as_a_thousandth_of_the_mean_count() -> None:
    target, outputs = np.array([4.0, 2.0]), np.array([[-3.0], [2.0]])
    floored = np.array([0.003, 2.0])
    assert score("poisson_deviance", outputs, target) == pytest.approx(
        oracle.mean_poisson_deviance(target, floored)
    )
    assert score("poisson_deviance", np.zeros((3, 1)), np.zeros(3)) == 0.0


@pytest.mark.parametrize("weighted", ["none", "some"])
@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3])
def test_the_true_positive_rate_at_a_false_one_is_read_off_the_roc_curve(rate: float, weighted: str) -> None:
    weight = weights(3, weighted)
    draws, expected = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        target = (rng.random(ROWS) < 0.4).astype(float)
        outputs = np.round(rng.normal(size=(ROWS, 1)), 1) + target[:, None]
        draws.append((outputs, target))
        fpr, tpr, _ = oracle.roc_curve(target, outputs[:, 0], sample_weight=weight, drop_intermediate=False)
        expected.append(tpr[fpr <= rate + 1e-12].max())
    np.testing.assert_allclose(several(f"tpr_at_fpr({rate})", draws, weight), expected, rtol=1e-12)


def test_a_rate_of_one_class_alone_is_nan() -> None:
    assert np.isnan(score("tpr_at_fpr(0.01)", np.zeros((4, 1)), np.ones(4)))
    assert np.isnan(score("tpr_at_fpr(0.01)", np.zeros((4, 1)), np.zeros(4)))


def embedded(seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 4, ROWS).astype(float)
    return rng.normal(size=(ROWS, 3)) + np.eye(4)[:, :3][target.astype(int)], target


def nearest(outputs: Array) -> NDArray[np.int64]:
    """Every other row in the order of its distance, by scikit-learn."""
    unit = outputs / np.linalg.norm(outputs, axis=1, keepdims=True)
    found = NearestNeighbors(n_neighbors=len(outputs) - 1).fit(unit).kneighbors(return_distance=False)
    return np.asarray(found, dtype=np.int64)


@pytest.mark.parametrize("weighted", ["none", "some"])
def test_what_is_found_near_an_embedding_equals_scikit_learns_neighbours(weighted: str) -> None:
    weight = weights(4, weighted)
    draws = [embedded(seed) for seed in range(3)]
    expected: dict[str, list[float]] = {
        name: [] for name in ("recall_at_1", "recall_at_5", "map_at_r", "neighbour_accuracy")
    }
    for outputs, target in draws:
        order = nearest(outputs)
        hits = target[order] == target[:, None]
        many = hits.sum(1)
        precise = [
            sum(row[: i + 1].mean() for i in range(r) if row[i]) / r
            for row, r in zip(hits, many, strict=True)
        ]
        expected["recall_at_1"].append(np.average(hits[:, :1].any(1), weights=weight))
        expected["recall_at_5"].append(np.average(hits[:, :5].any(1), weights=weight))
        expected["map_at_r"].append(np.average(precise, weights=weight))
        expected["neighbour_accuracy"].append(np.average(hits[:, 0], weights=weight))
    for name, values in expected.items():
        np.testing.assert_allclose(several(name, draws, weight), values, rtol=1e-12)


def test_an_embedding_that_is_the_same_for_all_finds_nothing() -> None:
    outputs, target = np.full((20, 3), 0.3), np.arange(20) % 2
    for name in ("recall_at_1", "recall_at_5", "neighbour_accuracy"):
        assert score(name, outputs, target) == 0.0
    assert score("map_at_r", outputs, target) == 0.0


def test_a_row_alone_in_its_class_is_no_query_but_a_wrong_nearest_neighbour() -> None:
    outputs = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    target = np.array([0, 0, 1])
    assert score("recall_at_1", outputs, target) == score("map_at_r", outputs, target) == 1.0
    assert score("neighbour_accuracy", outputs, target) == pytest.approx(2 / 3)
    assert np.isnan(score("recall_at_1", outputs, np.array([0, 1, 2])))


def test_the_length_of_an_embedding_does_not_matter() -> None:
    outputs, target = embedded(7)
    longer = outputs * np.random.default_rng(0).uniform(0.1, 10, (ROWS, 1))
    assert score("map_at_r", longer, target) == pytest.approx(score("map_at_r", outputs, target))


def test_many_rows_are_looked_at_in_blocks_with_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from lossary.lab.metrics import neighbours

    draws = [embedded(seed) for seed in range(3)]
    whole = several("map_at_r", draws, np.ones(ROWS))
    monkeypatch.setattr(neighbours, "CELLS", 2 * ROWS)
    np.testing.assert_allclose(several("map_at_r", draws, np.ones(ROWS)), whole, rtol=1e-14)


def test_the_gap_between_neighbours_is_its_definition() -> None:
    outputs, target = embedded(3)
    unit = outputs / np.linalg.norm(outputs, axis=1, keepdims=True)
    far = ((unit[:, None] - unit) ** 2).sum(-1)
    np.fill_diagonal(far, np.inf)
    same = target[:, None] == target
    gap = np.where(same, far, np.inf).min(1) - np.where(same, np.inf, far).min(1)
    found = tie_breaker("retrieval").score(torch.as_tensor(outputs), torch.as_tensor(target))
    assert float(found) == pytest.approx(gap.mean())
