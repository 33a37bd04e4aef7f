"""Losses on numbers against the same numbers in torch, scikit-learn, SciPy and statsmodels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
import sklearn.metrics
import torch
from torch import Tensor
from torch.nn import functional as F

import lossary

Array = np.ndarray[Any, np.dtype[np.float64]]


def drawn(positive: bool, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Predictions and targets, some of them far apart."""
    generator = torch.Generator().manual_seed(seed)
    x = 3.0 * torch.randn(64, generator=generator, dtype=torch.float64)
    t = x + torch.randn(64, generator=generator, dtype=torch.float64) * 10.0 ** torch.linspace(-3, 2, 64)
    return (x.abs(), t.abs()) if positive else (x, t)


def least_squares(residual: Array, kind: str, f_scale: float) -> float:
    """The cost that SciPy minimises, at a residual that nothing can change."""
    found = scipy.optimize.least_squares(lambda p: residual + 0.0 * p, [0.0], loss=kind, f_scale=f_scale)
    return float(found.cost)


#: (loss, its hyper-parameters, the peer on residual r = x - t, factor): loss = factor x peer, element by element.
OF_THE_RESIDUAL: list[tuple[str, dict[str, Any], Callable[[Array], Array], float]] = [
    *(("huber", {"delta": d}, lambda r, d=d: scipy.special.huber(d, r), 1.0) for d in (0.3, 1.0, 4.0)),
    *(("smooth_l1", {"beta": d}, lambda r, d=d: scipy.special.huber(d, r), 1.0 / d) for d in (0.3, 1.0, 4.0)),
    *(
        ("charbonnier", {"scale": d}, lambda r, d=d: scipy.special.pseudo_huber(d, r), d**-2)
        for d in (0.3, 1.0, 4.0)
    ),
    ("log_cosh", {}, lambda r: np.logaddexp(r, -r) - math.log(2.0), 1.0),
]
#: (loss, its hyper-parameters, SciPy's name, its f_scale, factor) of the sum over residuals.
OF_LEAST_SQUARES = [
    *(("charbonnier", {"scale": s}, "soft_l1", s, s**-2) for s in (0.3, 1.0, 4.0)),
    *(("cauchy", {"scale": s}, "cauchy", math.sqrt(2.0) * s, s**-2) for s in (0.3, 1.0, 4.0)),
    *(("huber", {"delta": s}, "huber", s, 1.0) for s in (0.3, 1.0, 4.0)),
    ("barron", {"alpha": 2.0}, "linear", 1.0, 1.0),
]
OF_SKLEARN = [
    ("mape", sklearn.metrics.mean_absolute_percentage_error),
    ("msle", sklearn.metrics.mean_squared_log_error),
    ("mse", sklearn.metrics.mean_squared_error),
    ("mae", sklearn.metrics.mean_absolute_error),
]


@pytest.mark.parametrize(("name", "hyper", "peer", "factor"), OF_THE_RESIDUAL)
def test_a_loss_is_scipys_function_of_the_residual(
    name: str, hyper: dict[str, Any], peer: Callable[[Array], Array], factor: float
) -> None:
    x, t = drawn(positive=False)
    ours = lossary.get(name)(x, t, reduction="none", **hyper)
    # SciPy's own quotients lose a few digits of small residuals; an absolute error of 1e-15 is theirs.
    np.testing.assert_allclose(ours.numpy(), factor * peer((x - t).numpy()), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(("name", "hyper", "kind", "f_scale", "factor"), OF_LEAST_SQUARES)
def test_a_sum_is_the_cost_that_scipys_least_squares_minimises(
    name: str, hyper: dict[str, Any], kind: str, f_scale: float, factor: float
) -> None:
    x, t = drawn(positive=False)
    ours = float(lossary.get(name)(x, t, reduction="sum", **hyper))
    assert ours == pytest.approx(factor * least_squares((x - t).numpy(), kind, f_scale), rel=1e-12)


@pytest.mark.parametrize("beta", [0.0, 0.25, 1.0, 3.0])
def test_smooth_l1_is_torchs_and_so_is_its_gradient(beta: float) -> None:
    x, t = drawn(positive=False)
    one, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    ours = lossary.get("smooth_l1")(one, t, beta=beta, reduction="none")
    theirs = F.smooth_l1_loss(other, t, beta=beta, reduction="none")
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0.0)
    ours.sum().backward()
    theirs.sum().backward()
    torch.testing.assert_close(one.grad, other.grad, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize(("name", "peer"), OF_SKLEARN)
def test_a_weighted_mean_is_scikit_learns(name: str, peer: Callable[..., float]) -> None:
    x, t = drawn(positive=True)
    weight = torch.linspace(0.0, 2.0, len(x), dtype=torch.float64)
    ours = float(lossary.get(name)(x, t, weight=weight))
    assert ours == pytest.approx(peer(t.numpy(), x.numpy(), sample_weight=weight.numpy()), rel=1e-12)


def test_where_a_target_is_0_scikit_learn_is_huge_and_we_are_infinite_unless_the_prediction_is_0_too() -> (
    None
):
    zero = torch.zeros(1, dtype=torch.float64)
    peer = sklearn.metrics.mean_absolute_percentage_error
    assert peer(zero.numpy(), zero.numpy() + 1.0) > 1e15
    assert float(lossary.get("mape")(zero + 1.0, zero)) == math.inf
    assert peer(zero.numpy(), zero.numpy()) == float(lossary.get("mape")(zero, zero)) == 0.0


def test_tukeys_biweight_is_that_of_statsmodels() -> None:
    norms = pytest.importorskip("statsmodels.robust.norms")
    x, t = drawn(positive=False)
    for scale in (1.0, 4.685):
        ours = lossary.get("tukey")(x, t, scale=scale, reduction="none").numpy()
        np.testing.assert_allclose(
            ours, norms.TukeyBiweight(c=scale).rho((x - t).numpy()), rtol=1e-9, atol=1e-14
        )


def test_an_expectile_is_that_of_scipy() -> None:
    targets = torch.tensor([0.0, 0.0, 1.0, 10.0], dtype=torch.float64)
    for level in (0.1, 0.5, 0.9):
        found = scipy.stats.expectile(targets.numpy(), alpha=level)
        x = torch.full_like(targets, float(found)).requires_grad_()
        lossary.get("expectile")(x, targets, level=level).backward()
        assert x.grad is not None
        assert float(x.grad.sum()) == pytest.approx(0.0, abs=1e-12)


def test_the_epsilon_insensitive_loss_is_what_support_vectors_minimise() -> None:
    from sklearn.svm import LinearSVR

    generator = np.random.default_rng(0)
    features, targets = generator.normal(size=(60, 2)), generator.normal(size=60)
    fitted = LinearSVR(epsilon=0.3, C=2.0, fit_intercept=False, max_iter=100_000, tol=1e-8).fit(
        features, targets
    )

    def objective(coefficients: Array) -> float:
        prediction = torch.from_numpy(features @ coefficients)
        cost = lossary.get("epsilon_insensitive")(
            prediction, torch.from_numpy(targets), epsilon=0.3, reduction="sum"
        )
        return 0.5 * float(coefficients @ coefficients) + 2.0 * float(cost)

    best = objective(fitted.coef_)
    for _ in range(50):
        assert best <= objective(fitted.coef_ + 0.01 * generator.normal(size=2)) + 1e-6
