"""Mined triplets against other libraries' rules, written down in NumPy with loops over samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lossary.losses.metric.triplet import triplet_batch_hard
from lossary.losses.metric.triplet_mined import triplet_all, triplet_semi_hard

Array = NDArray[np.float64]

RNG = np.random.default_rng(0)
X: Array = RNG.normal(size=(22, 4))
Y = np.concatenate([np.zeros(9), RNG.integers(1, 5, 12), [9]]).astype(
    int
)  # a large class, and a sample alone
BACKENDS = pytest.mark.parametrize("backend", ["eager", "chunked"])


def pairs(i: int, squared: bool) -> tuple[Array, Array]:
    """Distances of a sample's positives and of its negatives."""
    apart = np.array([np.dot(X[i] - x, X[i] - x) for x in X])
    apart = apart if squared else np.sqrt(apart)
    alike = np.equal(Y, Y[i])
    return apart[alike & (np.arange(len(Y)) != i)], apart[~alike]


def every(squared: bool) -> Iterator[tuple[float, float]]:
    """The triplets that pytorch-metric-learning compares where no miner chooses: all."""
    for i in range(len(Y)):
        near, far = pairs(i, squared)
        yield from ((p, n) for p in near for n in far)


def hard(squared: bool) -> Iterator[tuple[float, float]]:
    """Hermans et al. (2017), equation 5."""
    for i in range(len(Y)):
        near, far = pairs(i, squared)
        if len(near):
            yield near.max(), far.min()


def semi_hard(squared: bool) -> Iterator[tuple[float, float]]:
    """TensorFlow Addons: the nearest negative outside the positive, or the farthest inside."""
    for i in range(len(Y)):
        near, far = pairs(i, squared)
        for p in near:
            outside = far[far > p]
            yield p, outside.min() if len(outside) else far.max()


RULES = [(triplet_all, every), (triplet_batch_hard, hard), (triplet_semi_hard, semi_hard)]


@BACKENDS
@pytest.mark.parametrize(("loss", "rule"), RULES, ids=["all", "hard", "semi-hard"])
@pytest.mark.parametrize("squared", [False, True])
def test_the_mean_is_that_over_the_triplets_of_the_rule(
    loss: Any, rule: Any, squared: bool, backend: str
) -> None:
    how = {"distance": "squared" if squared else "euclidean", "backend": backend}
    gaps = np.array([p - n for p, n in rule(squared)])
    ours = [
        loss(torch.from_numpy(X), torch.from_numpy(Y), margin=margin, **how).item() for margin in (0.2, None)
    ]
    np.testing.assert_allclose(ours[0], np.maximum(gaps + 0.2, 0).mean(), rtol=1e-12)
    np.testing.assert_allclose(ours[1], np.logaddexp(0, gaps).mean(), rtol=1e-12)


@BACKENDS
def test_the_sum_is_that_over_all_triplets(backend: str) -> None:
    gaps = np.array([p - n for p, n in every(False)])
    ours = triplet_all(torch.from_numpy(X), torch.from_numpy(Y), reduction="sum", backend=backend).item()
    np.testing.assert_allclose(ours, np.maximum(gaps + 1, 0).sum(), rtol=1e-12)
