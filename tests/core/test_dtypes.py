"""Inputs of two precisions are computed in the wider one, whichever of them has it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import lossary
from lossary.doctor.subject import Subject


@pytest.mark.parametrize("name", lossary.names())
def test_one_input_of_float64_makes_the_loss_float64(name: str) -> None:
    case = Subject(lossary.get(name), torch.Generator().manual_seed(0)).case(6, dtype=torch.float32)
    floating = [at for at, each in enumerate(case.inputs) if each is not None and each.is_floating_point()]
    wanted = case.to(torch.float64)()
    for wide in (floating[:1], floating[1:]):
        given = tuple(
            each.double() if at in wide and each is not None else each for at, each in enumerate(case.inputs)
        )
        leaves = replace(case, inputs=given).leaves()
        value = leaves()
        assert value.dtype is (torch.float64 if wide else torch.float32)
        torch.testing.assert_close(value, wanted, rtol=1e-5, atol=1e-6, equal_nan=True, check_dtype=False)
        for each, slope in zip(
            leaves.differentiable(), torch.autograd.grad(value, leaves.differentiable()), strict=True
        ):
            assert slope.dtype is each.dtype
