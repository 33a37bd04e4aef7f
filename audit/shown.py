"""A call as source text: a peer's expression with literals for names."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from torch import Tensor

from lossary.doctor.draw import Case

from .guest import chosen, reduces, spread
from .peer import Library, Peer, with_names


class Shown:
    """A call as source text."""

    def __init__(self, library: Library, peer: Peer, case: Case, options: dict[str, Any]) -> None:
        self.library, self.peer, self.case, self.options = library, peer, case, options
        self.first = case.loss.inputs[0].name
        self.away = False

    def expression(self, *, free: str = "", grad: bool = False, **options: Any) -> str:
        """The call with literals for all names but `free`."""
        settled = {**self.options, **options}
        reduction = settled["reduction"]
        texts = {n: self.literal(t) for n, t in self._tensors(settled).items() if n != free}
        texts |= {name: repr(each) for name, each in self.case.hyper.items()}
        texts["reduction"] = repr(self.library.reductions.get(reduction, reduction))
        texts["dtype"] = repr(str(self.case.first.dtype).removeprefix("torch."))
        call = chosen(self.peer, settled)
        if self.peer.make:
            texts["loss"] = with_names(self.peer.make, texts)
        written = with_names(call, texts)
        return written if reduction == "none" or reduces(self.peer, call) else f"({written}).{reduction}()"

    def _tensors(self, options: dict[str, Any]) -> dict[str, Tensor]:
        names = [each.name for each in self.case.loss.inputs]
        found = {n: t for n, t in zip(names, self.case.inputs, strict=True) if t is not None}
        if isinstance(options.get("weight"), Tensor) and self.peer.weighted:
            found["weight"] = spread(self.library, self.peer, self.case.first, options["weight"])
        return found

    def literal(self, tensor: Tensor) -> str:
        """A tensor as source, each number as short as its dtype allows."""
        tensor = tensor.detach()
        dtype = str(tensor.dtype).removeprefix("torch.")
        numbers = _nested(tensor, dtype)
        numbers = re.sub(r"-?\b(?:nan|inf)\b", lambda m: f"float('{m[0]}')", numbers)
        if not tensor.numel() and self.library.kind == "jax":
            return f"jnp.zeros({tuple(tensor.shape)}, '{dtype}')"
        if not tensor.numel():
            numbers, tail = f"torch.zeros({tuple(tensor.shape)}", f", dtype=torch.{dtype})"
            return numbers + (")" if dtype == "float32" else tail)
        if self.library.kind == "jax":
            return f"jnp.array({numbers}{'' if dtype in ('float32', 'int64') else f', {dtype!r}'})"
        words = [numbers]
        words += [] if dtype in ("float32", "int64", "bool") else [f"dtype=torch.{dtype}"]
        words += ["device='meta'"] if self.away else []
        return f"torch.tensor({', '.join(words)})"

    def literal_first(self) -> str:
        """The first input as source."""
        return self.literal(self.case.first)

    def function(self, **options: Any) -> str:
        """The call as a function of its first input."""
        return f"lambda {self.first}: {self.expression(free=self.first, **options)}"


def _nested(tensor: Tensor, dtype: str) -> str:
    if tensor.ndim:
        return f"[{', '.join(_nested(each, dtype) for each in tensor)}]"
    value = tensor.item()
    if dtype == "float32":
        text = str(np.float32(value))
        return text
    return repr(value)
