"""The losses for noisy labels against their papers' formulas, written again over NumPy and SciPy alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import torch

import lossary

ROWS, CLASSES = 40, 5
Array = Any

GENERATOR = np.random.default_rng(0)
LOGITS: Array = 3.0 * GENERATOR.standard_normal((ROWS, CLASSES))
LABELS: Array = GENERATOR.integers(0, CLASSES, ROWS)
SOFT: Array = scipy.special.softmax(2.0 * GENERATOR.standard_normal((ROWS, CLASSES)), 1)
NOISE: Array = scipy.special.softmax(GENERATOR.standard_normal((CLASSES, CLASSES)) + 3.0 * np.eye(CLASSES), 1)
P: Array = scipy.special.softmax(LOGITS, 1)
ONE_HOT: Array = np.eye(CLASSES)[LABELS]


def ours(name: str, target: Array = LABELS, logits: Array = LOGITS, **hyper: Any) -> Array:
    """One value per row."""
    return lossary.get(name)(torch.tensor(logits), torch.tensor(target), reduction="none", **hyper).numpy()


def generalized(q: float) -> Array:
    """Zhang and Sabuncu: (1 - f_j(x)^q)/q."""
    return (1 - P[np.arange(ROWS), LABELS] ** q) / q


def reverse(log_zero: float) -> Array:
    """Wang et al.: -Σ p(k|x)·log q(k|x) with log 0 = A."""
    with np.errstate(divide="ignore"):
        return -(P * np.maximum(np.log(ONE_HOT), log_zero)).sum(1)


def cross_entropy() -> Array:
    """-Σ q·log p."""
    return -(ONE_HOT * np.log(P)).sum(1)


def normalized(gamma: float) -> Array:
    """Ma et al.: L(f(x), y)/Σ_j L(f(x), j) of the focal loss."""
    costs = -((1 - P) ** gamma) * np.log(P)
    return (ONE_HOT * costs).sum(1) / costs.sum(1)


def bootstrapped(beta: float, belief: Array) -> Array:
    """Reed et al.: -Σ (β·t_k + (1 - β)·z_k)·log q_k."""
    return -((beta * ONE_HOT + (1 - beta) * belief) * np.log(P)).sum(1)


def tempered(t1: float, t2: float) -> Array:
    """Amid et al.: the normaliser by Brent's method, then the Bregman divergence term by term."""

    def log_t(x: Array) -> Array:
        return np.log(x) if t1 == 1 else (x ** (1 - t1) - 1) / (1 - t1)

    def exp_t(x: Array) -> Array:
        return np.exp(x) if t2 == 1 else np.maximum(1 + (1 - t2) * x, 0) ** (1 / (1 - t2))

    found = []
    for row, y in zip(LOGITS, ONE_HOT, strict=True):

        def over(level: float, row: Array = row) -> float:
            return float(exp_t(row - level).sum() - 1)

        level = scipy.optimize.brentq(over, row.max(), row.max() + 1e4, xtol=1e-15, rtol=1e-15, maxiter=500)
        p = exp_t(row - level)
        true = y > 0
        terms = np.where(true, y * (log_t(np.where(true, y, 1)) - log_t(p)), 0)
        found.append((terms - (y ** (2 - t1) - p ** (2 - t1)) / (2 - t1)).sum())
    return np.array(found)


def relaxed(alpha: float) -> Array:
    """Lienen and Hüllermeier: KL(p^r || p̂) with the nearest member p^r of the credal set, 0 inside it."""
    others = (1 - ONE_HOT) * P
    nearest = np.where(ONE_HOT > 0, 1 - alpha, alpha * others / others.sum(1, keepdims=True))
    outside = (ONE_HOT * P).sum(1) < 1 - alpha
    return np.where(outside, scipy.special.rel_entr(nearest, P).sum(1), 0)


CASES: list[tuple[str, dict[str, Any], Callable[[], Array]]] = [
    *(("generalized_cross_entropy", {"q": q}, lambda q=q: generalized(q)) for q in (0.1, 0.7, 1.0)),
    ("categorical_mae", {}, lambda: np.abs(ONE_HOT - P).sum(1)),
    *(("reverse_cross_entropy", {"log_zero": a}, lambda a=a: reverse(a)) for a in (-4.0, np.log(1e-4))),
    ("symmetric_cross_entropy", {"alpha": 0.1, "beta": 1.0, "log_zero": -6.0},
     lambda: 0.1 * cross_entropy() + reverse(-6.0)),
    ("normalized_cross_entropy", {}, lambda: normalized(0.0)),
    ("normalized_focal", {"gamma": 0.5}, lambda: normalized(0.5)),
    ("active_passive", {"alpha": 10.0, "beta": 0.1}, lambda: 10 * normalized(0.0) + 0.1 * reverse(-4.0)),
    ("active_passive", {"gamma": 0.5, "log_zero": -2.0}, lambda: normalized(0.5) + np.abs(ONE_HOT - P).sum(1)),
    ("bootstrapping", {"beta": 0.95}, lambda: bootstrapped(0.95, P)),
    ("hard_bootstrapping", {"beta": 0.8}, lambda: bootstrapped(0.8, np.eye(CLASSES)[P.argmax(1)])),
    *(("bi_tempered", {"t1": t1, "t2": t2}, lambda t1=t1, t2=t2: tempered(t1, t2))
      for t1, t2 in ((0.8, 1.2), (0.2, 4.0), (1.0, 1.5), (0.0, 1.0), (0.5, 1.01))),
    ("forward_correction", {"transition": NOISE}, lambda: -np.log((P @ NOISE)[np.arange(ROWS), LABELS])),
    ("backward_correction", {"transition": NOISE},
     lambda: (np.linalg.inv(NOISE) @ -np.log(P).T).T[np.arange(ROWS), LABELS]),
    *(("label_relaxation", {"alpha": a}, lambda a=a: relaxed(a)) for a in (0.01, 0.1, 0.4)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "hyper", "paper"), CASES, ids=[f"{name}-{i}" for i, (name, *_) in enumerate(CASES)]
)
def test_the_papers_formula_is_what_we_compute(
    name: str, hyper: dict[str, Any], paper: Callable[[], Array]
) -> None:
    given = {key: torch.tensor(each) if isinstance(each, np.ndarray) else each for key, each in hyper.items()}
    np.testing.assert_allclose(ours(name, **given), paper(), rtol=1e-9, atol=1e-13)


