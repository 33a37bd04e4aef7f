"""What is compared: sides that do the same work, on inputs of one size, and what is claimed of their ratios."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Inputs = dict[str, Any]
#: One forward and one backward pass over the inputs; gradients end in fields of the leaves.
Side = Callable[[Inputs], None]


@dataclass(frozen=True)
class Claim:
    """One ratio that is promised: of ``side`` to ``against``, at most ``at_most`` (``what``: "time" or "memory").

    For memory ``against`` may be None: then ``at_most`` is a number of MB above the inputs.
    """

    what: str
    side: str
    against: str | None
    at_most: float


@dataclass(frozen=True)
class Contest:
    """Sides on inputs of one size.

    Attributes:
        name: what is computed, and its sizes.
        make: the inputs.
        sides: what is timed, by name; each in turn, round after round.
        claims: what is promised at these sizes; none for small ones.
        timed: the sides that are timed, None for all; others are too slow, or only their memory is of interest.
        needs: packages without which a side is left out, by side.
        rounds: how often each side is timed; more where a limit is near.
    """

    name: str
    make: Callable[[], Inputs]
    sides: dict[str, Side]
    claims: tuple[Claim, ...] = ()
    timed: tuple[str, ...] | None = None
    weighed: tuple[str, ...] | None = None
    needs: dict[str, str] = field(default_factory=dict)
    rounds: int = 7


def cleared(*leaves: Any) -> None:
    """Forget the gradients of leaves, so that a pass writes them anew."""
    for leaf in leaves:
        leaf.grad = None
