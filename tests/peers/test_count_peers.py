"""Losses on counts and amounts: against torch, SciPy, scikit-learn and statsmodels, and where those give out."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
import statsmodels.api as sm
import torch
from statsmodels.discrete.count_model import ZeroInflatedNegativeBinomialP, ZeroInflatedPoisson
from statsmodels.discrete.discrete_model import NegativeBinomial
from torch import Tensor
from torch.nn import functional as F

from lossary.losses.likelihood.deviance import gamma_deviance, poisson_deviance, tweedie
from lossary.losses.likelihood.negative_binomial import (
    negative_binomial_nll,
    zero_inflated_negative_binomial,
)
from lossary.losses.likelihood.poisson import poisson_nll, zero_inflated_poisson

GENERATOR = torch.Generator().manual_seed(0)
X: Tensor = torch.randn(200, 3, generator=GENERATOR, dtype=torch.float64)
COUNTS: Tensor = torch.poisson(torch.exp(1.5 * X[:, 0]), GENERATOR)
AMOUNTS: Tensor = torch.exp(torch.randn(200, generator=GENERATOR, dtype=torch.float64))
SOME_ZERO: Tensor = torch.where(COUNTS == 0, 0.0, AMOUNTS)


def close(one: Any, other: Any, tolerance: float = 1e-10) -> None:
    np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=tolerance, atol=1e-12)


def test_poisson_without_its_factorial_is_torchs() -> None:
    theirs = F.poisson_nll_loss(X[:, 0], COUNTS, reduction="none")
    close(poisson_nll(X[:, 0], COUNTS, reduction="none"), theirs)


def test_torch_approximates_the_factorial_where_poisson_has_it_whole() -> None:
    three = torch.tensor([3.0], dtype=torch.float64)
    theirs = F.poisson_nll_loss(torch.zeros_like(three), three, full=True)
    ours = poisson_nll(torch.zeros_like(three), three, full=True)
    close(ours, 1 + np.log(6.0))
    assert abs(float(theirs - ours)) > 0.02


def test_poisson_is_the_law_in_torch_and_scipy() -> None:
    ours = poisson_nll(X[:, 0], COUNTS, full=True, reduction="none")
    close(ours, -torch.distributions.Poisson(X[:, 0].exp()).log_prob(COUNTS))
    close(ours, -scipy.stats.poisson.logpmf(COUNTS.numpy(), X[:, 0].exp().numpy()))


def test_the_negative_binomial_is_the_law_in_torch_and_scipy() -> None:
    ours = negative_binomial_nll(X[:, :2], COUNTS, reduction="none")
    size, mean = torch.exp(-X[:, 1]), torch.exp(X[:, 0])
    law = torch.distributions.NegativeBinomial(size, logits=X[:, 0] + X[:, 1])
    close(ours, -law.log_prob(COUNTS))
    close(ours, -scipy.stats.nbinom.logpmf(COUNTS.numpy(), size.numpy(), (size / (size + mean)).numpy()))


def test_the_stated_mean_and_variance_are_those_of_the_law() -> None:
    facts = negative_binomial_nll.loss.facts
    assert facts.law is not None
    law = facts.law(X[:, :2])
    mean = X[:, 0].exp()
    close(law.mean, mean)
    close(law.variance, mean + X[:, 1].exp() * mean**2)


@pytest.mark.parametrize(
    "loss", [zero_inflated_poisson, zero_inflated_negative_binomial], ids=["zip", "zinb"]
)
def test_extra_zeros_are_a_mixture_in_torch(loss: Any) -> None:
    columns = len(loss.loss.inputs[0].kind.columns)
    rows = X[:, :columns]
    law = loss.loss.facts.law(rows)
    close(loss(rows, COUNTS, reduction="none"), -law.log_prob(COUNTS), 1e-9)
    close(loss.decode(rows), torch.sigmoid(-rows[:, -1]) * rows[:, 0].exp())


def test_count_regressions_of_statsmodels_have_the_same_likelihood() -> None:
    counts, ones = COUNTS.numpy(), np.ones((len(COUNTS), 1))
    design = sm.add_constant(X[:, 1:2].numpy())
    log_mean = torch.from_numpy(design @ np.array([0.3, 0.7]))
    log_dispersion, extra = torch.full_like(log_mean, -0.4), torch.full_like(log_mean, 0.2)
    alpha = float(np.exp(-0.4))

    theirs = NegativeBinomial(counts, design).loglikeobs(np.array([0.3, 0.7, -0.4]))
    rows = torch.stack([log_mean, log_dispersion], -1)
    close(negative_binomial_nll(rows, COUNTS, reduction="none"), -theirs, 1e-8)

    zip_ = ZeroInflatedPoisson(counts, design, exog_infl=ones)
    rows = torch.stack([log_mean, extra], -1)
    close(
        zero_inflated_poisson(rows, COUNTS, reduction="none"),
        -zip_.loglikeobs(np.array([0.2, 0.3, 0.7])),
        1e-8,
    )

    zinb = ZeroInflatedNegativeBinomialP(counts, design, exog_infl=ones)
    rows = torch.stack([log_mean, log_dispersion, extra], -1)
    theirs = zinb.loglikeobs(np.array([0.2, 0.3, 0.7, alpha]))
    close(zero_inflated_negative_binomial(rows, COUNTS, reduction="none"), -theirs, 1e-8)


@pytest.mark.parametrize("power", [0.0, 1.0, 1.3, 1.5, 1.99, 2.0, 2.5, 3.0, 4.5])
def test_deviances_are_scikit_learns(power: float) -> None:
    target = SOME_ZERO if power < 2 else AMOUNTS
    theirs = sklearn.metrics.mean_tweedie_deviance(target.numpy(), X[:, 0].exp().numpy(), power=power)
    close(tweedie(X[:, 0], target, power=power), theirs)


def test_the_deviances_with_a_name_are_scikit_learns() -> None:
    means = X[:, 0].exp().numpy()
    close(poisson_deviance(X[:, 0], COUNTS), sklearn.metrics.mean_poisson_deviance(COUNTS.numpy(), means))
    close(gamma_deviance(X[:, 0], AMOUNTS), sklearn.metrics.mean_gamma_deviance(AMOUNTS.numpy(), means))


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_a_power_next_to_1_or_2_is_next_to_its_deviance(power: float) -> None:
    """Where scikit-learn divides by 1 - p and by 2 - p, ten digits are gone at a distance of 1e-10."""
    here = tweedie(X[:, 0], AMOUNTS, power=power, reduction="none")
    there = tweedie(X[:, 0], AMOUNTS, power=power + 1e-10, reduction="none")
    close(there, here, 1e-8)
    assert bool((there >= 0).all())


def test_a_mean_that_fits_costs_next_to_nothing_and_never_less() -> None:
    x = torch.linspace(-60.0, 60.0, 999)
    for power in (1.0, 1.5, 2.0):
        values = tweedie(x, x.exp(), power=power, reduction="none") / torch.exp((2.0 - power) * x)
        assert bool((values >= 0).all()) and float(values.max()) < 1e-10


def test_float32_keeps_the_digits_of_a_million_counts() -> None:
    """log k! of a million is 1.3e7, and the answer 7.8: the sum of the terms in float32 is off by about 1."""
    count, x = torch.tensor([1e6]), torch.tensor([13.8165])
    ours = float(poisson_nll(x, count, full=True))
    exact = float(_poisson(x.item(), 1e6))
    assert ours == pytest.approx(exact, rel=1e-4)
    naive = float(torch.exp(x) - count * x + torch.lgamma(count + 1))
    assert abs(naive - exact) > 0.05


def _poisson(x: float, count: float) -> Any:
    with mpmath.workdps(50):
        return mpmath.exp(x) - mpmath.mpf(count) * x + mpmath.loggamma(count + 1)


def test_the_negative_binomial_becomes_poisson_without_losing_a_digit() -> None:
    """Differences of log Γ near 1/dispersion lose them all: torch's own law is off by hundreds at 1e-18."""
    rows = torch.stack([X[:, 0], torch.full_like(X[:, 0], -41.4)], -1)
    ours = negative_binomial_nll(rows, COUNTS, reduction="none")
    poisson = poisson_nll(X[:, 0], COUNTS, full=True, reduction="none")
    close(ours, poisson, 1e-13)
    law = torch.distributions.NegativeBinomial(rows[:, 1].neg().exp(), logits=rows.sum(-1))
    assert float((law.log_prob(COUNTS) + poisson).abs().max()) > 1.0
    still = torch.stack([X[:, 0], torch.full_like(X[:, 0], -1e30)], -1)
    assert torch.equal(
        negative_binomial_nll(still, COUNTS, reduction="none").isfinite().all(), torch.tensor(True)
    )


