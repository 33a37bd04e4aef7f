"""Triplets mined tile by tile are the triplets of the whole batch: values, gradients, choices and counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from lossary.core.errors import BackendError
from lossary.kernels import attached
from lossary.kernels.mining import hard, points, roles, rules, triplets
from lossary.losses.metric.triplet import triplet_batch_hard
from lossary.losses.metric.triplet_mined import triplet_all, triplet_semi_hard

MINED = (triplet_batch_hard, triplet_all, triplet_semi_hard)
HYPER = [(margin, way) for margin in (None, 0.0, 1.0) for way in ("euclidean", "squared", "cosine")]
#: Samples and labels: none, one, a pair of either kind, one class, no class of two, primes, a class of most.
SIZES = ((0, 1), (1, 1), (2, 1), (2, 2), (7, 1), (11, 11), (13, 3), (41, 5))

mined = pytest.mark.parametrize("loss", MINED, ids=lambda loss: loss.__name__)


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles of a few anchors, blocks of a few pairs, so that small batches have several of each."""
    monkeypatch.setattr(roles, "TILE", 150)
    monkeypatch.setattr(hard, "KEYS", 150)
    monkeypatch.setattr(rules, "TRIPLETS", 900)
    monkeypatch.setattr(points, "BLOCK", 64)


def labels(count: int, many: int) -> Tensor:
    """Labels of unequal classes in no order; as many as samples: all single."""
    if count == many:
        return torch.randperm(count)
    return torch.where(torch.rand(count) < 0.4, 0, torch.randint(many, (count,)))


def batches() -> Iterator[tuple[Tensor, Tensor]]:
    """Scattered, far from the origin, in tight clusters, and on a grid where whole numbers tie."""
    torch.manual_seed(0)
    for count, many in SIZES:
        owners = labels(count, many)
        spread = torch.randn(count, 5, dtype=torch.float64)
        yield spread, owners
        yield spread + 1e3, owners
        yield torch.randn(many, 5, dtype=torch.float64)[owners] + 1e-4 * spread, owners


def both(loss: Any, embeddings: Tensor, owners: Tensor, **how: Any) -> list[tuple[Tensor, Tensor]]:
    """Value and gradient, by the loss's own math in float64 and by the kernel, each unit with a pull of its own."""
    found = []
    for backend, given in (("eager", embeddings.double()), ("chunked", embeddings)):
        leaf = given.detach().clone().requires_grad_()
        value = loss(leaf, owners, backend=backend, **how)
        pull = torch.linspace(0.5, 1.5, max(value.numel(), 1), dtype=value.dtype)[: value.numel()]
        (gradient,) = torch.autograd.grad(value, leaf, pull.reshape(value.shape))
        found.append((value.detach().double(), gradient.double()))
    return found


def near(found: list[tuple[Tensor, Tensor]], rounding: float, floor: float = 1e-3) -> bool:
    """Whether values and gradients agree, in parts of the greatest entry."""
    return all(
        bool(((one - other).abs() <= rounding * one.abs().amax().clamp(min=floor)).all())
        for one, other in zip(*found, strict=True)
        if one.numel()
    )


@mined
@pytest.mark.parametrize(("margin", "distance"), HYPER)
def test_a_kernel_is_the_math_in_float64_to_rounding(loss: Any, margin: float | None, distance: str) -> None:
    for embeddings, owners in batches():
        assert near(both(loss, embeddings, owners, margin=margin, distance=distance, reduction="none"), 1e-12)


@mined
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_weights_and_masks_mean_the_same(loss: Any, reduction: str) -> None:
    torch.manual_seed(1)
    for count, many in SIZES:
        embeddings, owners = torch.randn(count, 3, dtype=torch.float64), labels(count, many)
        weight, mask = torch.rand(count) * (torch.rand(count) < 0.8), torch.rand(count) < 0.7
        for how in ({"weight": weight}, {"mask": mask}, {"weight": weight, "mask": mask}):
            assert near(both(loss, embeddings, owners, reduction=reduction, **how), 1e-12)


@mined
@pytest.mark.parametrize("distance", ["euclidean", "squared"])
@pytest.mark.parametrize("margin", [None, 0.0, 1.0])
def test_ties_are_broken_and_kinks_sloped_as_by_the_math(
    loss: Any, distance: str, margin: float | None
) -> None:
    # Of small whole numbers distances have no rounding but the root's, and ties are exact.
    torch.manual_seed(2)
    for _ in range(6):
        grid = torch.randint(9, (23, 3)).double()
        assert near(both(loss, grid, labels(23, 4), margin=margin, distance=distance), 1e-13)


