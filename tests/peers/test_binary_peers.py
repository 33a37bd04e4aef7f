"""Losses on one bit and on many labels: against torch, scikit-learn, and the papers' formulas in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn._loss.loss import ExponentialLoss
from sklearn.linear_model import _sgd_fast
from torch.nn import functional as F

from lossary.losses.binary.cross_entropy import binary_cross_entropy
from lossary.losses.binary.exponential import exponential
from lossary.losses.binary.focal import focal
from lossary.losses.binary.hinge import hinge, squared_hinge
from lossary.losses.binary.perceptron import perceptron
from lossary.losses.binary.poly1 import poly1
from lossary.losses.binary.smooth_hinge import modified_huber, smooth_hinge
from lossary.losses.multilabel.asymmetric import asymmetric
from lossary.losses.multilabel.margin import multilabel_margin
from lossary.losses.multilabel.two_way import two_way
from lossary.losses.multilabel.zlpr import zlpr

Array = NDArray[np.float64]

RNG = np.random.default_rng(0)
X: Array = 2 * RNG.normal(size=(64, 7))
Y: Array = (RNG.random((64, 7)) < 0.3).astype(float)
Y[0], Y[1] = 0.0, 1.0  # one row without a present label, one without an absent one
P: Array = 1 / (1 + np.exp(-X))
SIGNS: Array = 2 * Y - 1


def ours(loss: Any, **options: Any) -> Array:
    found: Array = loss(torch.from_numpy(X), torch.from_numpy(Y), reduction="none", **options).numpy()
    return found


def slopes(loss: Any, **options: Any) -> Array:
    """The derivative of every element's value."""
    x = torch.from_numpy(X.copy()).requires_grad_()
    (slope,) = torch.autograd.grad(loss(x, torch.from_numpy(Y), reduction="sum", **options), x)
    found: Array = slope.numpy()
    return found


@pytest.mark.parametrize(
    ("loss", "theirs"),
    [
        (hinge, _sgd_fast.Hinge(1.0)),
        (squared_hinge, _sgd_fast.SquaredHinge(1.0)),
        (perceptron, _sgd_fast.Hinge(0.0)),
        (modified_huber, _sgd_fast.ModifiedHuber()),
    ],
    ids=["hinge", "squared_hinge", "perceptron", "modified_huber"],
)
def test_margin_losses_are_those_of_sgd_in_scikit_learn(loss: Any, theirs: Any) -> None:
    value, slope = np.vectorize(theirs.py_loss), np.vectorize(theirs.py_dloss)
    np.testing.assert_allclose(ours(loss), value(SIGNS, X), rtol=1e-13)
    # Its derivative is handed over as (prediction, truth), unlike its value.
    np.testing.assert_allclose(slopes(loss), slope(X, SIGNS), rtol=1e-13)


def test_exponential_is_that_of_scikit_learn_for_soft_targets_too() -> None:
    y = RNG.random(64)
    x = X[:, 0].copy()
    theirs = ExponentialLoss().loss(y_true=y, raw_prediction=x)
    found = exponential(torch.from_numpy(x), torch.from_numpy(y), reduction="none")
    np.testing.assert_allclose(found.numpy(), theirs, rtol=1e-13)


def test_smooth_hinge_at_width_1_is_rennies() -> None:
    z = SIGNS * X
    rennie = np.where(z <= 0, 0.5 - z, np.where(z < 1, (1 - z) ** 2 / 2, 0.0))
    np.testing.assert_allclose(ours(smooth_hinge, width=1.0), rennie, rtol=1e-12, atol=1e-300)


def test_smooth_hinge_nears_the_hinge_as_its_width_shrinks() -> None:
    np.testing.assert_allclose(ours(smooth_hinge, width=1e-9), ours(hinge), atol=1e-9)
    np.testing.assert_array_equal(ours(smooth_hinge, width=0.0), ours(hinge))


@pytest.mark.parametrize("epsilon", [-1.0, -0.3, 0.0, 2.0])
def test_poly1_is_cross_entropy_plus_epsilon_times_what_is_missing(epsilon: float) -> None:
    truth = Y * P + (1 - Y) * (1 - P)
    np.testing.assert_allclose(
        ours(poly1, epsilon=epsilon), -np.log(truth) + epsilon * (1 - truth), rtol=1e-9
    )


def test_the_probability_that_poly1_says_how_to_decode_is_the_true_one() -> None:
    share, epsilon = 0.2, 2.0
    x = torch.zeros((), dtype=torch.float64, requires_grad=True)
    for _ in range(400):
        both = [poly1(x, torch.tensor(each, dtype=torch.float64), epsilon=epsilon) for each in (0.0, 1.0)]
        (slope,) = torch.autograd.grad((1 - share) * both[0] + share * both[1], x)
        x = (x - slope).detach().requires_grad_()
    p = torch.sigmoid(x).item()
    product = p * (1 - p)
    assert (p + epsilon * product) / (1 + 2 * epsilon * product) == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize("clip", [0.0, 0.05, 0.4])
