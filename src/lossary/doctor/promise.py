"""What a promise is, and the list of all promises.

A promise is one function: it takes a subject, draws its own inputs, and raises ``Broken`` with a sentence and a
reproducer when the loss does not keep it. It knows no loss by name; everything it needs stands in the declaration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..core.declaration import Loss
from .draw import Case
from .subject import Subject


class Broken(Exception):
    """A promise that a loss does not keep: what happened, and how to see it."""

    def __init__(self, says: str, reproducer: str = "") -> None:
        super().__init__(says)
        self.says = says
        self.reproducer = reproducer


@dataclass(frozen=True)
class Promise:
    """One promise of the contract.

    Attributes:
        name: its function's name, a phrase that completes "the loss ...".
        chapter: the number of its paragraph in the contract.
        says: the promise in one sentence.
        check: raises ``Broken``.
        applies: whether a loss has what the promise is about.
        slow: whether it compiles or exports, and takes seconds rather than milliseconds.
    """

    name: str
    chapter: int
    says: str
    check: Callable[[Subject], None]
    applies: Callable[[Loss], bool]
    slow: bool


PROMISES: dict[str, Promise] = {}


def promise(
    chapter: int, *, applies: Callable[[Loss], bool] = lambda loss: True, slow: bool = False
) -> Callable[[Callable[[Subject], None]], Callable[[Subject], None]]:
    """Add a function to the list; its docstring's first line is what the promise says."""

    def add(check: Callable[[Subject], None]) -> Callable[[Subject], None]:
        says = (check.__doc__ or "").strip().split("\n")[0]
        PROMISES[check.__name__] = Promise(check.__name__, chapter, says, check, applies, slow)
        return check

    return add


def insist(kept: object, says: str, case: Case | None = None, **options: object) -> None:
    """Raise ``Broken`` unless ``kept``."""
    if not kept:
        raise Broken(says, case.source(**options) if case is not None else "")
