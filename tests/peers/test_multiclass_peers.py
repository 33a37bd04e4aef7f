"""Losses over classes against torch, scikit-learn, the papers' programs, and SciPy's optimiser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.spatial
import sklearn.metrics
import torch
from torch import Tensor
from torch.nn import functional as F

from lossary.losses.multiclass.consistency import jsd_consistency, shannon_spread
from lossary.losses.multiclass.cross_entropy import cross_entropy
from lossary.losses.multiclass.margin import categorical_hinge, multi_margin
from lossary.losses.multiclass.poly1 import categorical_poly1
from lossary.losses.multiclass.simplex import entmax15_probabilities, sparsemax_probabilities
from lossary.losses.multiclass.sparse import entmax15, sparsemax
from lossary.losses.multiclass.taylor import taylor_cross_entropy

CLASSES = 5
GENERATOR = torch.Generator().manual_seed(0)
SCORES = 1.5 * torch.randn(64, CLASSES, generator=GENERATOR, dtype=torch.float64)
TARGET = torch.randint(CLASSES, (64,), generator=GENERATOR)
SOFT = torch.softmax(torch.randn(64, CLASSES, generator=GENERATOR, dtype=torch.float64), 1)
WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 0.25, 3.0], dtype=torch.float64)

SPARSE = [(sparsemax, sparsemax_probabilities, 2.0), (entmax15, entmax15_probabilities, 1.5)]


def close(one: Any, other: Any, rtol: float = 1e-11) -> None:
    np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=rtol, atol=1e-14)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("margin", [0.5, 1.0, 3.0])
def test_multi_margin_is_torchs_times_the_number_of_classes(p: int, margin: float) -> None:
    theirs = CLASSES * F.multi_margin_loss(SCORES, TARGET, p=p, margin=margin, reduction="none")
    close(multi_margin(SCORES, TARGET, p=p, margin=margin, reduction="none"), theirs)


def test_torchs_mean_of_weighted_rows_divides_by_their_number_and_ours_by_their_weight() -> None:
    theirs = F.multi_margin_loss(SCORES, TARGET, weight=WEIGHTS)
    ours = multi_margin(SCORES, TARGET, class_weight=WEIGHTS)
    close(ours, theirs * CLASSES * len(TARGET) / WEIGHTS[TARGET].sum())


def test_categorical_hinge_is_scikit_learns() -> None:
    theirs = sklearn.metrics.hinge_loss(TARGET.numpy(), SCORES.numpy(), labels=range(CLASSES))
    close(categorical_hinge(SCORES, TARGET), theirs)


def test_categorical_hinge_is_keras_unless_all_wrong_scores_are_negative() -> None:
    one_hot = F.one_hot(TARGET, CLASSES)
    keras = F.relu(1 + ((1 - one_hot) * SCORES).amax(1) - (one_hot * SCORES).sum(1))
    positive = SCORES.masked_fill(one_hot.bool(), -torch.inf).amax(1) > 0
    ours = categorical_hinge(SCORES, TARGET, reduction="none")
    assert 0 < int(positive.sum()) < len(TARGET)
    close(ours[positive], keras[positive])
    assert bool((ours[~positive] <= keras[~positive]).all()) and not torch.allclose(ours, keras)


@pytest.mark.parametrize("epsilon", [-1.0, 0.0, 2.0])
def test_categorical_poly1_is_the_papers_program(epsilon: float) -> None:
    for target, one_hot in ((TARGET, F.one_hot(TARGET, CLASSES)), (SOFT, SOFT)):
        pt = (one_hot * SCORES.softmax(1)).sum(1)
        theirs = F.cross_entropy(SCORES, target, reduction="none") + epsilon * (1 - pt)
        close(categorical_poly1(SCORES, target, epsilon=epsilon, reduction="none"), theirs)


@pytest.mark.parametrize("epsilon", [-1.0, -0.5, 0.0, 2.0])
def test_poly1_costs_least_where_its_probabilities_are_the_targets(epsilon: float) -> None:
    probabilities = categorical_poly1.loss.facts.probabilities
    assert probabilities is not None
    target = probabilities(SCORES, epsilon=epsilon)
    leaf = SCORES.clone().requires_grad_()
    (pull,) = torch.autograd.grad(categorical_poly1(leaf, target, epsilon=epsilon, reduction="sum"), leaf)
    assert float(pull.abs().max()) < 1e-14
    certain = probabilities(torch.tensor([200.0, 0.0]), epsilon=epsilon)
    assert certain.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("order", [1, 2, 3, 8])
def test_taylor_cross_entropy_is_the_series_of_its_order(order: int) -> None:
    rest = 1 - SCORES.softmax(1)
    costs = torch.stack([rest**k / k for k in range(1, order + 1)]).sum(0)
    for target, one_hot in ((TARGET, F.one_hot(TARGET, CLASSES)), (SOFT, SOFT)):
        close(taylor_cross_entropy(SCORES, target, order=order, reduction="none"), (one_hot * costs).sum(1))


def test_taylor_cross_entropy_rises_to_cross_entropy_with_its_order() -> None:
    values = [float(taylor_cross_entropy(SCORES, TARGET, order=order)) for order in (1, 2, 4, 16, 64, 4096)]
    assert values == sorted(values)
    close(values[-1], cross_entropy(SCORES, TARGET), rtol=1e-4)


@pytest.mark.parametrize(("loss", "probabilities", "alpha"), SPARSE)
def test_sparse_losses_are_what_an_optimiser_over_the_simplex_finds(
    loss: Any, probabilities: Any, alpha: float
) -> None:
    """The most of p·x plus Tsallis' entropy, less the true class's score; and the p that attains it."""

    def less(p: Any, x: Any) -> float:
        return -float(p @ x + (p - p.clip(min=0) ** alpha).sum() / (alpha * (alpha - 1)))

    values = loss(SCORES, TARGET, reduction="none")
    for x, k, value, found in zip(
        SCORES.numpy(), TARGET.tolist(), values.tolist(), probabilities(SCORES).numpy(), strict=True
    ):
        best = scipy.optimize.minimize(
            less, np.full(CLASSES, 1 / CLASSES), (x,), "SLSQP", bounds=[(0, 1)] * CLASSES, options={"ftol": 1e-13},
            constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
        )  # fmt: skip
        assert value == pytest.approx(-best.fun - x[k], abs=1e-7)
        assert found == pytest.approx(best.x, abs=1e-4)


def test_sparsemax_is_the_nearest_point_of_the_simplex() -> None:
    theirs = []
    for row in SCORES.numpy():
        least = scipy.optimize.brentq(
            lambda t, row=row: np.maximum(row - t, 0).sum() - 1, -20, 20, xtol=1e-15
        )
        theirs.append(np.maximum(row - least, 0))
    np.testing.assert_allclose(sparsemax_probabilities(SCORES).numpy(), theirs, atol=1e-13)


@pytest.mark.parametrize(("loss", "probabilities", "alpha"), SPARSE)
def test_the_slope_of_a_sparse_loss_is_its_probabilities_less_the_target(
    loss: Any, probabilities: Any, alpha: float
) -> None:
    leaf = SCORES.clone().requires_grad_()
    (pull,) = torch.autograd.grad(loss(leaf, SOFT, reduction="sum"), leaf)
    close(pull, probabilities(SCORES) - SOFT, rtol=1e-9)


@pytest.mark.parametrize(("loss", "probabilities", "alpha"), SPARSE)
def test_sparse_probabilities_can_be_learned_through(loss: Any, probabilities: Any, alpha: float) -> None:
    leaf = SCORES[:8].clone().requires_grad_()
    assert torch.autograd.gradcheck(probabilities, leaf)
    moved = probabilities(SCORES.reshape(4, 16, CLASSES).movedim(-1, 1), dim=1).movedim(1, -1)
    torch.testing.assert_close(moved.reshape(-1, CLASSES), probabilities(SCORES))
    barred = SCORES.index_fill(1, torch.tensor([2]), -torch.inf)
    found: Tensor = probabilities(barred)
    assert bool((found[:, 2] == 0).all()) and torch.allclose(
        found.sum(1), torch.ones(64, dtype=torch.float64)
    )


def test_jsd_consistency_is_the_papers_program() -> None:
    rows = SCORES[:20], SCORES[20:40], SCORES[40:60]
    p = [row.softmax(1) for row in rows]
    mixture = torch.clamp((p[0] + p[1] + p[2]) / 3, 1e-7, 1).log()
    theirs = sum(F.kl_div(mixture, each, reduction="batchmean") for each in p) / 3
    close(jsd_consistency(*rows), theirs)


def test_the_spread_of_two_rows_is_scipys_jensen_shannon() -> None:
    one, other = SCORES[:32].log_softmax(1), SCORES[32:].log_softmax(1)
    theirs = scipy.spatial.distance.jensenshannon(one.exp().numpy(), other.exp().numpy(), axis=1) ** 2
    close(shannon_spread(one, other), theirs, rtol=1e-9)


def test_predictions_that_are_alike_disagree_by_nothing_and_never_by_less() -> None:
    row = SCORES.float()
    assert float(jsd_consistency(row, row, row)) == 0.0
    for size in (1e-1, 1e-3, 1e-5, 1e-7):
        noisy = [row + size * torch.randn(row.shape, generator=GENERATOR) for _ in range(3)]
        assert bool((jsd_consistency(*noisy, reduction="none") >= 0).all())
