"""Cross-entropy behind a linear head: against the same call with all logits made, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lossary.core.errors import BackendError
from lossary.kernels.linear.heads import linear, linear_cross_entropy


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    """The interpreter computes with numpy, which warns of what tensors compute in silence."""
    with np.errstate(all="ignore"):
        yield


def gradients(backend: str, head: list[Tensor], target: Tensor, **options: Any) -> list[Tensor]:
    """The value and its gradients in hidden, weight and bias."""
    leaves = [each.clone().requires_grad_() for each in head]
    value = linear_cross_entropy(leaves[0], leaves[1], target, leaves[2], backend=backend, **options)
    up = torch.linspace(0.5, 1.5, value.numel(), dtype=value.dtype).reshape(value.shape)
    return [value.detach(), *torch.autograd.grad(value, leaves, up)]


def head(
    dtype: torch.dtype = torch.float64, rows: int = 7, width: int = 5, classes: int = 11
) -> list[Tensor]:
    """Hidden, weight and bias."""
    shapes = ((rows, width), (classes, width), (classes,))
    return [(2 * torch.randn(*shape, dtype=torch.float64)).to(dtype) for shape in shapes]


OPTIONS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "none": {"reduction": "none", "label_smoothing": 0.1},
    "class weight": {"class_weight": torch.linspace(0.0, 2.0, 11, dtype=torch.float64)},
    "cap and z-loss": {"soft_cap": 5.0, "z_loss": 1e-2},
    "everything": {
        "class_weight": torch.linspace(0.1, 2.0, 11, dtype=torch.float64), "label_smoothing": 0.1, "soft_cap": 5.0,
        "z_loss": 1e-2, "row_weight": torch.linspace(0.0, 1.0, 7, dtype=torch.float64), "reduction": "sum",
        "mask": torch.tensor([True] * 5 + [False, True]),
    },
}  # fmt: skip


@pytest.mark.parametrize("soft", [False, True], ids=["index", "soft"])
@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_that_of_the_eager_math(name: str, soft: bool) -> None:
    target = (
        torch.softmax(torch.randn(7, 11).double(), -1) if soft else torch.tensor([0, 10, 3, -100, 5, 5, 2])
    )
    given = head()
    found = gradients("triton", given, target, rows=3, **OPTIONS[name])
    for ours, theirs in zip(found, gradients("eager", given, target, **OPTIONS[name]), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("rows", "width", "classes"), [(1, 1, 1), (1, 3, 13), (13, 2, 1), (5, 7, 3)])
def test_odd_sizes_are_no_exception(rows: int, width: int, classes: int) -> None:
    target, given = torch.randint(0, classes, (rows,)), head(torch.float64, rows, width, classes)
    for ours, theirs in zip(*(gradients(each, given, target) for each in ("triton", "eager")), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-13)


def test_half_precision_sums_in_single() -> None:
    given, target = head(torch.bfloat16), torch.randint(0, 11, (7,))
    found = gradients("triton", given, target, rows=2)
    exact = gradients("eager", [each.double() for each in given], target)
    assert found[0].dtype is torch.float32
    for ours, theirs in zip(found, exact, strict=True):
        assert (ours - theirs).abs().max() <= 2.0**-7 * theirs.abs().max()


def test_what_was_given_is_never_changed() -> None:
    given, target = head(), torch.randint(0, 11, (7,))
    before = [each.clone() for each in given]
    gradients("triton", given, target)
    assert all(torch.equal(*each) for each in zip(given, before, strict=True))


def test_the_gradient_can_be_differentiated_again() -> None:
    given, target = [each.requires_grad_() for each in head()], torch.randint(0, 11, (7,))
    found = []
    for backend in ("triton", "eager"):
        value = linear_cross_entropy(*given[:2], target, given[2], backend=backend)
        first = torch.autograd.grad(value, given, create_graph=True)
        found.append(torch.autograd.grad(sum((each**2).sum() for each in first), given))  # type: ignore[arg-type]
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_another_loss_behind_the_head_is_refused() -> None:
    given, target = head(), torch.randint(0, 11, (7,))
    with pytest.raises(BackendError, match="expected cross_entropy, got categorical_poly1"):
        linear("categorical_poly1", *given[:2], target, backend="triton")
