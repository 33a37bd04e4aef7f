"""Divergences and scores of whole distributions against SciPy, torch and scikit-learn, and against each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import sklearn.metrics
import torch
from scipy.spatial.distance import jensenshannon
from torch import Tensor
from torch.distributions import Categorical, kl_divergence

from lossary.losses.calibration.brier import binary_brier, brier
from lossary.losses.calibration.confidence_penalty import confidence_penalty
from lossary.losses.calibration.spherical import spherical
from lossary.losses.divergence.alpha import alpha_divergence
from lossary.losses.divergence.bregman import bregman
from lossary.losses.divergence.chi_square import chi_square
from lossary.losses.divergence.distillation import distillation
from lossary.losses.divergence.hellinger import hellinger
from lossary.losses.divergence.jensen_shannon import jensen_shannon
from lossary.losses.divergence.renyi import renyi
from lossary.losses.divergence.total_variation import total_variation

ROWS, CLASSES = 40, 5


@pytest.fixture
def logits() -> Tensor:
    return 2.0 * torch.randn(ROWS, CLASSES, dtype=torch.float64)


@pytest.fixture
def target() -> Tensor:
    return torch.softmax(2.0 * torch.randn(ROWS, CLASSES, dtype=torch.float64), 1)


def close(ours: Tensor, theirs: object) -> bool:
    return bool(np.allclose(ours.numpy(), np.asarray(theirs), rtol=1e-10, atol=0.0))


def test_scipy_takes_the_root_of_the_jensen_shannon_divergence(logits: Tensor, target: Tensor) -> None:
    theirs = jensenshannon(logits.softmax(1).numpy(), target.numpy(), axis=1)
    assert close(jensen_shannon(logits, target, reduction="none"), theirs**2)


def test_alpha_and_renyi_divergences_at_1_and_0_are_those_of_torch_both_ways(
    logits: Tensor, target: Tensor
) -> None:
    p, t = Categorical(logits=logits), Categorical(probs=target)
    forward, reverse = kl_divergence(t, p), kl_divergence(p, t)
    for alpha, wanted in ((1.0, forward), (0.0, reverse)):
        assert close(alpha_divergence(logits, target, alpha=alpha, reduction="none"), wanted)
    for direction, wanted in (("forward", forward), ("reverse", reverse)):
        assert close(renyi(logits, target, alpha=1.0, direction=direction, reduction="none"), wanted)
    assert close(bregman(logits, target, generator="negative_entropy", reduction="none"), forward)


def test_bregmans_negative_entropy_is_scipys_extended_divergence(logits: Tensor, target: Tensor) -> None:
    theirs = scipy.special.kl_div(target.numpy(), logits.softmax(1).numpy()).sum(1)
    assert close(bregman(logits, target, generator="negative_entropy", reduction="none"), theirs)


@pytest.mark.parametrize("alpha", [-1.0, 0.5, 2.0, 3.5])
def test_scipys_power_divergence_is_ours_times_twice_the_count(
    logits: Tensor, target: Tensor, alpha: float
) -> None:
    observed, expected = 100.0 * target, 100.0 * logits.softmax(1)
    theirs, _ = scipy.stats.power_divergence(observed.numpy(), expected.numpy(), axis=1, lambda_=alpha - 1.0)
    assert close(200.0 * alpha_divergence(logits, target, alpha=alpha, reduction="none"), theirs)


def test_scipys_chi_square_is_pearsons_times_the_count_and_neymans_with_the_two_exchanged(
    logits: Tensor, target: Tensor
) -> None:
    one, other = 50.0 * target.numpy(), 50.0 * logits.softmax(1).numpy()
    pearson, neyman = (
        scipy.stats.chisquare(*each, axis=1).statistic for each in ((one, other), (other, one))
    )
    assert close(50.0 * chi_square(logits, target, reduction="none"), pearson)
    assert close(50.0 * chi_square(logits, target, direction="reverse", reduction="none"), neyman)


def test_hellinger_total_variation_and_renyi_are_their_textbook_formulas(
    logits: Tensor, target: Tensor
) -> None:
    p = logits.softmax(1)
    overlap = (p * target).sqrt().sum(1)
    assert torch.allclose(hellinger(logits, target, reduction="none"), 1 - overlap, rtol=1e-10)
    assert torch.allclose(total_variation(logits, target, reduction="none"), (p - target).abs().sum(1) / 2)
    assert torch.allclose(renyi(logits, target, alpha=0.5, reduction="none"), -2 * overlap.log(), rtol=1e-10)


@pytest.mark.parametrize("alpha", [-1.0, 0.0, 0.3, 0.5, 1.0, 2.0])
def test_alpha_divergences_do_not_jump_at_the_orders_that_have_names(
    logits: Tensor, target: Tensor, alpha: float
) -> None:
    here = alpha_divergence(logits, target, alpha=alpha, reduction="none")
    for step in (1e-9, -1e-9, 1e-13):
        there = alpha_divergence(logits, target, alpha=alpha + step, reduction="none")
        assert torch.allclose(there, here, rtol=1e-6)


def test_nearly_equal_distributions_keep_the_digits_that_their_logarithms_have() -> None:
    """The divergences of softmax(x + step) from softmax(x), to second order variance·step²/2 in one form or another."""
    x = torch.tensor([[0.3, -1.2, 0.7, 0.1]], dtype=torch.float64)
    along = torch.tensor([[1.0, 0.5, -2.0, 0.25]], dtype=torch.float64)
    p = x.softmax(1)
    variance = float((p * along.square()).sum() - (p * along).sum() ** 2)
    for step in (1e-4, 1e-6):
        near, square = x + step * along, variance * step**2
        known = [
            (alpha_divergence(near, p, alpha=each), 0.5) for each in (-1.0, 0.0, 0.3, 0.5, 0.999999, 1.0, 2.0)
        ]
        known += [(hellinger(near, p), 0.125), (jensen_shannon(near, p), 0.125), (chi_square(near, p), 1.0)]
        known += [(renyi(near, p, alpha=2.0), 1.0), (renyi(near, p, alpha=0.25), 0.125)]
        for found, factor in known:
            assert float(found) == pytest.approx(factor * square, rel=10 * step + 1e-8 / step * 1e-6)


def test_the_brier_scores_are_scikit_learns(logits: Tensor) -> None:
    labels = torch.randint(CLASSES, (ROWS,))
    theirs = sklearn.metrics.brier_score_loss(
        labels.numpy(), logits.softmax(1).numpy(), labels=range(CLASSES), scale_by_half=False
    )
    assert float(brier(logits, labels)) == pytest.approx(theirs, rel=1e-12)
    truth = (labels > 2).double()
    theirs = sklearn.metrics.brier_score_loss(truth.numpy(), logits[:, 0].sigmoid().numpy())
    assert float(binary_brier(logits[:, 0], truth)) == pytest.approx(theirs, rel=1e-12)


def test_of_two_classes_the_brier_score_is_twice_the_binary_one(logits: Tensor) -> None:
    x, labels = logits[:, 0], torch.randint(2, (ROWS,))
    rows = torch.stack([torch.zeros_like(x), x], 1)
    assert torch.allclose(
        brier(rows, labels, reduction="none"), 2 * binary_brier(x, labels.double(), reduction="none")
    )


def test_sure_answers_keep_what_they_lack_of_1_in_float32() -> None:
    sure, label = torch.tensor([[25.0, 0.0]]), torch.tensor([0])
    small = math.exp(-25.0)
    row = torch.tensor([[1.0, 0.0]])
    assert float(brier(sure, label)) == pytest.approx(2 * small**2, rel=1e-6)
    assert float(spherical(sure, label)) == pytest.approx(small**2 / 2, rel=1e-6)
    assert float(total_variation(sure, row)) == pytest.approx(small, rel=1e-6)
    assert float(hellinger(sure, row)) == pytest.approx(small / 2, rel=1e-6)
    assert float(jensen_shannon(sure, row)) == pytest.approx(small * math.log(2) / 2, rel=1e-6)


def test_spherical_and_confidence_penalty_are_their_textbook_formulas(logits: Tensor) -> None:
    labels = torch.randint(CLASSES, (ROWS,))
    p = logits.softmax(1)
    scaled = p / p.square().sum(1, keepdim=True).sqrt()
    assert torch.allclose(
        spherical(logits, labels, reduction="none"), 1 - scaled.gather(1, labels[:, None])[:, 0]
    )
    log_p = logits.log_softmax(1)
    wanted = -log_p.gather(1, labels[:, None])[:, 0] + 0.3 * (log_p.exp() * log_p).sum(1)
    assert torch.allclose(confidence_penalty(logits, labels, beta=0.3, reduction="none"), wanted)


def test_distillation_takes_a_teachers_logits_and_is_hintons_mixture(logits: Tensor) -> None:
    teacher, labels = torch.randn(ROWS, CLASSES, dtype=torch.float64), torch.randint(CLASSES, (ROWS,))
    heat = 3.0
    told = kl_divergence(Categorical(logits=teacher / heat), Categorical(logits=logits / heat))
    wanted = 0.7 * heat**2 * told + 0.3 * torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    options = {"temperature": heat, "alpha": 0.7, "reduction": "none"}
    assert torch.allclose(distillation(logits, teacher, labels, target_inputs="logits", **options), wanted)
    assert torch.allclose(distillation(logits, teacher.softmax(1), labels, **options), wanted)


def test_disjoint_distributions_cost_the_bound_or_without_bound_and_never_nan() -> None:
    one, other = torch.tensor([[0.0, -torch.inf]]), torch.tensor([[0.0, 1.0]])
    assert float(total_variation(one, other)) == float(hellinger(one, other)) == 1.0
    assert float(jensen_shannon(one, other)) == pytest.approx(math.log(2))
    assert float(alpha_divergence(one, other, alpha=0.25)) == pytest.approx(1 / (0.25 * 0.75))
    for alpha in (-1.0, 0.0, 1.0, 2.0):
        assert float(alpha_divergence(one, other, alpha=alpha)) == math.inf
    for alpha in (0.5, 1.0, 2.0):
        assert float(renyi(one, other, alpha=alpha)) == math.inf
    assert float(bregman(one, other, generator="itakura_saito")) == math.inf
    same = torch.tensor([[1.0, 0.0]])
    for found in (total_variation, hellinger, jensen_shannon, alpha_divergence, renyi, chi_square, bregman):
        assert float(found(one, same)) == 0.0