@pytest.mark.parametrize(("gamma_pos", "gamma_neg"), [(0.0, 4.0), (1.0, 2.5), (2.0, 0.0)])
def test_asymmetric_is_the_papers_formula(gamma_pos: float, gamma_neg: float, clip: float) -> None:
    shifted = np.maximum(P - clip, 0)
    value = -Y * (1 - P) ** gamma_pos * np.log(P) - (1 - Y) * shifted**gamma_neg * np.log(1 - shifted)
    found = ours(asymmetric, gamma_pos=gamma_pos, gamma_neg=gamma_neg, clip=clip)
    np.testing.assert_allclose(found, value, rtol=1e-9, atol=1e-300)


def test_asymmetric_without_clip_and_at_equal_gammas_is_focal() -> None:
    found = ours(asymmetric, gamma_pos=1.5, gamma_neg=1.5, clip=0.0)
    np.testing.assert_allclose(found, ours(focal, gamma=1.5), rtol=1e-13)


def test_multilabel_margin_is_torchs_whose_target_is_a_list_of_indices() -> None:
    lists = np.full(Y.shape, -1)
    for row, labels in enumerate(Y):
        present = np.flatnonzero(labels)
        lists[row, : len(present)] = present
    x = torch.from_numpy(X.copy()).requires_grad_()
    theirs = F.multilabel_margin_loss(x, torch.from_numpy(lists), reduction="none")
    np.testing.assert_allclose(ours(multilabel_margin), theirs.detach().numpy(), rtol=1e-12)
    (slope,) = torch.autograd.grad(theirs.sum(), x)
    np.testing.assert_allclose(slopes(multilabel_margin), slope.numpy(), rtol=1e-12)


def test_multilabel_soft_margin_is_the_mean_of_binary_cross_entropy() -> None:
    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    assert binary_cross_entropy(x, y).item() == pytest.approx(
        F.multilabel_soft_margin_loss(x, y).item(), rel=1e-13
    )


def _both_sides(x: Array, y: Array, cold: float, warm: float) -> tuple[Array, Array]:
    """Σ exp(x/cold) over absent labels and Σ exp(-x/warm) over present ones, by row."""
    return ((1 - y) * np.exp(x / cold)).sum(1), (y * np.exp(-x / warm)).sum(1)


def test_zlpr_is_the_papers_formula() -> None:
    absent, present = _both_sides(X, Y, 1.0, 1.0)
    np.testing.assert_allclose(ours(zlpr), np.log1p(absent) + np.log1p(present), rtol=1e-12)


def test_zlpr_of_one_label_is_binary_cross_entropy() -> None:
    x, y = torch.from_numpy(X[:, :1].copy()), torch.from_numpy(Y[:, :1].copy())
    found, wanted = zlpr(x, y, reduction="none"), binary_cross_entropy(x, y, reduction="none")
    np.testing.assert_allclose(found.numpy(), wanted[:, 0].numpy(), rtol=1e-13)


@pytest.mark.parametrize(("warm", "cold"), [(4.0, 1.0), (1.0, 1.0), (0.5, 3.0)])
def test_two_way_is_the_papers_formula_over_labels(warm: float, cold: float) -> None:
    absent, present = _both_sides(X, Y, cold, warm)
    np.testing.assert_allclose(
        ours(two_way, temperature_pos=warm, temperature_neg=cold),
        np.log1p(absent**cold * present**warm),
        rtol=1e-11,
    )


def test_both_ways_of_the_paper_are_two_calls_of_which_one_is_transposed() -> None:
    def way(x: Array, y: Array) -> float:
        absent, present = _both_sides(x, y, 1.0, 4.0)
        return float(np.log1p(absent * present**4.0)[y.any(1)].mean())

    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    rows = two_way(x, y, mask=y.any(1))
    columns = two_way(x.T, y.T, mask=y.T.any(1))
    assert (rows + columns).item() == pytest.approx(way(X, Y) + way(X.T, Y.T), rel=1e-11)


def test_two_way_at_temperatures_of_1_sums_over_all_pairs() -> None:
    pairs = Y[:, :, None] * (1 - Y[:, None, :]) * np.exp(X[:, None, :] - X[:, :, None])
    found = ours(two_way, temperature_pos=1.0, temperature_neg=1.0)
    np.testing.assert_allclose(found, np.log1p(pairs.sum((1, 2))), rtol=1e-12)