def test_without_extra_zeros_the_law_itself_is_left() -> None:
    never = torch.full((200, 1), -1e4, dtype=torch.float64)
    one = zero_inflated_negative_binomial(torch.cat([X[:, :2], never], 1), COUNTS, reduction="none")
    close(one, negative_binomial_nll(X[:, :2], COUNTS, reduction="none"), 1e-13)
    two = zero_inflated_poisson(torch.cat([X[:, :1], never], 1), COUNTS, reduction="none")
    close(two, poisson_nll(X[:, 0], COUNTS, full=True, reduction="none"), 1e-13)


def test_gradients_of_every_raw_output_are_finite() -> None:
    """Laws and their parameters may end; raw outputs do not."""
    ends = torch.tensor([-1e30, -1e4, -104.0, -30.0, 0.0, 30.0, 104.0, 1e4, 1e30])
    rows = torch.cartesian_prod(ends, ends, ends)
    for loss, columns in (
        (zero_inflated_negative_binomial, 3),
        (negative_binomial_nll, 2),
        (zero_inflated_poisson, 2),
    ):
        for count in (0.0, 1.0, 7.0, 1e6):
            leaf = rows[:, :columns].clone().requires_grad_()
            value = loss(leaf, torch.full((len(rows),), count), reduction="none")
            (gradient,) = torch.autograd.grad(value.sum(), leaf)
            assert not bool(value.isnan().any()) and not bool(gradient.isnan().any())
            assert bool((value >= 0).all())
