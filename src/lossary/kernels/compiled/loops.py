"""How Inductor is led to fewer passes over memory than it would make of a value and its slope by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx

#: A loop over the entries is joined by a sum over them that comes after it, so the order of the graph must last.
SETTINGS = {"reorder_for_locality": False}
#: Reads that make Inductor write a tensor to memory where nothing else does: twice its own number.
_READS = 8


def slopes_first(graph: fx.GraphModule, before: int) -> None:
    """Let all that no slope needs come last. The slopes are the outputs from number ``before`` on."""
    (out,) = (node for node in graph.graph.nodes if node.op == "output")
    waiting = [each for each in out.args[0][before:] if isinstance(each, fx.Node)]
    needed: set[fx.Node] = set()
    while waiting:
        node = waiting.pop()
        if node not in needed:
            needed.add(node)
            waiting.extend(node.all_input_nodes)
    for node in list(graph.graph.nodes):
        if needed and node.op == "call_function" and node not in needed:
            out.prepend(node)
    graph.recompile()


@contextmanager
def made_again() -> Iterator[None]:
    """Let exponentials and logarithms be made again where two passes need them.

    Inductor writes each that is read twice to memory, between the sums of a region and the slopes that need those sums:
    four tensors of the region's size for Dice, where two exponentials in a second pass cost less.
    """
    from torch._inductor import ir

    box: Any = ir.StorageBox
    kept = getattr(box, "should_realize_on_reuse", None)

    def dear(self: Any, users: int, **_: Any) -> bool:
        several = users > 1 and isinstance(self.data, (ir.Pointwise, ir.Reduction))
        return several and bool(self.num_reads() > _READS or self.has_large_inner_fn())

    if kept is None:
        yield
        return
    box.should_realize_on_reuse = dear
    try:
        yield
    finally:
        box.should_realize_on_reuse = kept


def table() -> dict[Any, Callable[..., Any]]:
    """Inductor's decompositions, with some of our own."""
    from torch._inductor.decomposition import select_decomp_table

    return {**select_decomp_table(), **own()}


def own() -> dict[Any, Callable[..., Any]]:
    """Decompositions that keep a loop whole.

    A scatter of one entry per row is a loop of its own between two loops over memory; a comparison with its index joins
    the loop around it. The slope of log σ is made of 64-bit integers; a choice between two numbers is not.
    """
    aten = torch.ops.aten
    return {
        aten.scatter.value: _scatter_value,
        aten.scatter.src: _scatter,
        aten.scatter_add.default: _scatter_add,
        aten.log_sigmoid_backward.default: _log_sigmoid_backward,
    }


def _log_sigmoid_backward(grad: Tensor, logit: Tensor, _: Tensor) -> Tensor:
    odds = torch.exp(-logit.abs())
    return grad * (torch.where(logit < 0, torch.ones_like(odds), odds) / (1.0 + odds))


def _scatter_value(row: Tensor, dim: int, index: Tensor, value: float) -> Any:
    if not _one_each(row, dim, index):
        return NotImplemented
    filled = torch.full((), value, dtype=row.dtype, device=row.device)
    return torch.where(_at(row, dim, index), filled, row)


def _scatter(row: Tensor, dim: int, index: Tensor, source: Tensor) -> Any:
    if not _one_each(row, dim, index) or source.shape != index.shape:
        return NotImplemented
    return torch.where(_at(row, dim, index), source, row)


def _scatter_add(row: Tensor, dim: int, index: Tensor, source: Tensor) -> Any:
    if not _one_each(row, dim, index) or source.shape != index.shape:
        return NotImplemented
    return torch.where(_at(row, dim, index), row + source, row)


def _one_each(row: Tensor, dim: int, index: Tensor) -> bool:
    """Whether the index says one place in every row along ``dim``."""
    sizes = list(row.shape)
    if not sizes or index.ndim != len(sizes):
        return False
    sizes[dim] = 1
    return list(index.shape) == sizes


def _at(row: Tensor, dim: int, index: Tensor) -> Tensor:
    places = torch.arange(row.shape[dim], device=row.device)
    return places.reshape([-1 if axis == dim % row.ndim else 1 for axis in range(row.ndim)]) == index
