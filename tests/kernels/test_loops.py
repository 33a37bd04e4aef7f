"""What Inductor makes of a value and its slope: as few passes over memory as there can be."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch._inductor import config, ir
from torch._inductor.utils import run_and_get_code

import lossary
from lossary.kernels import compiled
from lossary.kernels.compiled import loops


def written(name: str, *inputs: torch.Tensor) -> str:
    """The source of a loss's kernel of value and slope."""
    compiled.forget()
    function: Any = lossary.get(name)
    with config.patch(fx_graph_cache=False):
        _, (source, *_) = run_and_get_code(lambda: function(*inputs, backend="compile"))
    compiled.forget()
    return str(source)


def test_value_and_slope_of_an_element_are_one_loop() -> None:
    source = written("huber", torch.randn(4096, requires_grad=True), torch.randn(4096))
    assert source.count("for(int64_t x0=") == 1


def test_between_the_passes_over_a_region_nothing_of_its_size_is_kept() -> None:
    source = written("binary_dice", torch.randn(6, 64, 64, requires_grad=True), torch.rand(6, 64, 64).round())
    large = re.findall(r"empty_strided_cpu\(\((?:\d+|s\d+), (?:64, 64|4096|1, 4096)\)", source)
    assert len(large) == 1  # the slope


def test_inductor_is_as_it_was_after_a_kernel_was_made() -> None:
    before = ir.StorageBox.should_realize_on_reuse
    with pytest.raises(KeyError), loops.made_again():
        assert ir.StorageBox.should_realize_on_reuse is not before
        raise KeyError
    assert ir.StorageBox.should_realize_on_reuse is before


def test_the_slope_of_the_log_sigmoid_keeps_its_digits_at_both_ends() -> None:
    x = torch.tensor([-800.0, -30.0, -1e-9, 0.0, 1e-9, 0.7, 30.0, 700.0], dtype=torch.float64)
    slope = loops.own()[torch.ops.aten.log_sigmoid_backward.default]
    found = slope(torch.full_like(x, 3.0), x, x)
    assert torch.allclose(found, 3.0 * torch.sigmoid(-x), rtol=1e-15, atol=0)
