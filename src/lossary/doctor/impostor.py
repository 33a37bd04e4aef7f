"""Losses with one part exchanged: how the promises are themselves put to the test.

A promise that no broken loss fails promises nothing. An impostor is a real loss with another block, other facts, or a
call that does something of its own before or after the real one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from ..core.declaration import read
from ..core.function import LossFunction, make
from ..core.loss import card
from ..core.registry import get

#: What an impostor does instead of a call: the real function, the inputs by position, everything else by name.
Call = Callable[[LossFunction, tuple[Tensor, ...], dict[str, Any]], Tensor]


@dataclass(frozen=True)
class Mutant:
    """A real loss, broken on purpose.

    Attributes:
        says: what is wrong with it.
        make: builds it.
        fails: the promises it fails, and it fails no others.
    """

    says: str
    make: Callable[[], LossFunction]
    fails: frozenset[str]


def exchange(
    name: str, *, block: Any = None, definition: Any = None, slope: Any = None, **facts: Any
) -> LossFunction:
    """The loss called ``name`` with another block, definition or slope, or with other facts on its card."""
    loss = get(name).loss
    made = replace(
        read(loss.block, replace(loss.facts, **facts)),
        block=block or loss.block,
        definition=definition or loss.definition,
        slope=slope or loss.slope,
    )
    function = make(made)
    function.card = card(made)
    return function


def disguise(loss: str | LossFunction, call: Call, count: Call | None = None) -> LossFunction:
    """A loss whose calls (and counts) go through ``call`` (and ``count``)."""
    real = get(loss) if isinstance(loss, str) else loss

    def impostor(*inputs: Tensor, **options: Any) -> Tensor:
        return call(real, inputs, options)

    def counted(*inputs: Tensor, **options: Any) -> Tensor:
        return real.count(*inputs, **options) if count is None else count(real, inputs, options)

    impostor.__name__ = real.__name__
    for attribute, value in (
        ("loss", real.loss),
        ("card", real.card),
        ("math", real.math),
        ("count", counted),
    ):
        setattr(impostor, attribute, value)
    return impostor  # type: ignore[return-value]
