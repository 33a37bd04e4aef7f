"""Contrastive losses over tiles: against the blocks' own math, which makes all similarities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lossary.core.errors import BackendError
from lossary.kernels.gpu import tuning
from lossary.losses.contrastive.clip import clip
from lossary.losses.contrastive.decoupled import decoupled
from lossary.losses.contrastive.info_nce import info_nce
from lossary.losses.contrastive.nt_xent import nt_xent
from lossary.losses.contrastive.siglip import siglip
from lossary.losses.contrastive.supcon import supcon


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Any:
    """One small tile, and an interpreter that computes in silence as tensors do."""
    monkeypatch.setattr(tuning, "for_pairs", lambda *_: tuning.Pairs(16, 16, 16, 16, 4, 1))
    with np.errstate(all="ignore"):
        yield


PAIRED: dict[str, Callable[..., Tensor]] = {
    "info_nce": info_nce, "clip": clip, "siglip": siglip, "nt_xent": nt_xent, "decoupled": decoupled
}  # fmt: skip


def same(
    function: Callable[..., Tensor], inputs: list[Tensor], labels: Tensor | None = None, **options: Any
) -> None:
    """Values and all gradients of the kernel are those of the eager math."""
    learnt = [each for each in options.values() if torch.is_tensor(each) and each.requires_grad]
    leaves = [each.clone().requires_grad_() for each in inputs]
    rest = () if labels is None else (labels,)
    found = []
    for backend in ("triton", "eager"):
        value = function(*leaves, *rest, backend=backend, **options)
        up = torch.linspace(0.5, 1.5, value.numel(), dtype=value.dtype).reshape(value.shape)
        found.append((value.detach(), *torch.autograd.grad(value, [*leaves, *learnt], up)))
    close = (
        {"rtol": 1e-12, "atol": 1e-13} if inputs[0].dtype is torch.float64 else {"rtol": 2e-5, "atol": 2e-6}
    )
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, **close)


@pytest.mark.parametrize("name", PAIRED)
def test_every_pair_is_weighed_as_the_eager_math_weighs_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tiles so small that seven rows of five features take several of each kind.
    monkeypatch.setattr(tuning, "for_pairs", lambda *_: tuning.Pairs(4, 8, 4, 4, 4, 1))
    monkeypatch.setattr(tuning, "power_of_two", lambda n: 1 << (n - 1).bit_length())
    inputs = [torch.randn(7, 5, dtype=torch.float64) for _ in range(2)]
    same(PAIRED[name], inputs, reduction="none")


@pytest.mark.parametrize("name", PAIRED)
def test_masks_weights_and_a_temperature_that_learns(name: str) -> None:
    inputs = [torch.randn(6, 3, dtype=torch.float64) for _ in range(2)]
    inputs[0][2] = float("nan")
    options: dict[str, Any] = {"temperature": torch.tensor(0.5, dtype=torch.float64, requires_grad=True)}
    if name == "siglip":
        options["bias"] = torch.tensor(-2.0, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([True, True, False, True, True, False])
    same(PAIRED[name], inputs, mask=mask, weight=torch.rand(6, dtype=torch.float64), **options)


@pytest.mark.parametrize(("name", "count"), [*((name, 1) for name in PAIRED), ("nt_xent", 2), ("clip", 2)])
def test_one_pair_and_two(name: str, count: int) -> None:
    same(PAIRED[name], [torch.randn(count, 3) for _ in range(2)])


def test_samples_of_one_label_find_each_other() -> None:
    labels = torch.tensor([0, 1, 0, 2, 1, 0, 3])
    same(supcon, [torch.randn(7, 4, dtype=torch.float64)], labels)


def test_a_batch_that_is_told_apart_keeps_its_small_loss() -> None:
    image = 30 * torch.eye(5)
    for name in ("info_nce", "clip"):
        value = PAIRED[name](image, image, temperature=0.04, backend="triton")
        assert 0 < value < 1e-9
        same(PAIRED[name], [image, image.clone()], temperature=0.04)


@pytest.mark.parametrize("name", ["clip", "siglip", "nt_xent"])
def test_the_gradient_can_be_differentiated_again(name: str) -> None:
    inputs = [torch.randn(5, 3, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    found = []
    for backend in ("triton", "eager"):
        first = torch.autograd.grad(PAIRED[name](*inputs, backend=backend), inputs, create_graph=True)
        found.append(torch.autograd.grad(sum((each**2).sum() for each in first), inputs))  # type: ignore[arg-type]
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_what_the_kernel_cannot_follow_is_refused() -> None:
    inputs = [torch.randn(4, 3) for _ in range(2)]
    with pytest.raises(
        BackendError, match=r"clip\(backend='triton'\): expected a plain call, got one that is traced"
    ):
        torch.func.grad(lambda x: clip(x, inputs[1], backend="triton"))(inputs[0])
