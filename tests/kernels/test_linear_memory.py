"""A linear head keeps no logits, makes each chunk once, and adds up in float32, whatever the dtype."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode

import lossary
from lossary import linear
from lossary.core import probes
from lossary.kernels.linear import chunks, nodes
from lossary.kernels.linear.crossed import CrossEntropy

ROWS, WIDTH, CLASSES, CHUNK = 512, 8, 96, 64


class _Seen(TorchDispatchMode):
    """The most numbers of any result, and the dtypes of the products of matrices with the classes."""

    def __init__(self) -> None:
        super().__init__()
        self.largest, self.products = 0, set[torch.dtype]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> object:
        found = func(*args, **(kwargs or {}))
        for each in found if isinstance(found, (tuple, list)) else [found]:
            if isinstance(each, Tensor):  # a view, as of one number for all, takes what lies under it
                under = each.untyped_storage().nbytes() // each.element_size()
                self.largest = max(self.largest, under)
        if func._schema.name in ("aten::mm", "aten::addmm"):
            self.products.add(args[-1].dtype)
        return found


def head(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(4)
    hidden, weight = (
        torch.randn(shape, generator=generator).to(dtype).requires_grad_()
        for shape in ((ROWS, WIDTH), (CLASSES, WIDTH))
    )
    return hidden, weight, torch.randint(CLASSES, (ROWS,), generator=generator)


def value(loss: str, hidden: Tensor, weight: Tensor, target: Tensor, **how: Any) -> Tensor:
    return cast(Tensor, linear(loss, hidden, weight, target, rows=CHUNK, **how))


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever watches operations is a transform, which these kernels leave to plain operations."""
    monkeypatch.setattr(probes, "is_eager", lambda: True)


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("loss", ["cross_entropy", "categorical_focal"])
def test_no_tensor_is_larger_than_a_chunk_of_logits_to_the_second_derivative(
    loss: str, reduction: str
) -> None:
    hidden, weight, target = head()
    with _Seen() as seen:
        found = value(loss, hidden, weight, target, reduction=reduction).sum()
        first = torch.autograd.grad(found, (hidden, weight), create_graph=True)
        torch.autograd.grad(first, (hidden, weight), [each.detach() for each in first])
    assert max(ROWS * WIDTH, CLASSES * WIDTH) < CHUNK * CLASSES == seen.largest < ROWS * CLASSES


@pytest.mark.parametrize("learned", ["class_weight", "target"])
def test_what_learns_beside_the_head_makes_the_chunks_again(learned: str) -> None:
    hidden, weight, target = head()
    weights = torch.rand(CLASSES).requires_grad_(learned == "class_weight")
    kept = []
    with saved_tensors_hooks(lambda each: (kept.append(each.numel()), each)[1], lambda each: each):
        if learned == "target":
            soft = torch.randn(ROWS, CLASSES).softmax(-1).requires_grad_()
            found = value("cross_entropy", hidden, weight, soft)
            kept = [each for each in kept if each != soft.numel()]
        else:
            found = value("categorical_focal", hidden, weight, target, class_weight=weights)
    assert kept and max(kept) < CHUNK * CLASSES
    found.backward()
    assert hidden.grad is not None and weight.grad is not None


@pytest.mark.parametrize(
    ("rows", "classes", "width"), [(4096, 32768, 512), (100, 7, 3), (10**6, 50, 64), (1, 1, 1)]
)
def test_a_chunk_is_near_the_cache_and_no_more_than_the_gradients(
    rows: int, classes: int, width: int
) -> None:
    for wide, size in ((torch.float32, 4), (torch.float64, 8)):
        found = chunks.rows(rows, classes, width, wide)
        assert found % chunks.LEAST == 0 and found >= chunks.LEAST
        if found > chunks.LEAST:
            assert found * classes * size <= chunks.BYTES
            assert found * classes <= (classes + rows) * width
            larger = found + chunks.LEAST
            assert larger * classes * size > chunks.BYTES or larger * classes > (classes + rows) * width


@pytest.mark.parametrize("native", [True, False])
def test_the_gradient_of_the_weight_is_added_up_in_float32(
    watched: None, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One row a chunk: sums in bfloat16 would lose the chunks that come last, a half of them and more.
    monkeypatch.setattr(probes, "multiplies_bfloat16", lambda: native)
    rows = 2048
    hidden = torch.full((rows, 1), 1.0, dtype=torch.bfloat16)
    weight = torch.zeros(2, 1, dtype=torch.bfloat16, requires_grad=True)
    target = torch.zeros(rows, dtype=torch.int64)
    with _Seen() as seen:
        found = lossary.linear_cross_entropy(hidden, weight, target, reduction="sum", rows=1)
        found.backward()
    assert seen.products == {torch.bfloat16 if native else torch.float32}
    assert weight.grad is not None and weight.grad.flatten().tolist() == [-rows / 2, rows / 2]
    assert found.dtype is torch.float32 and found.item() == pytest.approx(rows * 0.6931471805599453, rel=1e-6)


def test_one_pass_makes_values_and_slopes_where_a_number_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = {"values": 0, "slope_": 0}

    def counted(name: str) -> None:
        plain = getattr(CrossEntropy, name)

        def run(self: CrossEntropy, *given: Any) -> Any:
            made[name] += 1
            return plain(self, *given)

        monkeypatch.setattr(CrossEntropy, name, run)

    counted("values")
    counted("slope_")
    hidden, weight, target = head()
    many = ROWS // CHUNK
    value("cross_entropy", hidden, weight, target).backward()
    assert made == {"values": 0, "slope_": many}
    # A value per row is weighed only by what comes after it, so its slopes wait for the backward pass.
    rows = value("cross_entropy", hidden, weight, target, reduction="none")
    assert made == {"values": many, "slope_": many}
    rows.sum().backward()
    assert made == {"values": many, "slope_": 2 * many}
    value("cross_entropy", hidden.detach(), weight.detach(), target)
    assert made == {"values": 2 * many, "slope_": 2 * many}


def test_a_compiled_graph_holds_one_operator_and_no_logits() -> None:
    hidden, weight, target = head()
    graphs: list[Any] = []

    def keep(graph: Any, examples: Any) -> Any:
        graphs.append(graph)
        return graph

    def loss(hidden: Tensor, weight: Tensor) -> Tensor:
        return value("cross_entropy", hidden, weight, target)

    found = torch.compile(loss, fullgraph=True, backend=keep)(hidden, weight)
    names = [str(each.target) for each in graphs[0].graph.nodes if each.op == "call_function"]
    assert sum("lossary.linear_cross_entropy" in each for each in names) == 1
    assert not any(word in each for each in names for word in ("matmul", "linear(", "mm"))
    torch.testing.assert_close(found, value("cross_entropy", hidden, weight, target))


def test_gradients_made_ahead_are_given_away_once() -> None:
    hidden, weight, target = head()
    found = value("cross_entropy", hidden, weight, target)
    node = cast(Any, found.grad_fn)
    assert isinstance(node, nodes.Total) or node.name() == "TotalBackward"
    found.backward(retain_graph=True)
    assert node.sums is None, "memory of the weight's size is held no longer than it is needed"
