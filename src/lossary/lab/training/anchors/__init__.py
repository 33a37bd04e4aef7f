"""Simple models on the same splits: what any network must beat, whatever its loss. They are shown, not tested.

They learn from the same prepared training rows as the networks, pictures as rows of pixels and texts as weighed
words. What they have to choose (the strength of a penalty) they choose as the networks choose their rate: on
validation, by the metric that decides. They are meant to be cheap: what would take long is left out or cut short,
and the title says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from lossary.lab.metrics import get_metric
from lossary.lab.training.anchors.constant import Array, constant
from lossary.lab.training.anchors.supervised import Found, classes, counts, labels, numbers
from lossary.lab.training.anchors.unsupervised import anomalies, embeddings, masks
from lossary.lab.training.trial import SplitData

TITLES = {
    "constant": "Constant prediction",
    "logistic": "Logistic regression (scikit-learn)",
    "ridge": "Ridge regression (scikit-learn)",
    "poisson": "Poisson regression (scikit-learn)",
    "boosting": "Histogram gradient boosting (scikit-learn)",
    "forest": "Isolation forest, without the labels (scikit-learn)",
    "pixels": "Logistic regression on a pixel and its neighbours (scikit-learn)",
    "raw": "The inputs themselves as the embedding",
    "pca": "Principal components of the inputs (scikit-learn)",
}

# By kind: (data, levels, metric) -> what is found beside the constant prediction.
MODELS: Mapping[str, Callable[[SplitData, int, str], Found]] = {
    "regression": numbers,
    "count": counts,
    "binary": classes,
    "multiclass": classes,
    "ordinal": classes,
    "anomaly": anomalies,
    "multilabel": labels,
    "segmentation": masks,
    "retrieval": embeddings,
}


@dataclass(frozen=True, eq=False)
class Anchored:
    """Test outputs of one anchor on one split, as a network's after its readout: (rows, outputs)."""

    name: str
    outputs: npt.NDArray[np.float32]


def anchor_outputs(data: SplitData, kind: str, levels: int, metric: str) -> tuple[Anchored, ...]:
    """The anchors of one split. `levels` counts the classes or labels of a task; 0 where it has none."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    alone = ("constant", tiled(constant(data, kind, levels, metric), len(data.y_test)))
    # The number of threads decides how sums are rounded. A regression that needs more than its iterations (separable
    # classes, hardly any penalty) is judged by its validation score like any other.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = [alone, *MODELS[kind](data, levels, metric)]
    return tuple(Anchored(name, outputs.astype(np.float32)) for name, outputs in found)


def constant_score(data: SplitData, kind: str, levels: int, metric: str) -> float:
    """The metric on validation of the constant prediction, in the engine's unit: what a training starts from."""
    outputs = torch.from_numpy(tiled(constant(data, kind, levels, metric), len(data.y_valid)))
    return float(get_metric(metric).score(outputs, data.y_valid, data.w_valid))


def tiled(row: Array, rows: int) -> Array:
    """One row of outputs for every row."""
    return np.tile(row, (rows, 1))
