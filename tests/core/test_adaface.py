"""A margin that follows the quality of each sample."""

from __future__ import annotations

import mpmath
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import lossary
from lossary.core.errors import DomainError, ShapeError

TARGET = torch.tensor([0, 1, 2, 0, 1, 2, 2])
MARGIN, SCALE = 0.4, 16.0


@pytest.fixture
def cosines() -> Tensor:
    # Every class is met nearer than the margin, between, and nearly opposite.
    return torch.linspace(-40.0, 40.0, len(TARGET) * 3, dtype=torch.float64).sin().reshape(-1, 3)


def both(value: Tensor, leaf: Tensor) -> tuple[Tensor, Tensor]:
    (slope,) = torch.autograd.grad(value.sum(), leaf)
    return value, slope


def quality(level: float) -> Tensor:
    return torch.full((len(TARGET),), level, dtype=torch.float64)


def test_a_middling_sample_has_the_margin_of_cosface(cosines: Tensor) -> None:
    leaf = cosines.requires_grad_()
    ours = both(lossary.adaface(leaf, quality(0.0), TARGET, margin=MARGIN, reduction="none"), leaf)
    theirs = both(lossary.cosface(leaf, TARGET, margin=MARGIN, reduction="none"), leaf)
    torch.testing.assert_close(ours, theirs)


def test_a_poor_sample_has_the_margin_of_arcface_up_to_half_a_turn(cosines: Tensor) -> None:
    leaf = cosines.requires_grad_()
    own = leaf.detach().gather(1, TARGET[:, None])[:, 0]
    ahead = own > torch.cos(torch.tensor(torch.pi - MARGIN))
    assert 0 < ahead.sum() <= len(own)
    ours = both(lossary.adaface(leaf, quality(-1.0), TARGET, margin=MARGIN, reduction="none"), leaf)
    theirs = both(lossary.arcface(leaf, TARGET, margin=MARGIN, reduction="none"), leaf)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one[ahead], other[ahead])


@pytest.mark.parametrize("level", [-1.0, -0.3, 0.0, 0.7, 1.0])
def test_the_value_is_that_of_the_paper_by_the_angle_itself(cosines: Tensor, level: float) -> None:
    found = lossary.adaface(cosines, quality(level), TARGET, margin=MARGIN, scale=SCALE, reduction="none")
    with mpmath.workdps(50):
        for row, truth, value in zip(cosines.tolist(), TARGET.tolist(), found.tolist(), strict=True):
            part = mpmath.mpf(MARGIN) * mpmath.mpf(level)
            angle = min(max(mpmath.acos(row[truth]) - part, mpmath.mpf(0)), mpmath.pi)
            led = mpmath.exp(SCALE * (mpmath.cos(angle) - (part + mpmath.mpf(MARGIN))))
            rest = mpmath.fsum(mpmath.exp(SCALE * each) for place, each in enumerate(row) if place != truth)
            assert abs(value / -mpmath.log(led / (led + rest)) - 1) < 1e-12


def test_of_good_samples_the_hard_ones_pull_more_and_of_poor_samples_the_easy_ones() -> None:
    """How much the margin multiplies the pull on the true class is what the paper is about."""
    easy, hard = 0.8, 0.2
    leaf = torch.tensor([[easy, -1.0], [hard, -1.0]], dtype=torch.float64, requires_grad=True)
    pulls = {}
    for level in (-1.0, 1.0):
        # At a small scale the softmax hardly knows the two apart, and the margin alone speaks.
        value = lossary.adaface(
            leaf,
            torch.full((2,), level, dtype=torch.float64),
            torch.tensor([0, 0]),
            scale=1e-6,
            reduction="sum",
        )
        pulls[level] = torch.autograd.grad(value, leaf)[0][:, 0].abs()
    assert pulls[1.0][1] > pulls[1.0][0]
    assert pulls[-1.0][0] > pulls[-1.0][1]


def test_the_quality_is_taken_as_each_samples_own_wherever_rows_lie(cosines: Tensor) -> None:
    levels = torch.linspace(-1.0, 1.0, len(TARGET), dtype=torch.float64)
    whole = lossary.adaface(cosines, levels, TARGET, reduction="none")
    for row, (cosine, level, truth) in enumerate(zip(cosines, levels, TARGET, strict=True)):
        torch.testing.assert_close(lossary.adaface(cosine, level, truth), whole[row])
    stacked = lossary.adaface(cosines.T[None], levels[None], TARGET[None], reduction="none")
    torch.testing.assert_close(stacked[0], whole)


@pytest.mark.parametrize("level", [1.001, -2.0])
def test_a_quality_outside_of_its_ends_is_refused(cosines: Tensor, level: float) -> None:
    with pytest.raises(DomainError, match="quality"):
        lossary.adaface(cosines, quality(level), TARGET)


def test_lengths_of_another_shape_are_refused(cosines: Tensor) -> None:
    with pytest.raises(ShapeError, match="quality"):
        lossary.adaface(cosines, quality(0.0)[:, None], TARGET)


def test_a_step_on_embeddings_brings_the_true_class_ahead() -> None:
    torch.manual_seed(0)
    features = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    centres = F.normalize(torch.randn(3, 4, dtype=torch.float64), dim=-1)
    target = torch.tensor([0, 1, 2, 0, 1, 2])
    lengths = features.detach().norm(dim=-1)
    levels = ((lengths - lengths.mean()) / lengths.std() * 0.333).clamp(-1.0, 1.0)

    def value(of: Tensor) -> Tensor:
        return lossary.adaface(F.normalize(of, dim=-1) @ centres.T, levels, target)

    before = value(features)
    (slope,) = torch.autograd.grad(before, features)
    assert value(features - 1e-3 * slope) < before
