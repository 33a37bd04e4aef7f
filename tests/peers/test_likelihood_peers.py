"""Predicted distributions of real numbers: against torch, SciPy, numerical integrals, and where those give out."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import torch
from torch import Tensor
from torch.nn import functional as F

from lossary.losses.likelihood.crps import crps_ensemble, crps_gaussian
from lossary.losses.likelihood.energy import energy_score
from lossary.losses.likelihood.gaussian import beta_nll, gaussian_nll
from lossary.losses.likelihood.interval import interval_score
from lossary.losses.likelihood.laplace import laplace_nll
from lossary.losses.likelihood.mixture import mixture_density_nll
from lossary.losses.likelihood.student_t import log_normaliser, student_t_nll
from lossary.losses.likelihood.von_mises import von_mises_nll

GENERATOR = torch.Generator().manual_seed(0)
ROWS: Tensor = torch.randn(200, 2, generator=GENERATOR, dtype=torch.float64)
TARGET: Tensor = torch.randn(200, generator=GENERATOR, dtype=torch.float64)
PLACE, SCALE = ROWS[:, 0], ROWS[:, 1].exp()
MEMBERS: Tensor = torch.randn(40, 7, generator=GENERATOR, dtype=torch.float64)
LAWS: list[tuple[Any, dict[str, Any], Any, Any]] = [
    (gaussian_nll, {"full": True}, torch.distributions.Normal(PLACE, SCALE), scipy.stats.norm(PLACE, SCALE)),
    (laplace_nll, {}, torch.distributions.Laplace(PLACE, SCALE), scipy.stats.laplace(PLACE, SCALE)),
    (student_t_nll, {"df": 4.0}, torch.distributions.StudentT(4.0, PLACE, SCALE), scipy.stats.t(4.0, PLACE, SCALE)),
    (student_t_nll, {"df": 0.7}, torch.distributions.StudentT(0.7, PLACE, SCALE), scipy.stats.t(0.7, PLACE, SCALE)),
    (student_t_nll, {"df": 90.0}, torch.distributions.StudentT(90.0, PLACE, SCALE), scipy.stats.t(90.0, PLACE, SCALE)),
]  # fmt: skip


def close(one: Any, other: Any, tolerance: float = 1e-10) -> None:
    np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=tolerance, atol=1e-12)


def torchs_density(law: Any, truth: Tensor) -> Any:
    return law.log_prob(truth)


def row(*numbers: float, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor([numbers], dtype=dtype)


def single(number: float, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor([number], dtype=dtype)


@pytest.mark.parametrize(
    ("loss", "hyper", "torchs", "scipys"), LAWS, ids=lambda each: getattr(each, "__name__", "")
)
def test_the_likelihood_is_the_law_in_torch_and_scipy(
    loss: Any, hyper: Any, torchs: Any, scipys: Any
) -> None:
    ours = loss(ROWS, TARGET, **hyper, reduction="none")
    close(ours, -torchs_density(torchs, TARGET))
    close(ours, -scipys.logpdf(TARGET.numpy()))


@pytest.mark.parametrize("full", [False, True])
def test_gaussian_is_torchs_with_the_variance_as_its_logarithm(full: bool) -> None:
    theirs = F.gaussian_nll_loss(PLACE, TARGET, SCALE.square(), full=full, eps=0.0, reduction="none")
    close(gaussian_nll(ROWS, TARGET, full=full, reduction="none"), theirs)


def test_torch_sees_no_scale_below_its_own_epsilon_where_ours_does() -> None:
    theirs = F.gaussian_nll_loss(torch.zeros(1), torch.zeros(1), torch.tensor([1e-12]), reduction="none")
    assert float(theirs) == pytest.approx(0.5 * np.log(1e-6), rel=1e-5)
    assert float(gaussian_nll(row(0.0, float(np.log(1e-6))), single(0.0))) == pytest.approx(np.log(1e-6))


@pytest.mark.parametrize("beta", [0.0, 0.3, 0.5, 1.0])
def test_beta_nll_has_the_value_and_gradient_of_its_authors_code(beta: float) -> None:
    ours, theirs = ROWS.clone().requires_grad_(), ROWS.clone().requires_grad_()
    found = beta_nll(ours, TARGET, beta=beta, reduction="none")
    variance = (2.0 * theirs[:, 1]).exp()
    wanted = 0.5 * ((TARGET - theirs[:, 0]) ** 2 / variance + variance.log()) * variance.detach() ** beta
    close(found.detach(), wanted.detach())
    (pull,), (pulled,) = torch.autograd.grad(found.sum(), ours), torch.autograd.grad(wanted.sum(), theirs)
    close(pull, pulled)


def test_with_beta_one_the_mean_is_pulled_as_by_half_the_squared_error() -> None:
    leaf = ROWS.clone().requires_grad_()
    (pull,) = torch.autograd.grad(beta_nll(leaf, TARGET, beta=1.0, reduction="sum"), leaf)
    close(pull[:, 0], PLACE - TARGET)


def test_von_mises_is_the_law_in_torch_and_scipy() -> None:
    ours = von_mises_nll(ROWS, TARGET, reduction="none")
    close(ours, -scipy.stats.vonmises(SCALE, PLACE).logpdf(TARGET))
    # torch's Bessel polynomials hold to some seven digits.
    close(ours, -torchs_density(torch.distributions.VonMises(PLACE, SCALE), TARGET), 2e-6)


@pytest.mark.parametrize("log_k", [-60.0, -3.0, 0.0, 3.8, 3.95, 8.0, 60.0])
def test_von_mises_holds_at_any_concentration_where_torch_overflows(log_k: float) -> None:
    with mpmath.workdps(80):
        k = mpmath.exp(log_k)
        spread = 0.3 / mpmath.sqrt(1 + k)
        angle = float(spread)
        log_i0e = (
            mpmath.log(mpmath.besseli(0, k)) - k
            if k < 1e4
            else mpmath.log(1 + 1 / (8 * k)) - mpmath.log(2 * mpmath.pi * k) / 2
        )
        wanted = mpmath.log(2 * mpmath.pi) + log_i0e + 2 * k * mpmath.sin(mpmath.mpf(angle) / 2) ** 2
    assert float(von_mises_nll(row(0.0, log_k), single(angle))) == pytest.approx(float(wanted), rel=1e-8)


def test_whole_turns_change_nothing_however_many() -> None:
    turn = 2.0 * np.pi
    for turns in (1, -3, 1000):
        close(von_mises_nll(ROWS, TARGET + turns * turn), von_mises_nll(ROWS, TARGET), 1e-9)


def test_a_mixture_is_the_law_in_torch_and_the_sum_in_scipy() -> None:
    raw = torch.randn(50, 12, generator=GENERATOR, dtype=torch.float64)
    target = TARGET[:50]
    weights, places, scales = raw.chunk(3, -1)
    law = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=weights), torch.distributions.Normal(places, scales.exp())
    )
    ours = mixture_density_nll(raw, target, reduction="none")
    close(ours, -torchs_density(law, target))
    density = weights.softmax(-1).numpy() * scipy.stats.norm(places, scales.exp()).pdf(
        target.unsqueeze(-1).numpy()
    )
    close(ours, -np.log(density.sum(-1)))


def test_a_mixture_of_one_is_the_gaussian() -> None:
    alone = torch.cat([TARGET.unsqueeze(-1), ROWS], -1)
    close(
        mixture_density_nll(alone, TARGET, reduction="none"),
        gaussian_nll(ROWS, TARGET, full=True, reduction="none"),
    )


def test_the_crps_of_a_normal_distribution_is_the_integral() -> None:
    ours = crps_gaussian(ROWS[:25], TARGET[:25], reduction="none")
    for found, place, scale, truth in zip(ours, PLACE, SCALE, TARGET, strict=False):
        law, t = scipy.stats.norm(float(place), float(scale)), float(truth)
        below, _ = scipy.integrate.quad(
            lambda x, law=law: law.cdf(x) ** 2, law.ppf(1e-12) - 1 + min(t - law.mean(), 0), t
        )
        above, _ = scipy.integrate.quad(
            lambda x, law=law: law.sf(x) ** 2, t, law.isf(1e-12) + 1 + max(t - law.mean(), 0)
        )
        assert float(found) == pytest.approx(below + above, rel=1e-6)


@pytest.mark.parametrize("fair", [False, True])
def test_the_crps_of_an_ensemble_is_the_mean_of_its_pairs(fair: bool) -> None:
    target, count = TARGET[:40], MEMBERS.shape[1]
    near = (MEMBERS - target.unsqueeze(-1)).abs().mean(-1)
    apart = (MEMBERS.unsqueeze(-1) - MEMBERS.unsqueeze(-2)).abs().sum((-1, -2))
    wanted = near - apart / (2 * count * (count - 1 if fair else count))
    close(crps_ensemble(MEMBERS, target, fair=fair, reduction="none"), wanted)


def test_the_crps_of_an_ensemble_is_the_integral_of_its_steps() -> None:
    for members, truth in zip(MEMBERS[:8], TARGET, strict=False):
        ends = torch.cat([members, truth[None]]).sort().values
        middle = 0.5 * (ends[1:] + ends[:-1])
        steps = (members <= middle.unsqueeze(-1)).double().mean(-1) - (truth <= middle).double()
        wanted = (steps.square() * ends.diff()).sum()
        close(crps_ensemble(members[None], truth[None]), wanted)


def test_a_large_ensemble_scores_as_the_distribution_it_is_drawn_from() -> None:
    levels = (torch.arange(20000, dtype=torch.float64) + 0.5) / 20000
    members = torch.special.ndtri(levels)[None]
    for truth in (-3.0, 0.0, 0.7):
        close(crps_ensemble(members, single(truth)), crps_gaussian(row(0.0, 0.0), single(truth)), 1e-3)


def test_fair_means_that_the_number_of_members_does_not_matter_on_average() -> None:
    generator = torch.Generator().manual_seed(1)
    truth = torch.randn(40000, generator=generator, dtype=torch.float64)
    draws = torch.randn(40000, 12, generator=generator, dtype=torch.float64)
    wanted = 1.0 / np.sqrt(np.pi)  # E of the normal distribution's own score: half of E|X - X'|
    for count in (2, 3, 12):
        assert float(crps_ensemble(draws[:, :count], truth, fair=True)) == pytest.approx(wanted, abs=0.01)
    assert float(crps_ensemble(draws[:, :2], truth)) == pytest.approx(1.5 * wanted, abs=0.01)


@pytest.mark.parametrize("fair", [False, True])
def test_one_member_alone_costs_its_distance(fair: bool) -> None:
    close(crps_ensemble(PLACE.unsqueeze(-1), TARGET, fair=fair), (PLACE - TARGET).abs().mean())
    close(
        energy_score(ROWS.unsqueeze(-2), ROWS.flip(0), fair=fair), (ROWS - ROWS.flip(0)).norm(dim=-1).mean()
    )


@pytest.mark.parametrize("fair", [False, True])
def test_the_energy_score_of_numbers_is_the_crps_of_the_ensemble(fair: bool) -> None:
    target = TARGET[:40]
    ours = energy_score(MEMBERS.unsqueeze(-1), target.unsqueeze(-1), fair=fair, reduction="none")
    close(ours, crps_ensemble(MEMBERS, target, fair=fair, reduction="none"))


@pytest.mark.parametrize("fair", [False, True])
def test_the_energy_score_is_the_mean_of_its_pairs(fair: bool) -> None:
    cloud = torch.randn(20, 6, 3, generator=GENERATOR, dtype=torch.float64)
    target = torch.randn(20, 3, generator=GENERATOR, dtype=torch.float64)
    near = np.linalg.norm(cloud - target[:, None], axis=-1).mean(-1)
    apart = np.linalg.norm(cloud[:, :, None] - cloud[:, None], axis=-1).sum((-1, -2))
    wanted = near - apart / (2 * 6 * (5 if fair else 6))
    close(energy_score(cloud, target, fair=fair, reduction="none"), wanted)


def test_the_interval_score_is_the_papers_and_is_least_at_the_quantiles() -> None:
    ends = ROWS.sort(-1).values
    for alpha in (0.05, 0.5):
        low, high = ends.unbind(-1)
        wanted = high - low + 2 / alpha * ((low - TARGET).clamp(min=0) + (TARGET - high).clamp(min=0))
        close(interval_score(ends, TARGET, alpha=alpha, reduction="none"), wanted)
    levels = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    truths = torch.special.ndtri(levels)
    best = torch.special.ndtri(torch.tensor([0.1, 0.9], dtype=torch.float64))

    def cost(ends: Tensor) -> float:
        return float(interval_score(ends.expand(1000, 2), truths, alpha=0.2))

    for nudge in ((0.1, 0.0), (-0.1, 0.0), (0.0, 0.1), (0.0, -0.1)):
        assert cost(best) < cost(best + torch.tensor(nudge))


def test_ends_that_cross_cost_more_than_ends_that_meet() -> None:
    close(interval_score(row(3.0, 1.0), single(2.0), alpha=0.1), 1.0 * 19.0 * 2)
    close(interval_score(row(2.0, 2.0), single(2.0), alpha=0.1), 0.0)


@pytest.mark.parametrize("df", [1e-3, 0.5, 1.0, 4.0, 31.9, 32.1, 1e4, 1e9])
def test_students_constant_is_exact_for_any_degrees_of_freedom(df: float) -> None:
    with mpmath.workdps(50):
        half = mpmath.mpf(df) / 2
        wanted = mpmath.loggamma(half) - mpmath.loggamma(half + 0.5) + mpmath.log(df * mpmath.pi) / 2
    assert log_normaliser(df) == pytest.approx(float(wanted), rel=4e-15)


def test_with_many_degrees_of_freedom_student_is_gauss() -> None:
    close(student_t_nll(ROWS, TARGET, df=1e12), gaussian_nll(ROWS, TARGET, full=True), 1e-9)


@pytest.mark.parametrize("loss", [gaussian_nll, laplace_nll, student_t_nll, crps_gaussian])
@pytest.mark.parametrize("exponent", [-30, -12, 12, 30])
def test_scales_from_1e_minus_30_to_1e30_are_as_exact_as_1_in_single_precision(
    loss: Any, exponent: int
) -> None:
    log_scale = float(np.float32(exponent * np.log(10.0)))
    scale = float(np.exp(log_scale))
    gap = float(np.float32(1.5 * scale))
    leaf = row(0.0, log_scale, dtype=torch.float32).requires_grad_()
    value = loss(leaf, single(gap, torch.float32))
    (pull,) = torch.autograd.grad(value, leaf)
    unit = row(0.0, 0.0).requires_grad_()
    plain = loss(unit, single(gap / scale))
    (wanted,) = torch.autograd.grad(plain, unit)
    score = loss is crps_gaussian  # in units of the target, where a likelihood is shifted by log scale
    shifted = plain * scale if score else plain + log_scale
    assert value.item() == pytest.approx(shifted.item(), rel=3e-6)
    factors = (1.0, scale) if score else (1.0 / scale, 1.0)
    assert pull[0].tolist() == pytest.approx(
        [w * f for w, f in zip(wanted[0].tolist(), factors, strict=True)], rel=1e-5
    )


@pytest.mark.parametrize("loss", [gaussian_nll, laplace_nll, student_t_nll, crps_gaussian, von_mises_nll])
def test_raw_outputs_far_beyond_any_scale_give_numbers_and_gradients(loss: Any) -> None:
    for log_scale in (-1e4, -300.0, 300.0, 1e4):
        leaf = row(1.0, log_scale, dtype=torch.float32).requires_grad_()
        value = loss(leaf, single(1.0, torch.float32))
        (pull,) = torch.autograd.grad(value, leaf)
        assert not value.isnan()
        assert value.isinf() or not pull.isnan().any(), (log_scale, value, pull)


def test_decoding_gives_the_middle_of_the_distribution() -> None:
    for loss in (gaussian_nll, beta_nll, laplace_nll, student_t_nll, von_mises_nll, crps_gaussian):
        close(loss.decode(ROWS), PLACE)
    close(mixture_density_nll.decode(row(0.0, 0.0, 1.0, 3.0, 0.0, 0.0)), [2.0])
    close(interval_score.decode(row(3.0, 1.0)), [[1.0, 3.0]])
    close(crps_ensemble.decode(MEMBERS), MEMBERS)