def test_the_same_samples_are_chosen() -> None:
    torch.manual_seed(3)
    for embeddings in (torch.randn(61, 4), torch.randint(3, (61, 3)).float(), torch.zeros(61, 2)):
        owners = labels(61, 6)
        one, other = (
            triplet_batch_hard.units(embeddings, owners, backend=each) for each in ("eager", "chunked")
        )
        assert torch.equal(one.members, other.members)


@mined
@pytest.mark.parametrize("distance", ["euclidean", "squared"])
def test_nearness_does_not_cancel_in_float32(loss: Any, distance: str) -> None:
    # Classes a ten-thousandth wide, a thousand from the origin: products in float32 would not see them at all.
    torch.manual_seed(4)
    owners = labels(60, 6)
    embeddings = 1e-4 * torch.randn(60, 4) + torch.randn(6, 4)[owners].round()
    for moved in (embeddings, embeddings * 1e3):
        size = float(moved.abs().max())
        margin = size if distance == "euclidean" else size**2
        assert near(both(loss, moved, owners, margin=margin, distance=distance), 1e-6, floor=0.0)


@mined
def test_lengths_of_every_order_neither_overflow_nor_vanish(loss: Any) -> None:
    torch.manual_seed(5)
    owners = labels(29, 3)
    for exponent in (-150, 0, 150):
        embeddings = torch.randn(29, 4, dtype=torch.float64) * 10.0**exponent
        assert near(both(loss, embeddings, owners, margin=0.0), 1e-12, floor=0.0)


@mined
@pytest.mark.parametrize(("margin", "distance"), HYPER)
@pytest.mark.parametrize("spoilt", [torch.inf, -torch.inf, torch.nan])
def test_what_is_no_number_says_of_others_what_the_math_says(
    loss: Any, margin: float | None, distance: str, spoilt: float
) -> None:
    torch.manual_seed(8)
    embeddings, owners = torch.randn(24, 4), torch.arange(24) % 6
    embeddings[5, 1] = spoilt
    wanted, found = (
        loss(embeddings, owners, margin=margin, distance=distance, reduction="none", backend=each)
        for each in ("eager", "chunked")
    )
    others = owners != 5
    torch.testing.assert_close(found[others], wanted[others], equal_nan=True)
    # An infinite vector is infinitely far; one of its class cannot come near it, and the others need not care.
    assert not found[~others].isfinite().all()
    assert found[others].isfinite().all() or spoilt != spoilt or distance == "cosine"


@mined
@pytest.mark.parametrize(("margin", "distance"), HYPER)
def test_a_kernel_can_be_differentiated_twice(loss: Any, margin: float | None, distance: str) -> None:
    torch.manual_seed(6)
    owners, start = labels(19, 3), torch.randn(19, 3, dtype=torch.float64)
    along, found = torch.randn(19, 3, dtype=torch.float64), []
    weights = torch.rand(19, dtype=torch.float64)
    for backend in ("eager", "chunked"):
        leaf, weight = start.clone().requires_grad_(), weights.clone().requires_grad_()
        value = loss(leaf, owners, margin=margin, distance=distance, weight=weight, backend=backend)
        (first,) = torch.autograd.grad(value, leaf, create_graph=True)
        found.append(torch.autograd.grad((first * along).sum(), (leaf, weight)))
    assert near(found, 1e-11)  # type: ignore[arg-type]


@mined
def test_slopes_that_are_not_kept_are_made_again(loss: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triplets, "KEPT", 0)
    torch.manual_seed(7)
    for margin in (None, 1.0):
        assert near(both(loss, torch.randn(37, 4, dtype=torch.float64), labels(37, 4), margin=margin), 1e-12)