def test_bi_tempered_differs_from_the_bregman_divergence_of_a_soft_target_by_what_the_target_alone_says() -> (
    None
):
    t1 = 0.8
    itself = (SOFT * (SOFT ** (1 - t1) - 1) / (1 - t1)).sum(1) - ((SOFT ** (2 - t1)).sum(1) - 1) / (2 - t1)
    log_p = LOGITS - scipy.special.logsumexp(LOGITS, axis=1, keepdims=True)
    p = np.exp(log_p)
    terms = SOFT * ((SOFT ** (1 - t1) - p ** (1 - t1)) / (1 - t1)) - (SOFT ** (2 - t1) - p ** (2 - t1)) / (
        2 - t1
    )
    np.testing.assert_allclose(ours("bi_tempered", SOFT, t1=t1, t2=1.0) + itself, terms.sum(1), rtol=1e-9)


def test_backward_correction_is_on_average_over_the_noise_the_clean_cross_entropy() -> None:
    by_label = [
        ours("backward_correction", np.full(ROWS, k), transition=torch.tensor(NOISE)) for k in range(CLASSES)
    ]
    average = np.stack(by_label, 1) @ NOISE.T
    np.testing.assert_allclose(average, -np.log(P), rtol=1e-10)


def test_forward_correction_is_least_at_the_clean_distribution() -> None:
    clean = SOFT[:1]
    labels = clean @ NOISE

    def risk(logits: Array) -> float:
        return float(ours("forward_correction", labels, logits, transition=torch.tensor(NOISE))[0])

    best = risk(np.log(clean))
    assert all(risk(np.log(clean) + 0.3 * GENERATOR.standard_normal(clean.shape)) > best for _ in range(50))


@pytest.mark.parametrize("name", ["forward_correction", "backward_correction"])
@pytest.mark.parametrize("target", [LABELS, SOFT], ids=["labels", "soft"])
def test_without_noise_a_correction_is_cross_entropy_also_where_it_is_tiny_or_huge(
    name: str, target: Array
) -> None:
    for scale in (1.0, 30.0, 300.0):
        logits = (scale * LOGITS).astype(np.float32)
        corrected = ours(name, target.astype(np.float32) if target is SOFT else target, logits,
                         transition=torch.eye(CLASSES))  # fmt: skip
        plain = ours("cross_entropy", target.astype(np.float32) if target is SOFT else target, logits)
        np.testing.assert_allclose(corrected, plain, rtol=1e-5)


def test_a_label_that_a_class_never_gets_costs_without_limit_and_without_nan() -> None:
    table = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    x = torch.tensor([[0.0, -torch.inf, 0.0], [0.0, 1.0, -1.0]], requires_grad=True)
    value = lossary.get("forward_correction")(x, torch.tensor([1, 1]), transition=table, reduction="none")
    (gradient,) = torch.autograd.grad(value.sum(), x)
    assert value[0] == torch.inf and value[1].isfinite() and gradient.isfinite().all()


@pytest.mark.parametrize("q", [1e-300, 1e-12, 1e-6])
def test_near_q_0_generalised_cross_entropy_keeps_its_digits(q: float) -> None:
    plain = ours("cross_entropy")
    # (1 - p^q)/q = CE - q·CE²/2 + ...
    np.testing.assert_allclose(ours("generalized_cross_entropy", q=q), plain - q * plain**2 / 2, rtol=1e-9)


@pytest.mark.parametrize("t", [1e-9, 1e-12])
def test_near_1_both_temperatures_lead_to_cross_entropy(t: float) -> None:
    np.testing.assert_allclose(ours("bi_tempered", t1=1 - t, t2=1 + t), ours("cross_entropy"), rtol=1e3 * t)


@pytest.mark.parametrize("noise", [0.2, 0.6])
@pytest.mark.parametrize(
    ("name", "hyper"),
    [
        ("generalized_cross_entropy", {"q": 1.0}),
        ("categorical_mae", {}),
        ("reverse_cross_entropy", {}),
        ("normalized_cross_entropy", {}),
        ("normalized_focal", {}),
        ("active_passive", {}),
    ],
)
def test_uniform_noise_only_scales_and_shifts_a_symmetric_loss(
    name: str, hyper: dict[str, Any], noise: float
) -> None:
    noisy = (1 - noise) * ONE_HOT + noise / (CLASSES - 1) * (1 - ONE_HOT)
    clean, with_noise = ours(name, **hyper), ours(name, noisy, **hyper)
    slope = 1 - noise * CLASSES / (CLASSES - 1)
    shift = with_noise - slope * clean
    np.testing.assert_allclose(shift, shift[0], rtol=1e-12)
