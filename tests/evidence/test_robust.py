"""One row in twenty is grossly wrong."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor

from .members import SEEDS, Members, generator


def spoiled() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A line with noise of 0.5, 5 % of its targets some 20 too high; and clean rows to be judged by."""
    chance = generator()
    weight = torch.randn(SEEDS, 5, 1, generator=chance)
    x = torch.randn(SEEDS, 200, 5, generator=chance)
    t = (x @ weight).squeeze(-1) + 0.5 * torch.randn(SEEDS, 200, generator=chance)
    wrong = torch.rand(SEEDS, 200, generator=chance) < 0.05
    t = torch.where(wrong, t + 20.0 + 10.0 * torch.randn(SEEDS, 200, generator=chance), t)
    fresh = torch.randn(SEEDS, 1000, 5, generator=chance)
    return x, t, fresh, (fresh @ weight).squeeze(-1)


@cache
def errors(name: str) -> Tensor:
    """Root mean squared errors on clean rows, one a seed."""
    x, t, fresh, truth = spoiled()
    found = Members(name, x, t).descend(x, t, steps=200, lr=0.05).answers(fresh)
    return (found - truth).square().mean(-1).sqrt()


@pytest.fixture(scope="module")
def squared() -> Tensor:
    return errors("mse")


@pytest.mark.parametrize(
    "name",
    ["huber", "smooth_l1", "charbonnier", "log_cosh", "mae", "epsilon_insensitive", "cauchy", "student_t_nll", "welsch",
     "geman_mcclure", "tukey"],
)  # fmt: skip
def test_5_percent_of_gross_outliers_cost_a_robust_loss_less_than_a_third_of_what_they_cost_mse(
    name: str, squared: Tensor
) -> None:
    # Measured: 1.19 for mse (standard deviation 0.23, least 0.94); 0.107 tukey, 0.108 cauchy, 0.109 geman_mcclure,
    # 0.110 welsch, 0.112 huber, 0.114 student_t_nll, 0.117 log_cosh, 0.119 charbonnier, 0.126 mae (greatest 0.22).
    found = errors(name)
    assert (found < squared / 3).all()
    assert found.mean() < squared.mean() / 5


def test_what_redescends_gains_little_over_huber_on_5_percent() -> None:
    # Measured: 0.107 against 0.112, with standard deviations of 0.02: no reason yet to give up convexity.
    assert abs(errors("tukey").mean() - errors("huber").mean()) < 0.03
