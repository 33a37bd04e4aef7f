"""A detector at every cut, against scikit-learn's curves and by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import precision_recall_curve, roc_curve

from lossary.lab.results.tradeoff import FOUND, PRICES, tradeoff
from lossary.lab.running.store import Outputs


def rows_of(truth: np.ndarray) -> Any:
    return SimpleNamespace(truth=lambda split: (torch.from_numpy(truth.astype(float)), None))


@pytest.mark.parametrize("step", [0.0, 0.5])  # with a step, many rows share a score
def test_the_curves_are_those_of_scikit_learn(step: float) -> None:
    numbers = np.random.default_rng(0)
    truth = numbers.random(200) < 0.1
    scores = (truth + numbers.normal(size=200)).astype(np.float32)
    scores = np.round(scores / step).astype(np.float32) * step if step else scores
    outputs = Outputs("mse", 0, 0.1, scores[None, :, None], scores[None, :, None])
    found = tradeoff([outputs], rows_of(truth))
    assert found is not None
    fpr, tpr, _ = roc_curve(truth, scores, drop_intermediate=False)
    assert found.tpr == pytest.approx([tpr[fpr <= price + 1e-9].max() for price in PRICES])
    precision, recall, _ = precision_recall_curve(truth, scores)  # from the loosest cut to the tightest
    expected = [precision[np.flatnonzero(recall >= share - 1e-9)[-1]] for share in FOUND]
    assert found.precision == pytest.approx(expected)
    assert found.tpr_low == found.tpr == found.tpr_high


def test_the_band_holds_eight_of_ten_trainings_and_lost_ones_are_left_out() -> None:
    truth = np.array([True, False, False, False])
    good, bad = np.array([3.0, 2.0, 1.0, 0.0]), np.array([0.0, 1.0, 2.0, 3.0])
    test = np.stack([good, bad, np.full(4, np.nan)])[..., None].astype(np.float32)
    found = tradeoff([Outputs("mse", 0, 0.1, test, test)], rows_of(truth))
    assert found is not None
    assert found.tpr[0] == 0.5 and found.tpr[-1] == 1.0
    assert (found.tpr_low[0], found.tpr_high[0]) == pytest.approx((0.1, 0.9))
    assert found.precision[-1] == pytest.approx((1.0 + 0.25) / 2)
    assert tradeoff([Outputs("mse", 0, 0.1, test[2:], test[2:])], rows_of(truth)) is None
