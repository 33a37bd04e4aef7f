"""CoSENT: only the order of judgements counts, whatever numbers they are."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import lossary
from lossary.core.errors import DtypeError, ShapeError


@pytest.fixture
def pairs() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 9, 5, generator=generator, dtype=torch.float64)
    return first, second, torch.randint(4, (9,), generator=generator)


def test_the_value_is_the_sum_over_pairs_judged_differently(pairs: tuple[Tensor, Tensor, Tensor]) -> None:
    first, second, grades = pairs
    cosines = F.cosine_similarity(first, second).tolist()
    terms = [
        math.exp(20 * (cosines[j] - cosines[i])) for i in range(9) for j in range(9) if grades[i] > grades[j]
    ]
    assert lossary.cosent(first, second, grades).item() == pytest.approx(math.log1p(sum(terms)), rel=1e-12)


def test_any_numbers_in_the_same_order_say_the_same(pairs: tuple[Tensor, Tensor, Tensor]) -> None:
    first, second, grades = pairs
    wanted = lossary.cosent(first, second, grades)
    for same in (grades.double(), 1e30 * grades.double() - 5e29, grades.float().exp(), 7 * grades):
        assert lossary.cosent(first, second, same) == wanted
    infinite = torch.where(grades == 3, torch.inf, grades.double())
    assert lossary.cosent(first, second, infinite) == wanted
    backward = lossary.cosent(first, second, -grades)
    assert backward != wanted


def test_equal_judgements_are_not_compared(pairs: tuple[Tensor, Tensor, Tensor]) -> None:
    first, second, grades = pairs
    leaf = first.requires_grad_()
    value = lossary.cosent(leaf, second, torch.ones_like(grades))
    assert value == 0.0
    assert not torch.autograd.grad(value, leaf)[0].any()


def test_a_judgement_that_is_no_number_is_not_lost_in_silence(pairs: tuple[Tensor, Tensor, Tensor]) -> None:
    first, second, grades = pairs
    unknown = grades.double()
    unknown[4] = torch.nan
    assert lossary.cosent(first, second, unknown).isnan()
    kept = torch.arange(9) != 4
    assert lossary.cosent(first, second, unknown, mask=kept) == lossary.cosent(
        first[kept], second[kept], grades[kept]
    )


def test_what_does_not_fit_is_refused(pairs: tuple[Tensor, Tensor, Tensor]) -> None:
    first, second, grades = pairs
    with pytest.raises(ShapeError, match="target"):
        lossary.cosent(first, second, grades[:, None])
    with pytest.raises(DtypeError, match="target"):
        lossary.cosent(first, second, grades.to(torch.complex64))


def test_yes_and_no_are_two_judgements(pairs: tuple[Tensor, Tensor, Tensor]) -> None:
    first, second, grades = pairs
    assert lossary.cosent(first, second, grades > 1) == lossary.cosent(first, second, (grades > 1).double())


def test_descending_it_puts_cosines_in_the_order_of_judgements(pairs: tuple[Tensor, Tensor, Tensor]) -> None:
    first, second, grades = pairs
    leaf = first.requires_grad_()
    for _ in range(300):
        (slope,) = torch.autograd.grad(lossary.cosent(leaf, second, grades), leaf)
        leaf = (leaf - 0.02 * slope).detach().requires_grad_()
    cosines = F.cosine_similarity(leaf, second)
    higher = grades[:, None] > grades
    assert (cosines[:, None] > cosines)[higher].all()
