"""Simple models of other kinds: for anomalies, for pixels, and embeddings that learn nothing of the classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.functional import unfold

from lossary.lab.training.anchors.constant import Array, as_weights
from lossary.lab.training.anchors.features import features
from lossary.lab.training.anchors.supervised import Found, classes
from lossary.lab.training.trial import SplitData

SOME_PIXELS = 20_000  # of the training pictures: enough for a weight a neighbour
NEIGHBOURHOOD = 3  # pixels on a side
COMPONENTS = 16  # numbers an embedding has, as the networks' (lossary.lab.asking.infer.EMBEDDED_IN)
WIDEST = 256  # features: of more the components alone are kept, for an embedding is stored for every test row
SOME_ROWS = 5_000  # that components are read off


def anomalies(data: SplitData, levels: int, metric: str) -> Found:
    """An isolation forest, which sees no label; logistic regression and boosting, which do."""
    from sklearn.ensemble import IsolationForest

    x, w = features(data), as_weights(data.w_train)
    # Rows are drawn by their weight, and there must be as many to draw as are asked for.
    train, w = (x.train, None) if w is None else (x.train[w > 0], w[w > 0])
    forest = IsolationForest(random_state=0).fit(train, sample_weight=w)
    return [("forest", -forest.score_samples(x.test)[:, None]), *classes(data, 2, metric)]


def masks(data: SplitData, levels: int, metric: str) -> Found:
    """A logistic regression on the pixels around a pixel, learned from some pixels of the training pictures."""
    from sklearn.linear_model import LogisticRegression

    if data.x_train.ndim != 4:
        return []
    x, y = _around(data.x_train), data.y_train.numpy().astype(np.int64).ravel()
    w = None if data.w_train is None else np.repeat(as_weights(data.w_train), data.y_train.shape[1])
    some = np.sort(np.random.default_rng(0).permutation(len(y))[:SOME_PIXELS])
    if len(np.unique(y[some])) < 2:
        return []
    model = LogisticRegression(max_iter=100).fit(
        x[some], y[some], sample_weight=None if w is None else w[some]
    )
    outputs = model.decision_function(_around(data.x_test))
    return [("pixels", outputs.reshape(data.y_test.shape))]


def _around(pictures: torch.Tensor) -> Array:
    """The neighbourhood of every pixel of (rows, channels, height, width): (rows * height * width, numbers)."""
    padded = torch.nn.functional.pad(pictures.double(), (NEIGHBOURHOOD // 2,) * 4, mode="replicate")
    found: Array = unfold(padded, NEIGHBOURHOOD).transpose(1, 2).flatten(0, 1).numpy()
    return found


def embeddings(data: SplitData, levels: int, metric: str) -> Found:
    """The inputs as they are, where they are few, and their principal components."""
    x = features(data)
    found: Found = []
    if not x.sparse and x.train.shape[1] <= WIDEST:
        found.append(("raw", x.test))
    components = min(COMPONENTS, x.train.shape[1] - 1, x.train.shape[0] - 1)
    if components >= 1:
        found.append(("pca", _components(x.train, x.test, components)))
    return found


def _components(train: Any, test: Any, components: int) -> Array:
    from sklearn.decomposition import PCA, TruncatedSVD

    sparse = not isinstance(train, np.ndarray)
    model = TruncatedSVD(components, random_state=0) if sparse else PCA(components, random_state=0)
    found: Array = model.fit(train[:SOME_ROWS]).transform(test)
    return found
