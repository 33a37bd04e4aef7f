"""Losses over soft histograms against scikit-learn's ranks, and against their papers' formulas over NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

import lossary

Array = Any
ROWS = 14
GENERATOR = np.random.default_rng(0)
X: Array = GENERATOR.standard_normal((ROWS, 5))
LABELS: Array = np.array([0, 0, 1, 2, 2, 2, 3, 0, 1, 4, 4, 5, 1, 0])
U: Array = X / np.linalg.norm(X, axis=1, keepdims=True)
COSINES: Array = U @ U.T
ALIKE: Array = (LABELS[:, None] == LABELS) & ~np.eye(ROWS, dtype=bool)
OTHERS: Array = LABELS[:, None] != LABELS


def shares(positions: Array, bins: int) -> Array:
    """How much each position counts for each node."""
    return np.maximum(0.0, 1.0 - np.abs(positions[..., None] - np.arange(bins + 1)))


@pytest.mark.parametrize("bins", [1, 3, 10, 50])
def test_fastap_is_its_papers_average_precision(bins: int) -> None:
    parts = shares((2.0 - 2.0 * COSINES) * bins / 4.0, bins)
    wanted = []
    for i in range(ROWS):
        hits, others = parts[i, ALIKE[i]].sum(0), parts[i, OTHERS[i]].sum(0)
        if hits.any():
            sought, found = np.cumsum(hits), np.cumsum(hits + others)
            precision = np.divide(sought, found, where=found > 0, out=np.zeros_like(found))
            wanted.append(1.0 - (hits * precision).sum() / ALIKE[i].sum())
    found = lossary.fastap(torch.tensor(X), torch.tensor(LABELS), bins=bins)
    assert found.item() == pytest.approx(np.mean(wanted), rel=1e-12)


def test_where_distances_are_nodes_it_is_the_average_precision_itself() -> None:
    bins = 40
    steps = GENERATOR.permutation(np.arange(1, bins))[: ROWS - 1]
    cosines = np.concatenate([[1.0], 1.0 - 2.0 * steps / bins])
    plane = torch.tensor(np.stack([cosines, np.sqrt(1.0 - cosines**2)], 1))
    labels = torch.tensor([0, *(GENERATOR.integers(2, size=ROWS - 1))])
    found = lossary.fastap(plane, labels, bins=bins, reduction="none")[0]
    precision = average_precision_score(labels[1:] == 0, -steps)
    assert found.item() == pytest.approx(1.0 - precision, abs=1e-9)


@pytest.mark.parametrize("bins", [1, 3, 10, 100])
def test_the_histogram_loss_is_its_papers_sum(bins: int) -> None:
    pairs = np.triu(np.ones((ROWS, ROWS), dtype=bool), 1)
    parts = shares((1.0 + COSINES) * bins / 2.0, bins)
    near, far = (parts[pairs & kind].mean(0) for kind in (ALIKE, OTHERS))
    found = lossary.histogram(torch.tensor(X), torch.tensor(LABELS), bins=bins)
    assert found.item() == pytest.approx((far * np.cumsum(near)).sum(), rel=1e-12)


def test_in_narrow_bins_it_is_what_the_roc_curve_leaves_above() -> None:
    pairs = np.triu(np.ones((ROWS, ROWS), dtype=bool), 1)
    area = roc_auc_score(ALIKE[pairs], COSINES[pairs])
    found = lossary.histogram(torch.tensor(X), torch.tensor(LABELS), bins=1_000_000)
    assert found.item() == pytest.approx(1.0 - area, rel=1e-9)


@pytest.mark.parametrize("name", ["fastap", "histogram"])
def test_descending_them_brings_a_label_together(name: str) -> None:
    torch.manual_seed(0)
    labels = torch.arange(24) % 4
    x = torch.randn(24, 8, dtype=torch.float64, requires_grad=True)
    loss = lossary.get(name)
    before = loss(x, labels, bins=10)
    for _ in range(60):
        (slope,) = torch.autograd.grad(loss(x, labels, bins=10), x)
        x = (x - 4.0 * slope).detach().requires_grad_()
    assert loss(x, labels, bins=10) < 0.2 * before


@pytest.mark.parametrize("name", ["fastap", "histogram"])
def test_a_row_that_is_no_number_says_so_and_breaks_nothing(name: str) -> None:
    x = torch.tensor(X)
    x[3, 2] = torch.nan
    values = lossary.get(name)(x, torch.tensor(LABELS), reduction="none")
    assert values.isnan().any()
    kept = torch.ones(ROWS, dtype=torch.bool)
    kept[3] = False
    assert lossary.get(name)(x, torch.tensor(LABELS), mask=kept).isfinite()
