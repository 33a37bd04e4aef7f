"""A margin that grows with the length of an embedding."""

from __future__ import annotations

import math

import mpmath
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import lossary
from lossary.core.errors import DomainError

TARGET = torch.tensor([0, 1, 2, 0, 1, 2, 2])


@pytest.fixture
def cosines() -> Tensor:
    return torch.linspace(-40.0, 40.0, len(TARGET) * 3, dtype=torch.float64).sin().reshape(-1, 3)


def lengths(each: float) -> Tensor:
    return torch.full((len(TARGET),), each, dtype=torch.float64)


def both(value: Tensor, leaf: Tensor) -> tuple[Tensor, Tensor]:
    (slope,) = torch.autograd.grad(value.sum(), leaf)
    return value, slope


@pytest.mark.parametrize(
    ("length", "margin"), [(10.0, 0.45), (3.0, 0.45), (60.0, 0.625), (110.0, 0.8), (500.0, 0.8)]
)
def test_without_its_price_it_is_arcface_at_the_margin_of_the_length(
    cosines: Tensor, length: float, margin: float
) -> None:
    leaf = cosines.requires_grad_()
    ours = both(lossary.magface(leaf, lengths(length), TARGET, price=0.0, reduction="none"), leaf)
    theirs = both(lossary.arcface(leaf, TARGET, margin=margin, reduction="none"), leaf)
    torch.testing.assert_close(ours, theirs)


def test_the_value_is_that_of_the_paper_by_the_angle_itself() -> None:
    cosines = torch.tensor([[0.7, 0.1, -0.4], [0.3, 0.5, 0.2]], dtype=torch.float64)
    length = torch.tensor([25.0, 90.0], dtype=torch.float64)
    found = lossary.magface(cosines, length, torch.tensor([0, 1]), scale=16.0, reduction="none")
    with mpmath.workdps(50):
        for row, truth, a, value in zip(
            cosines.tolist(), (0, 1), length.tolist(), found.tolist(), strict=True
        ):
            margin = mpmath.mpf("0.45") + mpmath.mpf("0.35") * (a - 10) / 100
            led = mpmath.exp(16 * mpmath.cos(mpmath.acos(row[truth]) + margin))
            rest = mpmath.fsum(mpmath.exp(16 * each) for place, each in enumerate(row) if place != truth)
            price = 35 * (1 / mpmath.mpf(a) + mpmath.mpf(a) / 110**2)
            assert abs(value / (price - mpmath.log(led / (led + rest))) - 1) < 1e-13


def test_easy_samples_grow_long_and_hard_ones_stay_short() -> None:
    """Within a quarter turn the best length grows with the cosine, as the paper proves."""
    best = []
    grid = torch.linspace(10.0, 110.0, 2001, dtype=torch.float64)
    for own in (0.6, 0.85, 0.95):
        cosines = torch.tensor([own, 0.3], dtype=torch.float64).expand(len(grid), 2)
        values = lossary.magface(cosines, grid, torch.zeros(len(grid), dtype=torch.int64), reduction="none")
        best.append(grid[values.argmin()].item())
    assert best == sorted(best)
    assert best[0] < best[-1]


def test_shortness_costs_and_only_up_to_the_longest() -> None:
    free = torch.tensor([[1.0, -1.0]], dtype=torch.float64)
    length = torch.tensor([20.0], dtype=torch.float64, requires_grad=True)
    value = lossary.magface(free, length, torch.tensor([0]))
    assert value.item() == pytest.approx(35 * (1 / 20 + 20 / 110**2), rel=1e-12)
    assert torch.autograd.grad(value, length)[0].item() < 0
    beyond = torch.tensor([200.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.grad(lossary.magface(free, beyond, torch.tensor([0])), beyond)[0].item() == 0


def test_the_length_is_learnt_through_embeddings() -> None:
    torch.manual_seed(0)
    features = (20.0 * torch.randn(6, 4, dtype=torch.float64)).requires_grad_()
    centres = F.normalize(torch.randn(3, 4, dtype=torch.float64), dim=-1)
    target = torch.tensor([0, 1, 2, 0, 1, 2])

    def value(of: Tensor) -> Tensor:
        found: Tensor = lossary.magface(F.normalize(of, dim=-1) @ centres.T, of.norm(dim=-1), target)
        return found

    before = value(features)
    (slope,) = torch.autograd.grad(before, features)
    assert (slope * F.normalize(features.detach(), dim=-1)).sum(-1).abs().min() > 0
    assert value(features - 1e-2 * slope) < before


@pytest.mark.parametrize("length", [-1.0, math.inf])
def test_what_is_no_length_is_refused(cosines: Tensor, length: float) -> None:
    with pytest.raises(DomainError, match="length"):
        lossary.magface(cosines, lengths(length), TARGET)
