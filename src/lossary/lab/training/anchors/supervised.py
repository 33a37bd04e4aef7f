"""Simple models that learn the answer: penalised linear ones, and gradient boosting where it is quick."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from lossary.lab.metrics import get_metric
from lossary.lab.training.anchors.constant import (
    FAR,
    Array,
    as_array,
    as_weights,
    constant,
    quantile_level,
)
from lossary.lab.training.anchors.features import Features, features
from lossary.lab.training.trial import SplitData

Found = list[tuple[str, Array]]

STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)  # C of the logistic, 1/alpha of the ridge regression
FEW_STRENGTHS = (0.01, 1.0)
LARGE = 300_000  # numbers in the training rows times classes: beyond, two strengths and few iterations
ITERATIONS, FEW_ITERATIONS = 1000, 50
# One round of boosting grows a tree a class. A hundred rounds are scikit-learn's default; beyond a hundred trees in
# all, and beyond so many features, it would take longer than the networks beside it.
TREES, WIDEST = 100, 128


def numbers(data: SplitData, levels: int, metric: str) -> Found:
    """Ridge regression, and boosting for what the metric rewards: the mean, the median or a quantile."""
    from sklearn.linear_model import Ridge

    x, y, w = features(data), as_array(data.y_train), as_weights(data.w_train)

    def ridge(strength: float) -> Any:
        return Ridge(alpha=1 / strength).fit(x.train, y, sample_weight=w)

    best = strongest(ridge, lambda model: model.predict(x.valid)[:, None], data, metric)
    level = quantile_level(metric)
    aim = {None: {"loss": "squared_error"}, 0.5: {"loss": "absolute_error"}}.get(
        level, {"loss": "quantile", "quantile": level}
    )
    return [("ridge", best.predict(x.test)[:, None]), *_boosted_numbers(x, y, w, aim)]


def counts(data: SplitData, levels: int, metric: str) -> Found:
    """Poisson regression, and boosting by Poisson's deviance."""
    from sklearn.linear_model import PoissonRegressor

    x, y, w = features(data), as_array(data.y_train), as_weights(data.w_train)
    if not np.average(y, weights=w) > 0:
        return []  # no mean to learn from zeros alone

    def poisson(strength: float) -> Any:
        return PoissonRegressor(alpha=0.01 / strength, max_iter=300).fit(x.train, y, sample_weight=w)

    best = strongest(poisson, lambda model: model.predict(x.valid)[:, None], data, metric)
    return [
        ("poisson", best.predict(x.test)[:, None]),
        *_boosted_numbers(x, y, w, {"loss": "poisson"}),
    ]


def _boosted_numbers(x: Features, y: Array, w: Any, aim: dict[str, Any]) -> Found:
    from sklearn.ensemble import HistGradientBoostingRegressor

    if x.sparse or x.train.shape[1] > WIDEST:
        return []
    model = HistGradientBoostingRegressor(random_state=0, **aim).fit(x.train, y, sample_weight=w)
    return [("boosting", model.predict(x.test)[:, None])]


def classes(data: SplitData, levels: int, metric: str) -> Found:
    """Logistic regression and boosting: one logit for two classes, else one a class."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    x, y, w = features(data), data.y_train.numpy().astype(np.int64), as_weights(data.w_train)
    if len(np.unique(y)) < 2:
        return []  # nothing to learn from one class

    def outputs(model: Any, rows: Any) -> Array:
        return _logits(model.decision_function(rows), model.classes_, levels)

    fit, strengths = _logistic(x, y, w, levels)
    best = strongest(fit, lambda model: outputs(model, x.valid), data, metric, strengths)
    found = [("logistic", outputs(best, x.test))]
    if x.sparse or x.train.shape[1] > WIDEST:
        return found
    rounds = TREES if levels == 2 else max(20, TREES // levels)
    boosting = HistGradientBoostingClassifier(random_state=0, max_iter=rounds)
    return [*found, ("boosting", outputs(boosting.fit(x.train, y, sample_weight=w), x.test))]


def labels(data: SplitData, levels: int, metric: str) -> Found:
    """A logistic regression a label, all with the strength that is best for all together."""
    x, y, w = features(data), data.y_train.numpy().astype(np.int64), as_weights(data.w_train)
    alone = constant(data, "multilabel", levels, metric)

    def fit(strength: float) -> list[Any]:
        return [
            _logistic(x, y[:, label], w, 2)[0](strength) if np.ptp(y[:, label]) else None
            for label in range(y.shape[1])
        ]

    def outputs(models: list[Any], rows: Any) -> Array:
        columns = [
            np.full(rows.shape[0], odds) if model is None else model.decision_function(rows)
            for model, odds in zip(models, alone, strict=True)
        ]
        return np.stack(columns, axis=1)

    best = strongest(fit, lambda models: outputs(models, x.valid), data, metric, FEW_STRENGTHS)
    return [("logistic", outputs(best, x.test))]


def _logistic(x: Features, y: Any, w: Any, levels: int) -> tuple[Callable[[float], Any], tuple[float, ...]]:
    from sklearn.linear_model import LogisticRegression

    size = x.train.nnz if x.sparse else x.train.size
    large = size * max(1, levels - 1) > LARGE
    iterations = FEW_ITERATIONS if large else ITERATIONS

    def fit(strength: float) -> Any:
        return LogisticRegression(C=strength, max_iter=iterations).fit(x.train, y, sample_weight=w)

    return fit, FEW_STRENGTHS if large else STRENGTHS


def strongest(
    fit: Callable[[float], Any],
    outputs: Callable[[Any], Array],
    data: SplitData,
    metric: str,
    strengths: tuple[float, ...] = STRENGTHS,
) -> Any:
    """The model of the strength that is best on validation by the metric; the first of equals."""
    judge = get_metric(metric)
    best, best_score = None, float("nan")
    for strength in strengths:
        model = fit(strength)
        valid = torch.from_numpy(np.asarray(outputs(model), dtype=np.float64))
        score = float(judge.score(valid, data.y_valid, data.w_valid))
        if best is None or judge.better(score, best_score):
            best, best_score = model, score
    return best


def _logits(scores: Array, present: Array, levels: int) -> Array:
    # scikit-learn gives two classes one column, and leaves out a class without training rows.
    if scores.ndim == 1:
        scores = scores[:, None] if levels == 2 else np.stack([-scores / 2, scores / 2], axis=1)
    if levels == 2 or scores.shape[1] == levels:
        return scores
    full = np.full((len(scores), levels), -FAR)
    full[:, present.astype(np.int64)] = scores
    return full
