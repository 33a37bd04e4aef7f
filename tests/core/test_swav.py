"""SwAV: assignments that use all prototypes alike, and predictions of the other view's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special
import torch
from torch import Tensor
from torch.nn import functional as F

import lossary
from lossary.core.errors import DomainError, ShapeError

Array = Any
SAMPLES, PROTOTYPES = 10, 4


@pytest.fixture
def views() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, SAMPLES, 6, generator=generator, dtype=torch.float64)
    prototypes = torch.randn(PROTOTYPES, 6, generator=generator, dtype=torch.float64)
    one, other = F.normalize(features, dim=-1) @ F.normalize(prototypes, dim=-1).T
    return one, other


def sinkhorn(scores: Array, epsilon: float, iterations: int) -> Array:
    """The pseudo-code of the paper's appendix, over NumPy."""
    q = np.exp(scores / epsilon).T
    q /= q.sum()
    for _ in range(iterations):
        q /= q.sum(1, keepdims=True) * len(q)
        q /= q.sum(0, keepdims=True) * q.shape[1]
    return (q * q.shape[1]).T


@pytest.mark.parametrize("iterations", [1, 3, 50])
def test_the_value_is_its_papers_pseudo_code(views: tuple[Tensor, Tensor], iterations: int) -> None:
    a, b = (each.numpy() for each in views)
    wanted = sum(
        -(sinkhorn(told, 0.05, iterations) * scipy.special.log_softmax(said / 0.1, -1)).sum(-1) / 2
        for said, told in ((a, b), (b, a))
    )
    found = lossary.swav(*views, iterations=iterations, reduction="none")
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12)


def test_what_all_samples_share_assigns_none_of_them(views: tuple[Tensor, Tensor]) -> None:
    one, other = views
    lean = torch.tensor([0.3, 0.0, 0.0, -0.2], dtype=torch.float64)
    steady = lossary.swav(one, 0.5 * other, iterations=200)
    leaning = lossary.swav(one, 0.5 * other + lean, iterations=200)
    # The prediction of the other view changes with it, the assignment that the first one learns from does not.
    slopes = []
    for value in (0.5 * other, 0.5 * other + lean):
        leaf = one.clone().requires_grad_()
        slopes.append(torch.autograd.grad(lossary.swav(leaf, value, iterations=200), leaf)[0])
    torch.testing.assert_close(*slopes, rtol=1e-9, atol=1e-12)
    assert steady != leaning


def test_an_assignment_is_held_constant(views: tuple[Tensor, Tensor]) -> None:
    one, other = (each.requires_grad_() for each in views)
    found = torch.autograd.grad(lossary.swav(one, other, reduction="sum"), (one, other))
    for slope, said, told in zip(found, (one, other), (other, one), strict=True):
        q = torch.tensor(sinkhorn(told.detach().numpy(), 0.05, 3))
        torch.testing.assert_close(slope, (F.softmax(said / 0.1, -1) - q).detach() / 0.2)


def test_samples_that_are_masked_take_no_share_of_a_prototype(views: tuple[Tensor, Tensor]) -> None:
    keep = torch.arange(SAMPLES) % 3 != 0
    wanted = lossary.swav(*(each[keep] for each in views))
    spoilt = [torch.where(keep.unsqueeze(1), each, torch.nan) for each in views]
    torch.testing.assert_close(lossary.swav(*spoilt, mask=keep), wanted)
    assert lossary.swav(*spoilt, mask=torch.zeros_like(keep)) == 0.0


def test_a_small_epsilon_overflows_nothing(views: tuple[Tensor, Tensor]) -> None:
    value = lossary.swav(*(each.float() for each in views), epsilon=1e-3)
    assert value.isfinite()


def test_what_does_not_fit_is_refused(views: tuple[Tensor, Tensor]) -> None:
    one, other = views
    with pytest.raises(ShapeError, match="other"):
        lossary.swav(one, other[:, :2])
    with pytest.raises(DomainError, match="swav\\(one\\): expected a cosine"):
        lossary.swav(3 * one / one.abs().max(), other)
