"""Losses over all pairs, a few anchors at a time: the answers of their math at odd sizes, in chunks of any size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from lossary import explain
from lossary.core import probes
from lossary.core.errors import BackendError
from lossary.kernels.pairs import table as kernel
from lossary.losses.metric.fastap import fastap
from lossary.losses.metric.histogram import histogram
from lossary.losses.metric.lifted import generalized_lifted, lifted
from lossary.losses.metric.multi_similarity import multi_similarity
from lossary.losses.metric.pairs import contrastive_batch

LOSSES: list[tuple[Callable[..., Tensor], dict[str, Any]]] = [
    (contrastive_batch, {"margin": 2.5}),
    (contrastive_batch, {"margin": 0.7, "distance": "cosine"}),
    (multi_similarity, {}),
    (multi_similarity, {"alpha": 1.5, "beta": 3.0, "base": -0.25, "epsilon": 0.3}),
    (fastap, {}),
    (fastap, {"bins": 3}),
    (histogram, {}),
    (histogram, {"bins": 3}),
    (lifted, {}),
    (lifted, {"distance": "squared", "margin": 2.5}),
    (lifted, {"distance": "cosine", "margin": 0.3}),
    (generalized_lifted, {}),
    (generalized_lifted, {"distance": "squared", "margin": 2.5}),
    (generalized_lifted, {"distance": "cosine", "margin": 0.3}),
]
every = pytest.mark.parametrize(("loss", "hyper"), LOSSES)


def _batch(count: int, width: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, width, generator=generator, dtype=torch.float64)
    return x, torch.randint(max(count // 3, 1), (count,), generator=generator)


def _both(loss: Any, x: Tensor, labels: Tensor, **how: Any) -> list[tuple[Tensor, Tensor]]:
    """The value of every unit and a gradient in which no two units weigh the same, by the math and by the kernel."""
    found = []
    for backend in ("eager", "chunked"):
        leaf = x.clone().requires_grad_()
        values = loss(leaf, labels, reduction="none", backend=backend, **how)
        weights = torch.linspace(0.5, 1.5, len(x), dtype=x.dtype)
        found.append((values.detach(), torch.autograd.grad((weights * values).sum(), leaf)[0]))
    return found


def _agree(loss: Any, x: Tensor, labels: Tensor, **how: Any) -> None:
    (value, slope), (other, pull) = _both(loss, x, labels, **how)
    torch.testing.assert_close(other, value, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(pull, slope, rtol=1e-11, atol=1e-12 * max(1.0, float(slope.abs().sum())))


@every
@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 31])
@pytest.mark.parametrize("chunk", [1, 2**19])
def test_chunks_give_what_the_math_gives(
    loss: Any, hyper: dict[str, Any], count: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "CHUNK", chunk)  # down to the eight anchors that a chunk has at least
    for width in (1, 5):
        _agree(loss, *_batch(count, width), **hyper)


@every
def test_a_mask_leaves_samples_out_of_every_pair(loss: Any, hyper: dict[str, Any]) -> None:
    x, labels = _batch(23, 4)
    mask = torch.rand(23, generator=torch.Generator().manual_seed(1)) < 0.6
    x = torch.where(mask.unsqueeze(1), x, torch.nan)
    _agree(loss, x, labels, mask=mask, **hyper)
    _agree(loss, x, labels, mask=torch.zeros_like(mask), **hyper)


@every
def test_near_equal_and_zero_vectors_are_as_exact_as_in_the_math(
    loss: Any, hyper: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "NEAR", 5)  # so that near pairs come in several parts
    x, labels = _batch(12, 3)
    x[1], x[2], x[3], x[5] = x[0], x[0] * (1 + 1e-9), 0.0, 0.0
    _agree(loss, x, labels, **hyper)


def test_distances_far_below_the_lengths_keep_their_digits() -> None:
    # |a - b|² from |a|² + |b|² - 2ab would have no correct digit at 1e8.
    x, labels = _batch(9, 3)
    (value, slope), (other, pull) = _both(contrastive_batch, x + 1e8, labels, margin=2.5)
    torch.testing.assert_close(other, value, rtol=1e-12, atol=0.0)
    torch.testing.assert_close(pull, slope, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e17])
def test_squares_outside_the_range_of_the_dtype_do_no_harm(scale: float) -> None:
    x, labels = _batch(9, 3)
    small = (x * scale).float()
    (value, slope), (other, pull) = _both(contrastive_batch, small, labels, margin=scale)
    torch.testing.assert_close(other, value, rtol=1e-5, atol=0.0)
    torch.testing.assert_close(pull, slope, rtol=1e-4, atol=1e-5 * float(slope.abs().max()))


@every
def test_a_second_derivative_is_that_of_the_math(loss: Any, hyper: dict[str, Any]) -> None:
    x, labels = _batch(5, 3)
    leaf = x.requires_grad_()

    def call(leaf: Tensor) -> Tensor:
        found: Tensor = loss(leaf, labels, backend="chunked", **hyper)
        return found

    assert torch.autograd.gradgradcheck(call, (leaf,), fast_mode=True, atol=1e-4, rtol=1e-3)


@every
def test_no_table_of_differences_is_made(
    loss: Any, hyper: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    count, width = 96, 5
    monkeypatch.setattr(kernel, "CHUNK", 8 * count)
    # Whoever watches operations is a transform, which these kernels leave to the eager math.
    monkeypatch.setattr(probes, "is_eager", lambda: True)
    x, labels = _batch(count, width)

    class Largest(TorchDispatchMode):
        numbers = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            found = func(*args, **(kwargs or {}))
            for each in found if isinstance(found, (tuple, list)) else [found]:
                self.numbers = max(self.numbers, each.numel() if isinstance(each, Tensor) else 0)
            return found

    leaf = x.requires_grad_()
    with Largest() as seen:
        loss(leaf, labels, backend="chunked", **hyper).backward()
    # Of some pairs of a chunk the differences are taken one by one.
    assert 8 * count <= seen.numbers <= 8 * count * width < count * count


@every
def test_a_batch_of_gradients_is_refused_by_name(loss: Any, hyper: dict[str, Any]) -> None:
    x, labels = _batch(5, 3)
    leaf = x.requires_grad_()
    values = loss(leaf, labels, reduction="none", backend="chunked", **hyper)
    with pytest.raises(
        BackendError, match="one gradient at a time, got a batch of them; pass backend='eager'"
    ):
        torch.autograd.grad(values, leaf, torch.eye(5, dtype=x.dtype), is_grads_batched=True)


def test_auto_takes_chunks_where_the_table_of_differences_is_large() -> None:
    small, large = _batch(8, 4), _batch(300, 16)
    assert explain(contrastive_batch, *small).backend == "eager"
    found = explain(contrastive_batch, *large)
    assert found.backend == "chunked"
    assert "a table of 300 x 300 differences takes 11.0 MiB" in str(found)


def test_a_transform_is_refused_with_the_way_out() -> None:
    x, labels = _batch(4, 3)
    with pytest.raises(BackendError, match="expected a plain call, got one that torch traces"):
        torch.func.grad(lambda x: multi_similarity(x, labels, backend="chunked"))(x)