class _Largest(TorchDispatchMode):
    """The most numbers that any result has."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> object:
        found = function(*arguments, **(named or {}))
        for each in found if isinstance(found, (tuple, list)) else [found]:
            self.numbers = max(self.numbers, each.numel() if isinstance(each, Tensor) else 0)
        return found


@mined
@pytest.mark.parametrize("margin", [None, 1.0])
def test_no_cube_is_made(loss: Any, margin: float | None) -> None:
    count, width = 90, 6
    leaf = torch.randn(count, width, requires_grad=True)
    owners = torch.arange(count) % 5
    run: Callable[..., Any] = attached(loss.loss)[0].run
    with _Largest() as seen:
        values, _, _ = run(leaf, owners, margin=margin, distance="euclidean", keep=None)
        values.sum().backward()
    assert count * width <= seen.numbers <= 1000 < count * count


@mined
def test_auto_takes_the_kernel_for_a_large_batch_and_says_why(loss: Any) -> None:
    large = torch.randn(600, 4), torch.arange(600) % 9
    assert loss.explain(*large).backend == "chunked"
    assert "600 samples" in loss.explain(*large).why
    assert loss.explain(large[0][:6], large[1][:6]).backend == "eager"
    assert near([(loss(*large), torch.ones(1)), (loss(*large, backend="chunked"), torch.ones(1))], 1e-6)


def test_a_third_derivative_of_the_soft_margin_is_refused_by_name() -> None:
    leaf, owners = torch.randn(6, 3, dtype=torch.float64).requires_grad_(), torch.arange(6) % 2
    found = triplet_all(leaf, owners, margin=None, backend="chunked")
    for _ in range(2):
        (slope,) = torch.autograd.grad(found, leaf, create_graph=True)
        found = slope.square().sum()
    with pytest.raises(BackendError, match="a third; pass backend='eager'"):
        torch.autograd.grad(found, leaf)


@pytest.mark.parametrize("loss", [triplet_all, triplet_semi_hard])
@pytest.mark.parametrize("margin", [None, 1.0])
def test_a_batch_of_gradients_is_refused_by_name(loss: Any, margin: float | None) -> None:
    leaf, owners = torch.randn(6, 3).requires_grad_(), torch.arange(6) % 2
    values = loss(leaf, owners, margin=margin, reduction="none", backend="chunked")
    with pytest.raises(
        BackendError, match="one gradient at a time, got a batch of them; pass backend='eager'"
    ):
        torch.autograd.grad(values, leaf, torch.eye(6), is_grads_batched=True)


@mined
def test_a_transformed_call_is_computed_by_the_math_or_refused(loss: Any) -> None:
    owners = torch.arange(600) % 300

    def value(x: Tensor, backend: str) -> Tensor:
        found: Tensor = loss(x, owners[:300], backend=backend)
        return found

    assert torch.func.grad(value)(torch.randn(300, 3), "auto").shape == (300, 3)
    with pytest.raises(BackendError, match="expected a plain call, got one that torch traces"):
        torch.func.grad(value)(torch.randn(300, 3), "chunked")
    with (
        torch.autograd.forward_ad.dual_level(),
        pytest.raises(BackendError, match="forward-mode differentiation; pass backend='eager'"),
    ):
        value(torch.randn(300, 3), "chunked")


@mined
def test_a_nan_is_seen(loss: Any) -> None:
    embeddings, owners = torch.randn(20, 3), torch.arange(20) % 3
    for place in (0, 19):
        spoilt = embeddings.clone()
        spoilt[place, 1] = torch.nan
        assert loss(spoilt, owners, backend="chunked").isnan()


def test_a_hand_made_batch_has_the_values_of_its_triplets() -> None:
    embeddings = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 4.5], [0.0, 8.0]])
    owners = torch.tensor([0, 0, 1, 1])
    for backend in ("eager", "chunked"):
        every = triplet_all.units(embeddings, owners, backend=backend)
        assert every.values[0] == 0.75 and list(every.measure) == [2.0] * 4
        # The nearest negative beyond 5 is at 8, where relu cuts 5 - 8 + 1.
        semi = triplet_semi_hard.units(embeddings, owners, backend=backend)
        assert semi.values[0] == 0.0 and list(semi.measure) == [1.0] * 4


@mined
@pytest.mark.parametrize("distance", ["euclidean", "squared", "cosine"])
def test_vectors_of_no_numbers_are_all_in_one_place(loss: Any, distance: str) -> None:
    for owners in ([0, 0, 1], [0, 1, 2], [0, 0, 0]):
        (value, _), (other, pull) = both(loss, torch.zeros(3, 0), torch.tensor(owners), distance=distance)
        assert float(other) == float(value)
        assert pull.shape == (3, 0)
