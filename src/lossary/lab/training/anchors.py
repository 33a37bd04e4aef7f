"""Simple models on the same splits: what any network must beat, whatever its loss. They are shown, not tested.

They learn from the same prepared training rows as the networks. What they have to choose (the strength of the
penalty) they choose as the networks choose their rate: on validation, by the metric that decides.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lossary.lab.metrics import get_metric
from lossary.lab.training.trial import SplitData

Array = npt.NDArray[np.float64]

TITLES = {
    "constant": "Constant prediction",
    "logistic": "Logistic regression (scikit-learn)",
    "ridge": "Ridge regression (scikit-learn)",
    "boosting": "Histogram gradient boosting (scikit-learn)",
}
STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)  # C of the logistic, 1/alpha of the ridge regression
FAR = 1e3  # a logit for a class that the training rows do not have: probability 0 in float32


@dataclass(frozen=True, eq=False)
class Anchored:
    """Test outputs of one anchor on one split, raw as a network's: logits, or the scaled target. (rows, outputs)."""

    name: str
    outputs: npt.NDArray[np.float32]


def anchor_outputs(data: SplitData, classes: int, metric: str) -> tuple[Anchored, ...]:
    """The anchors of one split. `classes` is 0 for numbers, 2 for two classes (one logit), else their number."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    # The number of threads decides how sums are rounded. A logistic regression that needs more than its iterations
    # (separable classes, hardly any penalty) is judged by its validation score like any other.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = _numbers(data, metric) if classes == 0 else _classes(data, classes, metric)
    return tuple(Anchored(name, outputs.astype(np.float32)) for name, outputs in found)


def constant_score(data: SplitData, classes: int, metric: str) -> float:
    """The metric on validation of the constant prediction, in the engine's unit: what a training starts from."""
    constant = _constant(data, classes, metric)
    outputs = torch.from_numpy(np.tile(constant, (len(data.y_valid), 1)))
    return float(get_metric(metric).score(outputs, data.y_valid, data.w_valid))


def _constant(data: SplitData, classes: int, metric: str) -> Array:
    """One row of outputs: the mean (or the median), or the log-odds or logarithms of the classes' shares."""
    y, w = _rows(data.y_train), _weights(data.w_train)
    if classes == 0:
        absolute = get_metric(metric).judges("median") and not get_metric(metric).judges("mean")
        return np.array([_weighted_median(y, w) if absolute else float(np.average(y, weights=w))])
    counts = np.bincount(y.astype(np.int64), weights=w, minlength=classes)
    with np.errstate(divide="ignore"):
        logits = np.maximum(np.log(counts / counts.sum()), -FAR)
    odds: Array = logits if classes > 2 else logits[1:] - logits[:1]
    return odds


def _numbers(data: SplitData, metric: str) -> list[tuple[str, Array]]:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import Ridge

    x, y, w = _rows(data.x_train), _rows(data.y_train), _weights(data.w_train)
    test = _rows(data.x_test)
    absolute = get_metric(metric).judges("median")

    def ridge(strength: float) -> Any:
        return Ridge(alpha=1 / strength).fit(x, y, sample_weight=w)

    best = _strongest(ridge, lambda model: model.predict(_rows(data.x_valid))[:, None], data, metric)
    boosting = HistGradientBoostingRegressor(
        loss="absolute_error" if absolute else "squared_error", random_state=0
    ).fit(x, y, sample_weight=w)
    return [
        ("constant", np.tile(_constant(data, 0, metric), (len(test), 1))),
        ("ridge", best.predict(test)[:, None]),
        ("boosting", boosting.predict(test)[:, None]),
    ]


def _classes(data: SplitData, classes: int, metric: str) -> list[tuple[str, Array]]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    x, y, w = _rows(data.x_train), data.y_train.numpy().astype(np.int64), _weights(data.w_train)
    test = _rows(data.x_test)
    found = [("constant", np.tile(_constant(data, classes, metric), (len(test), 1)))]
    if len(np.unique(y)) < 2:
        return found  # nothing to learn from one class

    def logistic(strength: float) -> Any:
        return LogisticRegression(C=strength, max_iter=1000).fit(x, y, sample_weight=w)

    def outputs(model: Any, rows: Array) -> Array:
        return _logits(model.decision_function(rows), model.classes_, classes)

    best = _strongest(logistic, lambda model: outputs(model, _rows(data.x_valid)), data, metric)
    boosting = HistGradientBoostingClassifier(random_state=0).fit(x, y, sample_weight=w)
    return [*found, ("logistic", outputs(best, test)), ("boosting", outputs(boosting, test))]


def _strongest(fit: Any, outputs: Any, data: SplitData, metric: str) -> Any:
    judge = get_metric(metric)
    best, best_score = None, float("nan")
    for strength in STRENGTHS:
        model = fit(strength)
        valid = torch.from_numpy(np.asarray(outputs(model), dtype=np.float64))
        score = float(judge.score(valid, data.y_valid, data.w_valid))
        if best is None or judge.better(score, best_score):
            best, best_score = model, score
    return best


def _logits(scores: Array, present: Array, classes: int) -> Array:
    # scikit-learn gives two classes one column, and leaves out a class without training rows.
    if scores.ndim == 1:
        scores = scores[:, None] if classes == 2 else np.stack([-scores / 2, scores / 2], axis=1)
    if classes == 2 or scores.shape[1] == classes:
        return scores
    full = np.full((len(scores), classes), -FAR)
    full[:, present.astype(np.int64)] = scores
    return full


def _rows(values: torch.Tensor) -> Array:
    return values.numpy().astype(np.float64)


def _weights(weight: torch.Tensor | None) -> Any:
    return None if weight is None else weight.numpy().astype(np.float64)


def _weighted_median(values: Array, weight: Any) -> float:
    order = np.argsort(values, kind="stable")
    counts = np.ones(len(values)) if weight is None else weight[order]
    half = np.searchsorted(np.cumsum(counts), counts.sum() / 2)
    return float(values[order][half])
