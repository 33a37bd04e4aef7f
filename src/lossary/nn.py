"""Every loss as an ``nn.Module``, made on first access: ``lossary.nn.Focal(gamma=1.0)``."""

from __future__ import annotations

from typing import Any

from .core import expression, registry
from .core.hardest import Hardest
from .core.matryoshka import Matryoshka
from .core.modules import LossModule, Single, Sum, camel, module_class
from .core.penalty import Penalty

__all__ = ["Hardest", "LossModule", "Matryoshka", "Penalty", "Single", "Sum", "parse"]


def parse(text: str) -> LossModule:
    """A module from an expression such as ``"0.5*dice + focal(gamma=1)"``; parsed, never evaluated.

    Raises:
        LossaryError: what is wrong with the expression, in one sentence.
    """
    return expression.parse(text, build)


def build(name: str, settings: dict[str, object]) -> LossModule:
    """The module of the loss that has this name anywhere, with these settings."""
    made: type[Single] = getattr(_here(), camel(registry.get(name).loss.name))
    return made(**settings)


def _here() -> Any:
    import sys

    return sys.modules[__name__]


def __getattr__(name: str) -> Any:
    for each in registry.names():
        if camel(each) == name:
            made = module_class(registry.get(each))
            globals()[name] = made
            return made
    raise AttributeError(f"module 'lossary.nn' has no attribute {name!r}; lossary.names() lists every loss")


def __dir__() -> list[str]:
    return sorted({*globals(), *(camel(each) for each in registry.names())})
