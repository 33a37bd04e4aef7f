"""A peer as the doctor sees a loss: our declaration, inputs drawn from it, the peer's answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

import lossary
from lossary.core.function import LossFunction
from lossary.core.unit import Unit
from lossary.doctor.draw import Case
from lossary.doctor.impostor import disguise
from lossary.doctor.subject import Subject

from .jax_bridge import bridged
from .peer import Library, Peer, compiled, names_in


@dataclass(frozen=True)
class Seen(Case):
    """A case that remembers which call was the one to show."""

    memory: dict[str, Any] = field(default_factory=dict)

    def source(self, **options: Any) -> str:
        """Nothing yet: the reproducer is written once the finding is known."""
        self.memory.update(case=self, options=options)
        return ""


@dataclass(frozen=True)
class Guest(Subject):
    """A peer under examination, asked only for what it offers."""

    library: Library = field(default=None)  # type: ignore[assignment]
    peer: Peer = field(default=None)  # type: ignore[assignment]
    narrow: bool = False
    memory: dict[str, Any] = field(default_factory=dict)

    def case(self, *samples: int, **how: Any) -> Case:
        """One call, with the hyper-parameters the peer has and targets it takes."""
        how["hyper"] = self._settled(how.get("hyper") or {})
        if self.narrow and how.get("dtype") is torch.float64:
            how["dtype"] = torch.float32
        how["soft"] = bool(how.get("soft")) and self.peer.soft
        drawn = super().case(*(samples[:1] if self.peer.flat else samples), **how)
        found = Seen(drawn.function, drawn.inputs, drawn.hyper, drawn.samples, self.memory)
        self.memory.update(case=found, options={})
        return found

    def hypers(self, count: int) -> Iterator[dict[str, Any]]:
        """As the doctor draws them, less what the peer does not offer."""
        return map(self._settled, super().hypers(count))

    def measures(self, case: Case, dtype: torch.dtype = torch.float32) -> Iterator[dict[str, Tensor]]:
        """Nothing, and a weight where the peer takes one."""
        yield {}
        yield {"weight": self.weight(case, dtype)} if self.peer.weighted else {}

    def bare(self, case: Case) -> Callable[[Tensor], Tensor]:
        """The mean as a function of the first input, with nothing of the adapter in it: what is compiled is theirs."""
        names = [each.name for each in case.loss.inputs]
        tensors = {name: each for name, each in zip(names, case.inputs, strict=True) if each is not None}
        return bound(self.library, self.peer, tensors, {**case.hyper, "reduction": "mean"})

    def _settled(self, hyper: dict[str, Any]) -> dict[str, Any]:
        named = names_in(self.peer.call) | (names_in(self.peer.make) if self.peer.make else frozenset())
        return {**{name: each for name, each in hyper.items() if name in named}, **self.peer.fixed}


def guest(
    library: Library, peer: Peer, generator: torch.Generator, reduction: str = "mean", narrow: bool = False
) -> Guest:
    """A peer, ready to be examined.

    Args:
        reduction: of a call that names none.
        narrow: whether float32 is drawn where the doctor wants float64.
    """

    def call(real: LossFunction, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
        names = [each.name for each in real.loss.inputs]
        given = dict(zip(names, inputs, strict=False))
        return answer(library, peer, given, {"reduction": reduction, **options})

    function = disguise(peer.ours, call)
    return Guest(function, generator, library=library, peer=peer, narrow=narrow)


def answer(library: Library, peer: Peer, tensors: dict[str, Tensor], options: dict[str, Any]) -> Tensor:
    """What the peer says; options it does not offer are left out of the call."""
    first = next(iter(tensors))
    return bound(library, peer, tensors, options)(tensors[first])


def bound(
    library: Library, peer: Peer, tensors: dict[str, Tensor], options: dict[str, Any]
) -> Callable[[Tensor], Tensor]:
    """The call as a function of its first input, with all else settled."""
    expression = chosen(peer, options)
    reduction = options["reduction"]
    values = {**options, "reduction": library.reductions.get(reduction, reduction)}
    first = next(iter(tensors))
    if "weight" in options and peer.weighted:
        tensors = {**tensors, "weight": spread(library, peer, tensors[first], options["weight"])}
        del values["weight"]
    values["dtype"] = str(tensors[first].dtype).removeprefix("torch.")
    if peer.make:
        values["loss"] = compiled(library.name, peer.make)(**_named(peer.make, values))
    settings = _named(expression, values)
    rest = {name: each for name, each in _named(expression, tensors).items() if name != first}
    function = compiled(library.name, expression)
    reduced = reduction == "none" or reduces(peer, expression)

    def call(given: Tensor) -> Tensor:
        if library.kind == "jax":
            found = bridged(lambda **arrays: function(**arrays, **settings), {first: given, **rest})
        else:
            found = function(**{first: given}, **rest, **settings)
        return found if reduced else found.mean() if reduction == "mean" else found.sum()

    return call


def reduces(peer: Peer, expression: str) -> bool:
    """Whether the library itself makes one value of all."""
    return "reduction" in names_in(expression) or bool(peer.make and "reduction" in names_in(peer.make))


def chosen(peer: Peer, options: dict[str, Any]) -> str:
    """The expression for a call with these options."""
    if options.get("plain") and peer.plain:
        return peer.plain
    if peer.whole and options["reduction"] == "mean":
        return peer.whole
    return peer.weighted if peer.weighted and "weight" in options else peer.call


def _named(expression: str, values: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in values.items() if name in names_in(expression)}


def spread(library: Library, peer: Peer, first: Tensor, weight: Tensor) -> Tensor:
    """A weight of the batch, one for each unit: other libraries align weights their own way."""
    if library.name == "lossary":
        return weight
    element = lossary.get(peer.ours).loss.unit is Unit.ELEMENT
    units = first.shape if element else (first.shape[0], *first.shape[2:])
    return weight.reshape(-1, *(1,) * (len(units) - 1)).expand(units)
