"""Where another library solves the same problem, the same coefficients come out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import (
    GammaRegressor,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    TweedieRegressor,
)
from torch import Tensor

import lossary
from lossary import nn

from .members import Members, generator

CHANCE = generator()
X = torch.randn(300, 3, generator=CHANCE, dtype=torch.float64)
SCORE = X @ torch.tensor([0.5, -0.3, 0.2], dtype=torch.float64) + 0.4
NOISE = torch.randn(300, generator=CHANCE, dtype=torch.float64)
CLASSES = ((SCORE + NOISE).unsqueeze(-1) > torch.tensor([0.0, 1.0], dtype=torch.float64)).sum(-1)
EXACT: dict[str, Any] = {"alpha": 0.0, "tol": 1e-10, "max_iter": 10_000}

CASES: dict[str, tuple[dict[str, Any], Tensor, Any]] = {
    "mse": ({}, SCORE + NOISE, LinearRegression()),
    "binary_cross_entropy": (
        {},
        (SCORE + NOISE > 0).double(),
        LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000),
    ),
    "poisson_nll": ({}, torch.poisson(SCORE.exp(), CHANCE), PoissonRegressor(**EXACT)),
    "poisson_deviance": ({}, torch.poisson(SCORE.exp(), CHANCE), PoissonRegressor(**EXACT)),
    "gamma_deviance": ({}, (SCORE + NOISE).exp(), GammaRegressor(**EXACT)),
    "tweedie": ({"power": 1.5}, (SCORE + NOISE).exp(), TweedieRegressor(power=1.5, link="log", **EXACT)),
}


def fitted(name: str, target: Tensor, **hyper: Any) -> Members:
    return Members(name, X[None], target[None], **hyper).settle(X[None], target[None], steps=500)


@pytest.mark.parametrize("name", list(CASES))
def test_a_linear_model_has_scikit_learns_coefficients_to_5_digits(name: str) -> None:
    hyper, target, peer = CASES[name]
    model = fitted(name, target, **hyper)
    peer.fit(X.numpy(), target.numpy())
    found = torch.cat([model.weight[0, :, 0], model.bias[0, 0]]).detach()
    theirs = torch.from_numpy(np.append(peer.coef_, peer.intercept_))
    torch.testing.assert_close(found, theirs, atol=1e-5, rtol=1e-5)


def test_cross_entropy_is_multinomial_regression() -> None:
    model = fitted("cross_entropy", CLASSES)
    peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(X.numpy(), CLASSES.numpy())
    theirs = torch.from_numpy(peer.predict_proba(X.numpy()))
    torch.testing.assert_close(model.probabilities(X[None])[0], theirs, atol=1e-5, rtol=0.0)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.8])
def test_the_quantile_loss_finds_what_linear_programming_finds(level: float) -> None:
    target = SCORE + NOISE
    model = Members("quantile", X[None], target[None], level=level).descend(
        X[None], target[None], steps=800, lr=0.02
    )
    peer = QuantileRegressor(quantile=level, alpha=0.0, solver="highs").fit(X.numpy(), target.numpy())
    theirs = model.loss(torch.from_numpy(peer.predict(X.numpy())), target, level=level)
    # A descent approaches the corner where the program stops: nothing costs less, and no more than a ten-thousandth.
    excess = model.cost(X[None], target[None]).item() / theirs.item() - 1.0
    assert -1e-9 < excess < 1e-4
    torch.testing.assert_close(
        model.weight[0, :, 0].detach(), torch.from_numpy(peer.coef_), atol=0.02, rtol=0.0
    )


def test_ridge_regression_is_mse_and_a_penalty() -> None:
    target = SCORE + NOISE
    inner = torch.nn.Linear(3, 1, bias=False, dtype=torch.float64)
    loss = nn.Mse() + 0.1 * nn.Penalty(nn.L2Penalty(), inner)
    optimizer = torch.optim.LBFGS(
        inner.parameters(), max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-12
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        value: Tensor = loss(inner(X).squeeze(-1), target)
        value.backward()
        return value

    optimizer.step(closure)
    # The zero of 2/n·X'(Xw - t) + 0.1·w.
    exact = torch.linalg.solve(2 / 300 * X.T @ X + 0.1 * torch.eye(3, dtype=X.dtype), 2 / 300 * X.T @ target)
    torch.testing.assert_close(inner.weight[0].detach(), exact, atol=1e-6, rtol=0.0)
    assert lossary.l2_penalty(exact, reduction="sum") == pytest.approx(0.5 * exact.square().sum().item())
