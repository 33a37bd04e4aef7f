"""Lossary: the glossary of losses that runs.

Every loss is a function here (``lossary.focal``) and a module in ``lossary.nn``; ``lossary.get`` finds one by any
name it has elsewhere. Nothing is imported before it is asked for: torch comes with the first loss.
"""

from __future__ import annotations

import importlib
from typing import Any

from ._index import CATALOGUE

__version__ = "0.1.0"

#: What is public beside the losses: name -> (module, attribute).
_PUBLIC = {
    "get": ("lossary.core.registry", "get"),
    "names": ("lossary.core.registry", "names"),
    "parse": ("lossary.nn", "parse"),
    "explain": ("lossary.core.registry", "explain"),
    "linear": ("lossary.kernels.linear", "linear"),
    "linear_cross_entropy": ("lossary.kernels.linear", "linear_cross_entropy"),
    "checks": ("lossary.core.checks", "checks"),
    "Summed": ("lossary.core.world", "Summed"),
    "effective_weights": ("lossary.losses.imbalance.class_balanced", "effective_weights"),
    "jacobian_penalty": ("lossary.losses.regularizers.jacobian", "jacobian_penalty"),
    "gradient_penalty": ("lossary.losses.transport.gradient_penalty", "gradient_penalty"),
    "random_directions": ("lossary.losses.transport.sliced", "random_directions"),
    "LossaryError": ("lossary.core.errors", "LossaryError"),
}
#: Rooms reached as attributes; the rest is imported by its full name.
_ROOMS = {"nn": "lossary.nn", "world": "lossary.core.world", "declare": "lossary.declare", "lab": "lossary.lab",
          "doctor": "lossary.doctor"}  # fmt: skip

__all__ = [*_PUBLIC, *_ROOMS, *CATALOGUE]


def __getattr__(name: str) -> Any:
    if name in CATALOGUE:
        found = getattr(importlib.import_module(CATALOGUE[name]), name)
    elif name in _PUBLIC:
        module, attribute = _PUBLIC[name]
        found = getattr(importlib.import_module(module), attribute)
    elif name in _ROOMS:
        found = importlib.import_module(_ROOMS[name])
    else:
        raise AttributeError(
            f"module 'lossary' has no attribute {name!r}; lossary.get({name!r}) knows other names"
        )
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
