"""One function compiled by Inductor, with the time that took."""

from __future__ import annotations

import time
import types
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch

from lossary.core.errors import BackendError, LossaryError, sentence

from . import loops

_REMEDY = 'leave backend out, or pass backend="eager"'


class Graph:
    """A function that compiles itself at its first call, and again where a size that was fixed changes.

    Args:
        slopes: how many outputs come before the slopes, where there are both.
        again: whether what is dear may be made again between two passes over memory.

    Attributes:
        graphs: how often it was compiled.
        seconds: how long that took in all, the first run of each included.
    """

    def __init__(
        self, loss: str, what: str, body: Callable[..., Any], slopes: int | None, again: bool
    ) -> None:
        self.loss, self.graphs, self.seconds = loss, 0, 0.0
        self._body, self._name, self._slopes, self._again = body, f"{loss}_{what}", slopes, again
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
        from torch._inductor.compile_fx import compile_fx, compile_fx_inner

        self.graphs += 1

        def inner(graph: Any, examples: Any, **settings: Any) -> Any:
            if self._slopes is not None:
                loops.slopes_first(graph, self._slopes)
            return compile_fx_inner(graph, examples, **settings)

        with loops.made_again() if self._again else nullcontext():
            return compile_fx(
                graph, examples, inner, config_patches=loops.SETTINGS, decompositions=loops.table()
            )

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
