"""Contrastive losses over tiles: the answers of their math at odd sizes, without the table that the math makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from lossary import explain
from lossary.core.errors import BackendError
from lossary.kernels.contrastive import tiles
from lossary.losses.contrastive.clip import clip
from lossary.losses.contrastive.decoupled import decoupled
from lossary.losses.contrastive.info_nce import info_nce
from lossary.losses.contrastive.nt_xent import nt_xent
from lossary.losses.contrastive.pairs import against
from lossary.losses.contrastive.siglip import siglip
from lossary.losses.contrastive.supcon import supcon

LOSSES = [info_nce, clip, siglip, nt_xent, decoupled, supcon]
every = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
WIDTH = 5


class Call:
    """A loss on a drawn batch; everything it can be differentiated by is a leaf."""

    def __init__(
        self,
        loss: Callable[..., Tensor],
        count: int,
        *,
        dtype: torch.dtype = torch.float64,
        temperature: float = 0.3,
    ) -> None:
        generator = torch.Generator().manual_seed(count)
        draws = torch.randn(2, count, WIDTH, generator=generator)  # numbers of both dtypes
        first, second = draws[0], draws[0] + 0.5 * draws[1]
        self.loss, self.generator = loss, generator
        self.hyper = {"temperature": torch.tensor(temperature, dtype=dtype, requires_grad=True)}
        if loss is siglip:
            self.hyper["bias"] = torch.tensor(-1.5, dtype=dtype, requires_grad=True)
        labels = torch.randint(max(count // 2, 1), (count,), generator=generator)
        inputs = (first, labels) if loss is supcon else (first, second)
        self.inputs = [
            each.to(dtype).requires_grad_() if each.is_floating_point() else each for each in inputs
        ]
        self.leaves = [each for each in (*self.inputs, *self.hyper.values()) if each.requires_grad]

    def __call__(self, **options: Any) -> Tensor:
        return self.loss(*self.inputs, **self.hyper, **options)

    def found(self, **options: Any) -> list[Tensor]:
        """Values, and a gradient by every leaf in which no two units weigh the same."""
        values = self(**options)
        total = values.sum() if values.ndim == 0 else (values * torch.linspace(0.5, 2.0, len(values))).sum()
        return [values, *torch.autograd.grad(total, self.leaves)]

    def ways(self) -> Iterator[dict[str, Any]]:
        count = len(self.inputs[0])
        mask = torch.rand(count, generator=self.generator) < 0.6
        weight = torch.rand(count, generator=self.generator)
        yield {}
        yield {"reduction": "sum", "mask": mask}
        yield {"reduction": "none", "weight": weight}
        yield {"mask": mask, "weight": weight}
        yield {"mask": torch.zeros(count, dtype=torch.bool)}


def _agree(found: list[Tensor], wanted: list[Tensor], slack: float) -> None:
    for ours, theirs in zip(found, wanted, strict=True):
        size = float(theirs.detach().abs().max()) if theirs.numel() else 0.0
        torch.testing.assert_close(ours, theirs, rtol=slack, atol=slack * size, check_dtype=False)


@every
@pytest.mark.parametrize("count", [0, 1, 2, 3, 13])
@pytest.mark.parametrize("side", [3, 1024])
def test_tiles_give_what_the_math_gives(
    loss: Any, count: int, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "SIDE", side)
    call = Call(loss, count)
    for ways in call.ways():
        _agree(call.found(backend="chunked", **ways), call.found(backend="eager", **ways), 1e-12)


@every
def test_a_maximum_is_taken_out_where_exponentials_would_overflow(
    loss: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "SIDE", 4)
    call = Call(loss, 11, temperature=0.001)
    for ways in call.ways():
        _agree(call.found(backend="chunked", **ways), call.found(backend="eager", **ways), 1e-11)


@every
def test_a_row_of_nan_makes_no_other_row_overflow(loss: Any) -> None:
    call = Call(loss, 7, temperature=0.001)
    with torch.no_grad():
        call.inputs[0][2, 1] = torch.nan
        wanted, found = (call(backend=each, reduction="none") for each in ("eager", "chunked"))
    torch.testing.assert_close(found, wanted, equal_nan=True)
    assert wanted.isnan().any()


@every
def test_second_derivatives_are_those_of_the_first(loss: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "SIDE", 3)
    call = Call(loss, 5)

    def value(*leaves: Tensor) -> Tensor:
        given = [*leaves]
        inputs = [given.pop(0) if each.requires_grad else each for each in call.inputs]
        return loss(*inputs, **dict(zip(call.hyper, given, strict=True)), backend="chunked")

    assert torch.autograd.gradgradcheck(value, tuple(call.leaves), fast_mode=True)


@every
def test_a_third_derivative_is_refused_by_name(loss: Any) -> None:
    call = Call(loss, 4)
    (first,) = torch.autograd.grad(call(backend="chunked"), call.leaves[:1], create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), call.leaves[:1], create_graph=True)
    with pytest.raises(BackendError, match="a third; pass backend='eager'"):
        torch.autograd.grad(second.square().sum(), call.leaves[:1])


@every
def test_a_batch_of_gradients_is_refused_by_name(loss: Any) -> None:
    call = Call(loss, 4)
    leaf = call.leaves[0]
    (first,) = torch.autograd.grad(call(backend="chunked"), leaf, create_graph=True)
    several = torch.ones(2, *first.shape, dtype=first.dtype)
    with pytest.raises(
        BackendError, match="one gradient at a time, got a batch of them; pass backend='eager'"
    ):
        torch.autograd.grad(first, leaf, several, is_grads_batched=True)


class _Sizes(TorchDispatchMode):
    """Notes the largest result of all operations."""

    largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for each in made if isinstance(made, (tuple, list)) else (made,):
            if isinstance(each, Tensor):
                self.largest = max(self.largest, each.numel())
        return made


@every
def test_no_result_is_as_large_as_the_table(loss: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "SIDE", 8)
    call, kernel = Call(loss, 61), _kernel(loss)
    with _Sizes() as sizes:
        values, _, _ = kernel.run(*call.inputs, **call.hyper, **_rest(loss))
        torch.autograd.grad(values.sum(), call.leaves)
    assert sizes.largest <= 2 * 61 * WIDTH
    with _Sizes() as sizes:
        call(backend="eager")
    assert sizes.largest >= 61 * 61


def _kernel(loss: Any) -> Any:
    from lossary.core.backends import attached

    return next(each for each in attached(loss.loss) if each.backend == "chunked")


def _rest(loss: Any) -> dict[str, Any]:
    return {"similarity": "cosine"} if loss is info_nce else {}


@pytest.mark.parametrize("loss", [info_nce, clip, nt_xent, supcon], ids=lambda loss: loss.__name__)
def test_a_confident_row_keeps_its_digits(loss: Any) -> None:
    corners = torch.eye(4)
    second = torch.tensor([0, 1, 2, 3]) if loss is supcon else corners
    first = corners.repeat(2, 1) if loss is supcon else corners
    second = second.repeat(2) if loss is supcon else second
    found = loss(first, second, temperature=0.04, backend="chunked")
    wanted = loss(
        first.double(), second.double() if loss is not supcon else second, temperature=0.04, backend="eager"
    )
    assert 0 < wanted < 1e-9
    torch.testing.assert_close(found, wanted.float(), rtol=1e-5, atol=0.0)


@every
def test_float32_stays_near_float64(loss: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "SIDE", 5)
    for temperature in (0.25, 2.0**-7):  # numbers of both dtypes
        single = Call(loss, 13, dtype=torch.float32, temperature=temperature)
        double = Call(loss, 13, temperature=temperature)
        for ways in ({}, {"reduction": "none"}):
            _agree(
                [each.double() for each in single.found(backend="chunked", **ways)],
                double.found(backend="eager", **ways),
                2e-5,
            )


@every
def test_autocast_does_not_reach_the_tiles(loss: Any) -> None:
    call = Call(loss, 13, dtype=torch.float32)
    wanted = call.found(backend="chunked")
    with torch.autocast("cpu", torch.bfloat16):
        found = call.found(backend="chunked")
    assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))


def test_auto_takes_tiles_for_a_large_batch_and_says_why() -> None:
    small, large = torch.zeros(64, 2), torch.zeros(1, 2).expand(8192, 2)
    assert explain(clip, small, small).backend == "eager"
    chosen = explain(clip, large, large)
    assert chosen.backend == "chunked"
    assert "8192 x 8192 similarities takes 256 MiB" in chosen.why


@every
def test_a_transform_is_refused_by_name(loss: Any) -> None:
    call = Call(loss, 4)
    first, second = (each.detach() for each in call.inputs)
    with pytest.raises(BackendError, match="transforms; pass backend='eager'"):
        torch.func.grad(lambda x: loss(x, second, backend="chunked"))(first)
    with (
        torch.autograd.forward_ad.dual_level(),
        pytest.raises(BackendError, match="forward-mode differentiation; pass backend='eager'"),
    ):
        loss(torch.autograd.forward_ad.make_dual(first, first), second, backend="chunked")


@pytest.mark.parametrize("size", [1e3, 1e6])
def test_the_shares_beside_large_similarities_keep_their_digits(size: float) -> None:
    logits = (size + torch.randn(4, 50, generator=torch.Generator().manual_seed(0))).requires_grad_()
    rest, _ = against(logits, torch.ones(4, 50, dtype=torch.bool))
    (shares,) = torch.autograd.grad(rest.sum(), logits)
    wanted = torch.softmax(logits.detach().double(), 1)
    torch.testing.assert_close(shares.double(), wanted, rtol=2e-6, atol=0.0)


def test_an_infinite_similarity_has_an_infinite_sum() -> None:
    logits = torch.tensor([[torch.inf, 1.0], [-torch.inf, -torch.inf], [2.0, -torch.inf]])
    rest, _ = against(logits, torch.ones(3, 2, dtype=torch.bool))
    assert rest.tolist() == [torch.inf, -torch.inf, 2.0]
