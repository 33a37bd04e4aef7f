"""Losses for rare classes against the papers' formulas, written again in NumPy as their authors' programs have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lossary.core.errors import DomainError
from lossary.losses.imbalance.class_balanced import class_balanced, effective_weights
from lossary.losses.imbalance.equalization import accumulated, equalization_v2
from lossary.losses.imbalance.ldam import ldam
from lossary.losses.imbalance.logit_adjusted import balanced_softmax, logit_adjusted
from lossary.losses.imbalance.seesaw import seesaw
from lossary.losses.imbalance.vector_scaling import vector_scaling
from lossary.losses.multiclass.cross_entropy import cross_entropy

Array = NDArray[np.float64]

RNG = np.random.default_rng(0)
SCORES: Array = 3 * RNG.normal(size=(64, 5))
TARGET = RNG.integers(0, 5, size=64)
COUNTS: Array = np.array([5000.0, 600.0, 77.0, 12.0, 3.0])
LISTED = COUNTS.tolist()
ROWS = np.arange(64)


def ce(logits: Array, target: Any = TARGET) -> Array:
    """Cross-entropy of rows, by its textbook."""
    shifted = logits - logits.max(1, keepdims=True)
    found: Array = np.log(np.exp(shifted).sum(1)) - shifted[ROWS, target]
    return found


def ours(loss: Any, **hyper: Any) -> Array:
    """Values per row in float64."""
    found: Array = loss(torch.from_numpy(SCORES), torch.from_numpy(TARGET), reduction="none", **hyper).numpy()
    return found


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.999, 0.9999])
def test_class_balanced_is_cross_entropy_times_one_over_the_effective_number(beta: float) -> None:
    weights = (1.0 - beta) / (1.0 - np.power(beta, COUNTS))
    weights = weights / weights.sum() * len(COUNTS)
    np.testing.assert_allclose(
        ours(class_balanced, class_counts=LISTED, beta=beta), weights[TARGET] * ce(SCORES), rtol=1e-11
    )


def test_beta_of_1_weighs_by_one_over_the_counts() -> None:
    weights = 1.0 / COUNTS
    weights = weights / weights.mean()
    np.testing.assert_allclose(
        effective_weights(torch.tensor(LISTED).double(), 1.0).numpy(), weights, rtol=1e-14
    )
    near = effective_weights(torch.tensor(LISTED).double(), 1.0 - 1e-14).numpy()
    np.testing.assert_allclose(near, weights, rtol=1e-10)


def test_effective_weights_are_what_class_weight_takes() -> None:
    weights = effective_weights(LISTED, 0.999)
    assert weights.dtype is torch.float32 and float(weights.mean()) == pytest.approx(1.0, rel=1e-6)
    torch.testing.assert_close(effective_weights(torch.tensor([5000, 600, 77, 12, 3]), 0.999), weights)
    scores, target = torch.from_numpy(SCORES).float(), torch.from_numpy(TARGET)
    theirs = torch.nn.functional.cross_entropy(scores, target, weight=weights)
    torch.testing.assert_close(cross_entropy(scores, target, class_weight=weights), theirs)
    # The block weighs values and not the measure: the sums agree, the means divide by other counts.
    total = class_balanced(scores, target, class_counts=LISTED, reduction="sum")
    torch.testing.assert_close(total, cross_entropy(scores, target, class_weight=weights, reduction="sum"))
    torch.testing.assert_close(class_balanced(scores, target, class_counts=LISTED), total / 64)


@pytest.mark.parametrize(
    ("counts", "beta", "name"),
    [([3.0, 0.0], 0.9, "class_counts"), ([3.0, -1.0], 0.9, "class_counts"), ([3.0, 1.0], 1.5, "beta")],
)
def test_effective_weights_of_nothing_are_refused(counts: list[float], beta: float, name: str) -> None:
    for given in (counts, torch.tensor(counts)):
        with pytest.raises(DomainError, match=rf"effective_weights\({name}=...\): expected "):
            effective_weights(given, beta)


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0, 2.5])
def test_logit_adjustment_is_cross_entropy_of_logits_plus_tau_log_prior(tau: float) -> None:
    prior = COUNTS / COUNTS.sum()
    np.testing.assert_allclose(
        ours(logit_adjusted, class_counts=LISTED, tau=tau),
        ce(SCORES + tau * np.log(prior)),
        rtol=1e-11,
        atol=1e-14,
    )


def test_balanced_softmax_is_cross_entropy_of_logits_plus_log_counts() -> None:
    np.testing.assert_allclose(
        ours(balanced_softmax, class_counts=LISTED), ce(SCORES + np.log(COUNTS)), rtol=1e-11, atol=1e-14
    )


@pytest.mark.parametrize(("gamma", "tau"), [(0.15, 1.25), (0.3, 0.0), (0.0, 1.0), (1.0, 2.0)])
def test_vector_scaling_is_as_its_authors_have_it(gamma: float, tau: float) -> None:
    temperature = (1.0 / COUNTS) ** gamma
    temperature = temperature / temperature.min()
    iota = tau * np.log(COUNTS / COUNTS.sum())
    np.testing.assert_allclose(
        ours(vector_scaling, class_counts=LISTED, gamma=gamma, tau=tau),
        ce(SCORES / temperature + iota),
        rtol=1e-10,
        atol=1e-13,
    )


@pytest.mark.parametrize(("max_margin", "scale"), [(0.5, 30.0), (0.0, 1.0), (2.0, 3.0)])
def test_ldam_is_as_its_authors_have_it(max_margin: float, scale: float) -> None:
    margins = 1.0 / np.sqrt(np.sqrt(COUNTS))
    margins = margins * (max_margin / margins.max())
    lowered = SCORES.copy()
    lowered[ROWS, TARGET] -= margins[TARGET]
    np.testing.assert_allclose(
        ours(ldam, class_counts=LISTED, max_margin=max_margin, scale=scale),
        ce(scale * lowered),
        rtol=1e-10,
        atol=1e-13,
    )


@pytest.mark.parametrize(("p", "q"), [(0.8, 2.0), (0.0, 0.0), (1.5, 0.0), (0.0, 1.0)])
def test_seesaw_is_as_its_authors_have_it(p: float, q: float) -> None:
    """Without their lower bound on the divisor, which no row here meets."""
    onehot = np.eye(5)[TARGET]
    factor = np.ones_like(SCORES)
    if p > 0:
        ratio = COUNTS[None, :] / COUNTS[:, None]
        factor = factor * np.where(ratio < 1.0, ratio**p, 1.0)[TARGET]
    if q > 0:
        chances = np.exp(SCORES) / np.exp(SCORES).sum(1, keepdims=True)
        against = chances / chances[ROWS, TARGET][:, None]
        factor = factor * np.where(against > 1.0, against**q, 1.0)
    np.testing.assert_allclose(
        ours(seesaw, class_counts=LISTED, mitigation=p, compensation=q),
        ce(SCORES + np.log(factor) * (1 - onehot)),
        rtol=1e-10,
        atol=1e-13,
    )


def test_seesaw_without_compensation_has_the_gradient_of_the_paper() -> None:
    """S_ij·exp(z_j)/exp(z_i)·σ̂_i for a rival, σ̂_i - 1 for the true class (of the paper's section on seesaw loss)."""
    scores = torch.from_numpy(SCORES).requires_grad_()
    value = seesaw(scores, torch.from_numpy(TARGET), class_counts=LISTED, mitigation=0.8, compensation=0.0)
    (gradient,) = torch.autograd.grad(value * 64, scores)
    mitigated = np.minimum(COUNTS[None, :] / COUNTS[:, None], 1.0)[TARGET] ** 0.8
    raised = mitigated * np.exp(SCORES)
    wanted = raised / raised.sum(1, keepdims=True) - np.eye(5)[TARGET]
    np.testing.assert_allclose(gradient.numpy(), wanted, rtol=1e-9, atol=1e-12)


def test_equalization_v2_is_as_its_authors_have_it_over_several_steps() -> None:
    """Their module, which keeps the sums of gradients itself, beside a loop that keeps them for the function here."""
    gamma, mu, alpha = 12.0, 0.8, 4.0
    positive, negative = np.zeros(5), np.zeros(5)
    quotient = np.full(5, 100.0)
    sums, ratio = (torch.zeros(5).double(), torch.zeros(5).double()), torch.full((5,), 100.0).double()
    for step in range(4):
        x, t = np.roll(SCORES, step, 0), np.eye(5)[np.roll(TARGET, 2 * step)]
        chance = 1 / (1 + np.exp(-x))
        lowered = 1 / (1 + np.exp(-gamma * (quotient - mu)))
        weight = (1 + alpha * (1 - lowered)) * t + lowered * (1 - t)
        theirs = weight * -(t * np.log(chance) + (1 - t) * np.log(1 - chance))
        logits, target = torch.from_numpy(x.copy()), torch.from_numpy(t)
        np.testing.assert_allclose(
            equalization_v2(logits, target, ratio=ratio, reduction="none").numpy(), theirs, rtol=1e-10
        )
        slope = np.abs(t * (chance - 1) + (1 - t) * chance)
        positive, negative = (
            positive + (slope * t * weight).sum(0),
            negative + (slope * (1 - t) * weight).sum(0),
        )
        quotient = positive / (negative + 1e-10)
        ones, zeros = accumulated(logits, target, ratio)
        sums = sums[0] + ones, sums[1] + zeros
        ratio = sums[0] / sums[1]
        np.testing.assert_allclose(ratio.numpy(), quotient, rtol=1e-10)
    assert (quotient < 1).any()


@pytest.mark.parametrize(
    "loss", [class_balanced, logit_adjusted, balanced_softmax, vector_scaling, ldam, seesaw]
)
def test_a_soft_target_is_the_mean_over_its_classes(loss: Any) -> None:
    scores = torch.from_numpy(SCORES)
    soft = torch.softmax(torch.from_numpy(RNG.normal(size=(64, 5))), 1)
    each = [loss(scores, torch.full((64,), c), class_counts=LISTED, reduction="none") for c in range(5)]
    torch.testing.assert_close(
        loss(scores, soft, class_counts=LISTED, reduction="none"), (soft * torch.stack(each, 1)).sum(1)
    )


@pytest.mark.parametrize(
    "loss", [class_balanced, logit_adjusted, balanced_softmax, vector_scaling, ldam, seesaw]
)
def test_counts_can_be_a_list_or_a_tensor_of_any_dtype(loss: Any) -> None:
    scores, target = torch.from_numpy(SCORES), torch.from_numpy(TARGET)
    listed = loss(scores, target, class_counts=LISTED)
    for dtype in (torch.int64, torch.float32, torch.float64):
        torch.testing.assert_close(loss(scores, target, class_counts=torch.tensor(LISTED).to(dtype)), listed)
