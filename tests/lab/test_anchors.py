"""The simple models of every kind: they see the training rows alone, give outputs of the kind, and are repeatable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from lossary.lab.metrics import default_metric, get_metric
from lossary.lab.training.anchors import MODELS, TITLES, Anchored, anchor_outputs, constant_score
from lossary.lab.training.trial import SplitData

SIZES = (60, 30, 30)


def split(kind: str, seed: int = 0, *, weight: bool = False) -> SplitData:
    """Rows of a kind, in which the first inputs say something about the answer."""
    rng = np.random.default_rng(seed)
    parts: list[torch.Tensor] = []
    for size in SIZES:
        x = rng.normal(size=(size, 5))
        signal = x[:, 0] + 0.3 * rng.normal(size=size)
        if kind in ("binary", "anomaly"):
            y = (signal > 0.5).astype(np.float32)
        elif kind in ("multiclass", "ordinal", "retrieval"):
            y = np.digitize(signal, [-0.5, 0.5])
        elif kind == "count":
            y = rng.poisson(np.exp(signal)).astype(np.float32)
        elif kind == "multilabel":
            y = (x[:, :3] + 0.3 * rng.normal(size=(size, 3)) > 0.3).astype(np.float32)
        else:
            y = signal.astype(np.float32)
        parts += [torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y)]
    weights = [torch.from_numpy(rng.integers(0, 3, size).astype(np.float32)) for size in SIZES]
    return SplitData(*parts, *(weights if weight else ()))


def pictures(seed: int = 0) -> SplitData:
    """Noisy pictures of 8 x 8 with a bright square, whose mask is the answer."""
    rng = np.random.default_rng(seed)
    parts: list[torch.Tensor] = []
    for size in SIZES:
        masks = np.zeros((size, 8, 8), np.float32)
        for row in range(size):
            top, left = rng.integers(0, 5, 2)
            masks[row, top : top + 3, left : left + 3] = 1
        x = 2 * masks[:, None] + rng.normal(size=(size, 1, 8, 8))
        parts += [torch.from_numpy(x.astype(np.float32)), torch.from_numpy(masks.reshape(size, -1))]
    return SplitData(*parts)


def texts(seed: int = 0) -> SplitData:
    """Token ids with padding; the positive texts tend to hold token 7."""
    rng = np.random.default_rng(seed)
    parts: list[torch.Tensor] = []
    for size in SIZES:
        y = (rng.random(size) < 0.5).astype(np.float32)
        ids = np.zeros((size, 12), np.int64)
        for row in range(size):
            words = rng.integers(8, 40, rng.integers(3, 12))
            if y[row]:
                words[0] = 7
            ids[row, : len(words)] = words
        parts += [torch.from_numpy(ids), torch.from_numpy(y)]
    return SplitData(*parts)


LEVELS = {
    "binary": 2,
    "anomaly": 2,
    "multiclass": 3,
    "ordinal": 3,
    "retrieval": 3,
    "multilabel": 3,
    "regression": 0,
    "count": 0,
}
EXPECTED = {
    "binary": ["constant", "logistic", "boosting"],
    "multiclass": ["constant", "logistic", "boosting"],
    "ordinal": ["constant", "logistic", "boosting"],
    "regression": ["constant", "ridge", "boosting"],
    "count": ["constant", "poisson", "boosting"],
    "anomaly": ["constant", "forest", "logistic", "boosting"],
    "multilabel": ["constant", "logistic"],
    "retrieval": ["constant", "raw", "pca"],
}
COLUMNS = {"multiclass": 3, "ordinal": 3, "multilabel": 3}


def judged(found: tuple[Anchored, ...], data: SplitData, kind: str) -> dict[str, float]:
    metric = default_metric(kind)
    return {
        each.name: float(metric.score(torch.from_numpy(each.outputs), data.y_test, data.w_test))
        for each in found
    }


@pytest.mark.parametrize("weight", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("kind", EXPECTED)
def test_every_kind_has_simple_models_and_they_beat_the_constant_prediction(kind: str, weight: bool) -> None:
    data, metric = split(kind, weight=weight), default_metric(kind)
    found = anchor_outputs(data, kind, LEVELS[kind], metric.name)
    assert [each.name for each in found] == EXPECTED[kind]
    scores = judged(found, data, kind)
    for each in found:
        assert each.outputs.dtype == np.float32 and each.outputs.shape[0] == SIZES[2]
        assert each.outputs.shape[1] == COLUMNS.get(kind, each.outputs.shape[1])
        assert np.isfinite(each.outputs).all() and each.name in TITLES
    assert any(metric.better(scores[name], scores["constant"]) for name in EXPECTED[kind][1:])


@pytest.mark.parametrize("kind", EXPECTED)
def test_the_same_rows_give_the_same_models(kind: str) -> None:
    first, second = (
        anchor_outputs(split(kind), kind, LEVELS[kind], default_metric(kind).name) for _ in range(2)
    )
    assert all(np.array_equal(a.outputs, b.outputs) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("kind", EXPECTED)
def test_test_answers_have_no_part_in_a_simple_model(kind: str) -> None:
    data = split(kind)
    blind = replace(data, y_test=torch.zeros_like(data.y_test))
    first, second = (
        anchor_outputs(each, kind, LEVELS[kind], default_metric(kind).name) for each in (data, blind)
    )
    assert all(np.array_equal(a.outputs, b.outputs) for a, b in zip(first, second, strict=True))


def test_pixels_are_told_by_their_neighbours_and_pictures_by_their_pixels() -> None:
    data = pictures()
    found = anchor_outputs(data, "segmentation", 0, "dice")
    scores = judged(found, data, "segmentation")
    assert [each.name for each in found] == ["constant", "pixels"]
    assert scores["pixels"] > 0.7 and scores["constant"] == 0.0
    whole = replace(
        data, **{f"y_{part}": getattr(data, f"y_{part}")[:, 20] for part in ("train", "valid", "test")}
    )
    assert [each.name for each in anchor_outputs(whole, "binary", 2, "accuracy")] == [
        "constant",
        "logistic",
        "boosting",
    ]


def test_texts_become_weighed_words_and_padding_is_none() -> None:
    data = texts()
    found = anchor_outputs(data, "binary", 2, "accuracy")
    assert [each.name for each in found] == ["constant", "logistic"]
    assert judged(found, data, "binary")["logistic"] > 0.8
    longer = replace(
        data,
        **{
            f"x_{p}": torch.nn.functional.pad(getattr(data, f"x_{p}"), (0, 5))
            for p in ("train", "valid", "test")
        },
    )
    again = anchor_outputs(longer, "binary", 2, "accuracy")
    assert np.array_equal(found[1].outputs, again[1].outputs)
    assert [each.name for each in anchor_outputs(data, "regression", 0, "rmse")] == ["constant", "ridge"]
    assert [each.name for each in anchor_outputs(data, "retrieval", 2, "recall_at_1")] == ["constant", "pca"]


def test_the_logistic_regression_is_scikit_learns_at_the_strength_that_validation_prefers() -> None:
    data = split("binary")
    found = {each.name: each.outputs for each in anchor_outputs(data, "binary", 2, "log_loss")}
    judge, fits = get_metric("log_loss"), {}
    for strength in (0.01, 0.1, 1.0, 10.0, 100.0):
        model = LogisticRegression(C=strength, max_iter=1000).fit(data.x_train.double(), data.y_train.long())
        valid = torch.from_numpy(model.decision_function(data.x_valid.double())[:, None])
        fits[float(judge.score(valid, data.y_valid))] = model
    best = fits[min(fits)]
    np.testing.assert_allclose(
        found["logistic"][:, 0], best.decision_function(data.x_test.double()), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("rmse", 3.5), ("mae", 2.0), ("pinball(0.9)", 10.0), ("pinball(0.25)", 1.0)],
)
def test_the_constant_is_what_the_metric_rewards(metric: str, expected: float) -> None:
    data = replace(split("regression"), y_train=torch.tensor([0.0, 1.0, 2.0, 4.0, 4.0, 10.0]))
    data = replace(data, y_train=torch.cat([data.y_train, data.y_train]), x_train=data.x_train[:12])
    constant = anchor_outputs(data, "regression", 0, metric)[0].outputs
    assert np.unique(constant).tolist() == [expected]


def test_the_constant_of_classes_is_their_shares_and_of_anomalies_nothing() -> None:
    data = split("multiclass")
    shares = np.bincount(data.y_train.numpy(), minlength=3) / SIZES[0]
    row = anchor_outputs(data, "multiclass", 3, "accuracy")[0].outputs[0]
    np.testing.assert_allclose(np.exp(row), shares, rtol=1e-6)
    labels = split("multilabel")
    row = anchor_outputs(labels, "multilabel", 3, "micro_f1")[0].outputs[0]
    np.testing.assert_allclose(1 / (1 + np.exp(-row)), labels.y_train.mean(0), rtol=1e-5)
    assert not anchor_outputs(split("anomaly"), "anomaly", 2, "pr_auc")[0].outputs.any()


@pytest.mark.parametrize("kind", [*EXPECTED, "segmentation"])
def test_a_training_starts_from_the_constant_prediction_on_validation(kind: str) -> None:
    data = pictures() if kind == "segmentation" else split(kind)
    start = constant_score(data, kind, LEVELS.get(kind, 0), default_metric(kind).name)
    assert np.isfinite(start) and kind in MODELS


@pytest.mark.parametrize("kind", ["binary", "multiclass", "ordinal", "count", "anomaly", "multilabel"])
def test_training_rows_that_teach_nothing_leave_the_constant_prediction(kind: str) -> None:
    data = split(kind)
    same = replace(data, y_train=torch.zeros_like(data.y_train))
    found = anchor_outputs(same, kind, LEVELS[kind], default_metric(kind).name)
    assert {each.name for each in found} <= {"constant", "forest", "logistic"}
    assert all(np.isfinite(each.outputs).all() for each in found)


def test_pictures_without_any_object_are_no_obstacle() -> None:
    data = pictures()
    empty = replace(data, y_train=torch.zeros_like(data.y_train))
    assert [each.name for each in anchor_outputs(empty, "segmentation", 0, "dice")] == ["constant"]


def test_a_class_that_no_training_row_has_is_as_good_as_impossible() -> None:
    data = split("multiclass")
    two = replace(data, y_train=data.y_train.clamp(max=1))
    for each in anchor_outputs(two, "multiclass", 3, "accuracy"):
        assert (torch.from_numpy(each.outputs).softmax(-1)[:, 2] < 1e-30).all()
