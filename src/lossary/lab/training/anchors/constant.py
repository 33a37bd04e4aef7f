"""The constant prediction of every kind: one row of outputs, the best that knows nothing of the inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lossary.lab.metrics import get_metric
from lossary.lab.metrics.parametrised import level_of
from lossary.lab.training.trial import SplitData

Array = npt.NDArray[np.float64]
FAR = 1e3  # a logit for a class that the training rows do not have: probability 0 in float32


def constant(data: SplitData, kind: str, levels: int, metric: str) -> Array:
    """One row of outputs (outputs,) from the training rows.

    Numbers and counts: the mean, or the median or quantile where the metric rewards that. Classes and labels: the
    log-odds or the logarithms of their shares; pixels: of the share of objects in all of them. Anomalies and
    embeddings: the same for every row.
    """
    y, w = as_array(data.y_train), as_weights(data.w_train)
    if kind in ("regression", "count"):
        level = quantile_level(metric)
        return np.array([np.average(y, weights=w) if level is None else weighted_quantile(y, w, level)])
    if kind == "anomaly":
        return np.zeros(1)
    if kind == "retrieval":
        return np.ones(1)
    if kind == "segmentation":
        return np.full(y.shape[1], log_odds(float(np.average(y.mean(1), weights=w))))
    if kind == "multilabel":
        return np.array([log_odds(share) for share in np.average(y, axis=0, weights=w)])
    counts = np.bincount(y.astype(np.int64), weights=w, minlength=levels)
    with np.errstate(divide="ignore"):
        logits = np.maximum(np.log(counts / counts.sum()), -FAR)
    odds: Array = logits[1:] - logits[:1] if kind == "binary" else logits
    return odds


def quantile_level(metric: str) -> float | None:
    """The quantile of the target that a metric rewards: 0.5 for an absolute error; None where it is the mean."""
    level = level_of(metric, "pinball")
    if level is not None:
        return level
    judge = get_metric(metric)
    return 0.5 if judge.judges("median") and not judge.judges("mean") else None


def log_odds(share: float) -> float:
    """The logit of a share, within what float32 bears."""
    if not 0 < share < 1:
        return FAR if share >= 1 else -FAR
    return float(np.log(share) - np.log1p(-share))


def weighted_quantile(values: Array, weight: Any, level: float) -> float:
    """The least value that this share of the weight does not exceed."""
    order = np.argsort(values, kind="stable")
    counts = np.ones(len(values)) if weight is None else weight[order]
    place = np.searchsorted(np.cumsum(counts), level * counts.sum())
    return float(values[order][min(int(place), len(values) - 1)])


def as_array(values: torch.Tensor) -> Array:
    """Float64 of scikit-learn."""
    return values.numpy().astype(np.float64)


def as_weights(weight: torch.Tensor | None) -> Any:
    """Float64, or None where every row counts once."""
    return None if weight is None else as_array(weight)
