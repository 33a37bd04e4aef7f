"""The kernels' exponential against Python's own, to the roundings that it allows itself."""

from __future__ import annotations

import math

import pytest
import torch

from lossary.kernels.exponential import exp_


@pytest.mark.parametrize(("dtype", "least"), [(torch.float32, -87.0), (torch.float64, -708.0)])
def test_it_is_off_by_no_more_roundings_than_its_argument_is_large(dtype: torch.dtype, least: float) -> None:
    x = torch.linspace(least, 80.0, 20_011, dtype=dtype)
    true = torch.tensor([math.exp(each) for each in x.tolist()], dtype=torch.float64)
    off = (exp_(x.clone()).double() / true - 1).abs()
    assert bool((off <= (x.double().abs() + 2) * torch.finfo(dtype).eps).all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_is_exactly_one_and_the_ends_are_the_ends(dtype: torch.dtype) -> None:
    x = torch.tensor([0.0, -0.0, -torch.inf, -1e4, 1e4, torch.inf, torch.nan], dtype=dtype)
    expected = torch.tensor([1.0, 1.0, 0.0, 0.0, torch.inf, torch.inf, torch.nan], dtype=dtype)
    found = exp_(x)
    torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)
    assert found is x
