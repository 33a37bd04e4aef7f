"""Triton kernels on a GPU, at the sizes they are for; skipped where there is none.

What is measured here is error and memory. Times are for ``make bench``.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
import torch
from torch import Tensor

import lossary
from lossary.kernels.linear.heads import linear_cross_entropy
from lossary.losses.contrastive.clip import clip
from lossary.losses.contrastive.nt_xent import nt_xent
from lossary.losses.contrastive.siglip import siglip

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available() or importlib.util.find_spec("triton") is None,
    reason="there is no GPU, or no triton",
)


def close(ours: Tensor, theirs: Tensor, bound: float) -> None:
    """Of float64's truth, relative to the largest."""
    assert not ours.isnan().any()
    error = (ours.double() - theirs).abs().max() / theirs.abs().max()
    assert error <= bound, f"{error:.2e} is above {bound:.2e}"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("shape", [(70000, 10), (4097, 1000), (513, 32000), (257, 128256), (4, 19, 255, 257)])
def test_rows_of_every_length_are_those_of_the_eager_math(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    classes, samples = shape[1], (shape[0], *shape[2:])
    logits = (4 * torch.randn(shape, device="cuda")).to(dtype).requires_grad_()
    target = torch.randint(0, classes, samples, device="cuda")
    target[0] = -100
    weight, spread = torch.rand(samples, device="cuda"), torch.rand(classes, device="cuda")
    for options in ({}, {"weight": weight, "class_weight": spread, "label_smoothing": 0.1}):
        value = lossary.cross_entropy(logits, target, backend="triton", **options)  # type: ignore[arg-type]
        (slope,) = torch.autograd.grad(3.0 * value, logits)
        wide = logits.detach().double().requires_grad_()
        truth = {key: each.double() if torch.is_tensor(each) else each for key, each in options.items()}
        exact = lossary.cross_entropy(wide, target, backend="eager", **truth)  # type: ignore[arg-type]
        (rise,) = torch.autograd.grad(3.0 * exact, wide)
        close(value, exact, 1e-12 if dtype is torch.float64 else 2e-6)
        close(slope, rise, 2e-6 if dtype is torch.float32 else torch.finfo(dtype).eps * 4)


def test_a_confident_row_keeps_its_small_loss_and_slope() -> None:
    logits = torch.tensor([[0.0, 25.0], [80.0, 0.0]], device="cuda", requires_grad=True)
    value = lossary.cross_entropy(
        logits, torch.tensor([1, 0], device="cuda"), reduction="none", backend="triton"
    )
    value.sum().backward()
    exact = torch.tensor([-25.0, -80.0], dtype=torch.float64, device="cuda").exp()
    torch.testing.assert_close(value.double(), exact, rtol=32 * 2.0**-23, atol=0)
    assert logits.grad is not None
    slope = torch.stack([logits.grad[0, 1], logits.grad[1, 0]]).double()
    torch.testing.assert_close(slope, -exact, rtol=256 * 2.0**-23, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_head_is_that_of_the_eager_math_and_never_holds_all_logits(dtype: torch.dtype) -> None:
    rows, width, classes = 8192, 512, 32768
    hidden = torch.randn(rows, width, device="cuda").to(dtype).requires_grad_()
    weight = (torch.randn(classes, width, device="cuda") / 16).to(dtype).requires_grad_()
    target = torch.randint(0, classes, (rows,), device="cuda")
    options: dict[str, Any] = {"label_smoothing": 0.1, "z_loss": 1e-4, "soft_cap": 30.0}
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    value = linear_cross_entropy(hidden, weight, target, backend="triton", **options)
    found = torch.autograd.grad(value, [hidden, weight])
    assert torch.cuda.max_memory_allocated() - before < rows * classes * 4
    leaves = [each.detach().double().requires_grad_() for each in (hidden, weight)]
    exact = linear_cross_entropy(*leaves, target, backend="eager", **options)
    close(value, exact, 1e-5)
    for ours, theirs in zip(found, torch.autograd.grad(exact, leaves), strict=True):
        close(ours, theirs, 1e-5 if dtype is torch.float32 else 2.0**-7)


@pytest.mark.parametrize("loss", [clip, siglip, nt_xent])
@pytest.mark.parametrize("width", [64, 250, 512])
def test_tiles_give_what_all_similarities_give_in_memory_linear_in_the_batch(loss: Any, width: int) -> None:
    count = 4099
    leaves = [torch.randn(count, width, device="cuda", requires_grad=True) for _ in range(2)]
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    value = loss(*leaves, backend="triton")
    found = torch.autograd.grad(value, leaves)
    assert torch.cuda.max_memory_allocated() - before < count * count * 4
    wide = [each.detach().double().requires_grad_() for each in leaves]
    exact = loss(*wide, backend="eager")
    close(value, exact, 1e-5)
    for ours, theirs in zip(found, torch.autograd.grad(exact, wide), strict=True):
        close(ours, theirs, 1e-4)


def test_auto_takes_the_kernel_and_says_so() -> None:
    logits, target = torch.randn(64, 1000, device="cuda"), torch.randint(0, 1000, (64,), device="cuda")
    assert lossary.explain(lossary.cross_entropy, logits, target).backend == "triton"
    torch.testing.assert_close(
        lossary.cross_entropy(logits, target), lossary.cross_entropy(logits, target, backend="eager")
    )
