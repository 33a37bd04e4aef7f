"""One function compiled by Inductor, with the time that took."""

from __future__ import annotations

import time
import types
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lossary.core.errors import BackendError, LossaryError, sentence

_REMEDY = 'leave backend out, or pass backend="eager"'


class Graph:
    """A function that compiles itself at its first call, and again where a size that was fixed changes.

    Attributes:
        graphs: how often it was compiled.
        seconds: how long that took in all, the first run of each included.
    """

    def __init__(self, loss: str, what: str, body: Callable[..., Any]) -> None:
        self.loss, self.graphs, self.seconds = loss, 0, 0.0
        self._body, self._name = body, f"{loss}_{what}"
        self._run = self._fresh()

    def __call__(self, *given: Any) -> Any:
        before, start = self.graphs, time.perf_counter()
        try:
            found = self._run(*given)
        except LossaryError:
            raise
        except Exception as error:
            if "recompile" in type(error).__name__.lower():
                # Sizes of every kind came by: what was made for the first of them makes room.
                self._run = self._fresh()
                return self(*given)
            if self.graphs > before or not self.graphs:
                cause = getattr(error, "inner_exception", error)
                raise BackendError(self._says(str(cause).strip().split("\n")[0])) from error
            raise
        if not self.graphs:
            raise BackendError(self._says("torch.compile switched off in this process"))
        if self.graphs > before:
            self.seconds += time.perf_counter() - start
        return found

    def _fresh(self) -> Callable[..., Any]:
        # Dynamo keeps what it compiled, and counts it, by code object: each graph needs one of its own.
        code = self._body.__code__.replace(co_name=self._name)
        body = types.FunctionType(code, self._body.__globals__, self._name, None, self._body.__closure__)
        options: dict[str, Any] = {"guard_filter_fn": _of_tensors}
        return torch.compile(body, fullgraph=True, backend=self._inductor, options=options)

    def _inductor(self, graph: Any, examples: Any) -> Any:
        from torch._inductor.compile_fx import compile_fx

        self.graphs += 1
        return compile_fx(graph, examples, decompositions=_table())

    def _says(self, got: str) -> str:
        return sentence(
            f"{self.loss}(backend='compile')",
            expected="a call that torch.compile and Inductor can compile here",
            got=got,
            remedy=_REMEDY,
        )


def _of_tensors(guards: Sequence[Any]) -> list[bool]:
    """Which guards to ask at every call: those on the tensors and on the state of torch. A plan never changes, and
    hundreds of guards would ask whether it did."""
    return [not each.name or each.guard_type in ("TENSOR_MATCH", "SHAPE_ENV") for each in guards]


def _table() -> dict[Any, Callable[..., Any]]:
    """Inductor's decompositions, and scatters of one entry per row as comparisons with its index.

    A scatter is a loop of its own between two loops over memory; a comparison joins the loop around it.
    """
    from torch._inductor.decomposition import select_decomp_table

    aten = torch.ops.aten
    return {
        **select_decomp_table(),
        aten.scatter.value: _scatter_value,
        aten.scatter.src: _scatter,
        aten.scatter_add.default: _scatter_add,
    }


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
