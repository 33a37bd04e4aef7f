"""Losses that compare the samples of a batch against their papers' formulas, written again over NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
import torch
from torch.nn import functional as F

from lossary.losses.contrastive.alignment import alignment, uniformity
from lossary.losses.contrastive.barlow_twins import barlow_twins
from lossary.losses.contrastive.cosine import byol, negative_cosine
from lossary.losses.contrastive.dino import dino
from lossary.losses.contrastive.koleo import koleo
from lossary.losses.contrastive.vicreg import vicreg
from lossary.losses.metric.angular import angular
from lossary.losses.metric.circle import circle
from lossary.losses.metric.lifted import generalized_lifted, lifted
from lossary.losses.metric.n_pairs import n_pairs

Array = Any
ROWS, FEATURES = 12, 6
GENERATOR = np.random.default_rng(0)
X: Array = GENERATOR.standard_normal((ROWS, FEATURES))
Y: Array = X + 0.5 * GENERATOR.standard_normal((ROWS, FEATURES))
LABELS: Array = np.arange(ROWS) % 4
LONE: Array = np.array([0, 0, 1, 2, 2, 2, 3, 0, 1, 4, 4, 5])
TENSORS = [torch.tensor(each) for each in (X, Y)]


def normal(x: Array) -> Array:
    """At length 1."""
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def standard(x: Array) -> Array:
    """About the mean, at a deviation of 1."""
    return (x - x.mean(0)) / x.std(0)


def off_diagonal(table: Array) -> Array:
    return table[~np.eye(len(table), dtype=bool)]


def twins(redundancy: float) -> float:
    """Zbontar et al., algorithm 1."""
    c = standard(X).T @ standard(Y) / ROWS
    return float(((np.diag(c) - 1) ** 2).sum() + redundancy * (off_diagonal(c) ** 2).sum())


def regularized(x: Array, y: Array, invariance: float, variance: float, covariance: float) -> float:
    """Bardes et al., algorithm 1."""
    value = invariance * ((x - y) ** 2).mean()
    for z in (x, y):
        value += variance * np.maximum(0, 1 - np.sqrt(z.var(0, ddof=1) + 1e-4)).mean()
        value += covariance * (off_diagonal(np.cov(z.T)) ** 2).sum() / FEATURES
    return float(value)


@pytest.mark.parametrize("redundancy", [0.0, 0.005, 1.0])
def test_barlow_twins_is_its_papers_pseudo_code(redundancy: float) -> None:
    assert barlow_twins(*TENSORS, redundancy=redundancy).item() == pytest.approx(twins(redundancy), rel=1e-12)


@pytest.mark.parametrize("prices", [(25.0, 25.0, 1.0), (1.0, 0.0, 0.0), (0.0, 3.0, 0.0), (0.0, 0.0, 2.0)])
def test_vicreg_is_its_papers_pseudo_code(prices: tuple[float, float, float]) -> None:
    given = dict(zip(("invariance", "variance", "covariance"), prices, strict=True))
    for scale in (1.0, 0.3):  # the second so that features vary too little
        wanted = regularized(scale * X, scale * Y, *prices)
        found = vicreg(*(scale * each for each in TENSORS), **given).item()
        assert found == pytest.approx(wanted, rel=1e-12)


def test_alignment_and_uniformity_are_their_papers_code() -> None:
    x, y = (torch.tensor(normal(each)) for each in (X, Y))
    for alpha in (1.0, 2.0, 3.0):
        wanted = (x - y).norm(p=2, dim=1).pow(alpha).mean().item()
        assert alignment(*TENSORS, alpha=alpha).item() == pytest.approx(wanted, rel=1e-12)
    for t in (0.5, 2.0, 40.0):
        wanted = torch.pdist(x, p=2).pow(2).mul(-t).exp().mean().log().item()
        assert uniformity(TENSORS[0], t=t).item() == pytest.approx(wanted, rel=1e-12)


def test_koleo_takes_the_nearest_neighbour_of_each() -> None:
    x = normal(X)
    apart = np.linalg.norm(x[:, None] - x[None], axis=-1) + 9.0 * np.eye(ROWS)
    found = koleo(TENSORS[0], eps=0.0, reduction="none")
    np.testing.assert_allclose(found.numpy(), -np.log(apart.min(1)), rtol=1e-12)
    assert koleo.units(TENSORS[0]).members[:, 1].tolist() == apart.argmin(1).tolist()


def test_a_copy_costs_koleo_its_eps_and_pulls_at_nothing() -> None:
    x = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=torch.float64, requires_grad=True)
    values = koleo(x, eps=1e-3, reduction="none")
    assert values[0].item() == pytest.approx(-np.log(1e-3))
    (gradient,) = torch.autograd.grad(values[:2].sum(), x)
    assert not gradient.any()
    assert koleo(x, eps=0.0).item() == np.inf


def test_two_views_are_compared_by_their_cosine() -> None:
    cosine = F.cosine_similarity(*TENSORS).numpy()
    np.testing.assert_allclose(negative_cosine(*TENSORS, reduction="none").numpy(), -cosine, rtol=1e-12)
    np.testing.assert_allclose(byol(*TENSORS, reduction="none").numpy(), 2 - 2 * cosine, rtol=1e-12)


def test_dino_is_the_cross_entropy_of_a_sharpened_teacher() -> None:
    center = X.mean(0)
    told = scipy.special.softmax((X - center) / 0.04, 1)
    wanted = F.cross_entropy(TENSORS[1] / 0.1, torch.tensor(told), reduction="none").numpy()
    found = dino(TENSORS[1], TENSORS[0], center=torch.tensor(center), reduction="none").numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_dino_of_hidden_patches_is_the_masked_part_of_ibot() -> None:
    student, teacher = GENERATOR.standard_normal((2, 3, 8, FEATURES))
    hidden = np.zeros((3, 8), dtype=bool)
    hidden[:, ::3] = True  # as many in every picture, so that a mean of means is the mean
    told = scipy.special.softmax(teacher / 0.07, -1)
    said = scipy.special.log_softmax(student / 0.1, -1)
    per_picture = (hidden * -(told * said).sum(-1)).sum(-1) / hidden.sum(-1)
    tensors = [torch.tensor(each) for each in (student, teacher)]
    found = dino(*tensors, teacher_temperature=0.07, class_dim=-1, mask=torch.tensor(hidden))
    np.testing.assert_allclose(found.item(), per_picture.mean(), rtol=1e-12)


def over_pairs(cost: Callable[[int, int, list[int]], float], labels: Array) -> float:
    """The mean over all pairs of one label, in a batch with others."""
    pairs = [(i, j) for i in range(ROWS) for j in range(ROWS) if i != j and labels[i] == labels[j]]
    far = [[k for k in range(ROWS) if labels[k] != labels[i]] for i in range(ROWS)]
    return float(np.mean([cost(i, j, far[i]) for i, j in pairs]))


@pytest.mark.parametrize("labels", [LABELS, LONE], ids=["even", "some alone"])
def test_losses_over_pairs_are_the_mean_over_all_pairs(labels: Array) -> None:
    u, given = normal(X), torch.tensor(labels)
    t = np.tan(np.radians(40.0)) ** 2
    apart = np.linalg.norm(X[:, None] - X[None], axis=-1)

    def angles(i: int, j: int, far: list[int]) -> float:
        own = 2 * (1 + t) * u[i] @ u[j]
        return float(np.log1p(sum(np.exp(4 * t * (u[i] + u[j]) @ u[k] - own) for k in far)))

    def many(i: int, j: int, far: list[int]) -> float:
        return float(np.log1p(sum(np.exp(X[i] @ X[k] - X[i] @ X[j]) for k in far)))

    def structure(i: int, j: int, far: list[int]) -> float:
        inside = sum(np.exp(1 - apart[i, k]) + np.exp(1 - apart[j, k]) for k in far)
        return float(max(0.0, np.log(inside) + apart[i, j]) ** 2 / 2)

    for loss, cost in ((angular, angles), (n_pairs, many), (lifted, structure)):
        assert loss(TENSORS[0], given).item() == pytest.approx(over_pairs(cost, labels), rel=1e-12)


def test_losses_over_anchors_are_the_mean_over_those_with_both_partners() -> None:
    u = normal(X)
    apart, alike = np.linalg.norm(X[:, None] - X[None], axis=-1), u @ u.T
    circles, sums = [], []
    for i in range(ROWS):
        near = [j for j in range(ROWS) if j != i and LONE[j] == LONE[i]]
        far = [j for j in range(ROWS) if LONE[j] != LONE[i]]
        if not near:
            continue
        pull = [-3 * max(0, 1.4 - alike[i, j]) * (alike[i, j] - 0.6) for j in near]
        push = [3 * max(0, alike[i, k] + 0.4) * (alike[i, k] - 0.4) for k in far]
        circles.append(np.log1p(np.exp(pull).sum() * np.exp(push).sum()))
        within, across = np.exp(apart[i, near]).sum(), np.exp(1 - apart[i, far]).sum()
        sums.append(max(0.0, np.log(within) + np.log(across)))
    given = torch.tensor(LONE)
    assert circle(TENSORS[0], given, gamma=3.0).item() == pytest.approx(np.mean(circles), rel=1e-12)
    assert generalized_lifted(TENSORS[0], given).item() == pytest.approx(np.mean(sums), rel=1e-12)
