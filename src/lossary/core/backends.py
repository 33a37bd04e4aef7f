"""Which code computes a loss: its own math, or a kernel that gives the same answers in less time or memory.

Kernels stand in ``lossary.kernels`` and attach to losses by name; this file finds them, chooses, and says why.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

from .declaration import Loss
from .errors import BackendError, OptionError, sentence
from .options import Options

BACKENDS = ("auto", "eager", "chunked", "compile", "triton")

#: What a question about a call is asked with: the inputs as the user gave them, hyper-parameters, options.
Asked = tuple[tuple[Tensor | None, ...], Mapping[str, Any], Options]

#: Why a kernel cannot run on a call: the end of "expected ...", what there is instead, and what to do.
Lacking = tuple[str, str, str]


@dataclass(frozen=True)
class Kernel:
    """Another way to compute a loss.

    Attributes:
        backend: the name it is asked for by.
        level: what it replaces. "math": the block, with the same canonical arguments and the same answer. "call":
            everything after the checks of shapes, from raw inputs to the reduced value.
        run: the code. For "math" called as the block is; for "call" as ``run(loss, inputs, hyper, options)``.
        lacks: why it cannot run on a call; None: it can.
        worth: why ``auto`` takes it for a call, in words; None: it does not.
        ring: the form across ranks that never holds the whole batch, as ``ring(loss, inputs, hyper, options)``.
        note: what there is to say of a call that it computes, in words.
        exempt: promises of the contract that the loss keeps and its kernel does not, each with the reason.
    """

    backend: str
    level: Literal["math", "call"]
    run: Callable[..., Any]
    lacks: Callable[[Loss, Asked], Lacking | None]
    worth: Callable[[Loss, Asked], str | None]
    ring: Callable[..., Tensor] | None = None
    note: Callable[[Loss, Asked], str] | None = None
    exempt: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Explanation:
    """What computes a call, and why. Prints as sentences.

    Attributes:
        loss: the loss's name.
        backend: "eager", "chunked", "compile" or "triton".
        why: the reason, in words.
        others: the backends that do not compute it, each with the reason.
    """

    loss: str
    backend: str
    why: str
    others: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.loss} is computed by {self.backend!r}: {self.why}."]
        return "\n".join([*lines, *(f"  not by {name!r}: {why}" for name, why in self.others)])


def attached(loss: Loss) -> tuple[Kernel, ...]:
    """The kernels of a loss, in the order in which ``auto`` considers them."""
    # The core knows no kernel: the room above it is asked by name, on the first call that could use one.
    found: tuple[Kernel, ...] = importlib.import_module("lossary.kernels").attached(loss)
    return found


def check(loss: Loss, backend: str) -> None:
    """Refuse a backend that does not exist, or that this loss never has.

    Raises:
        OptionError: no such backend. BackendError: this loss has no kernel for it.
    """
    if backend not in BACKENDS:
        raise OptionError(
            sentence(
                f"{loss.name}(backend=...)",
                expected=", ".join(map(repr, BACKENDS)),
                got=repr(backend),
                remedy="choose one of them",
            )
        )
    if backend in ("auto", "eager"):
        return
    has = [each.backend for each in attached(loss)]
    if backend not in has:
        names = ["'auto'", "'eager'", *map(repr, has)]
        raise BackendError(
            sentence(
                f"{loss.name}(backend=...)",
                expected=f"a backend this loss has: {', '.join(names[:-1])} or {names[-1]}",
                got=repr(backend),
                remedy="leave backend out",
            )
        )


def choose(loss: Loss, asked: Asked) -> Kernel | None:
    """The kernel that computes a call; None: the loss's own math.

    Raises:
        BackendError: a forced backend that cannot run on this call.
    """
    wanted = asked[2].backend
    if wanted == "eager":
        return None
    for kernel in attached(loss):
        if wanted == "auto":
            if kernel.worth(loss, asked) is not None and kernel.lacks(loss, asked) is None:
                return kernel
        elif kernel.backend == wanted:
            lacking = kernel.lacks(loss, asked)
            if lacking is None:
                return kernel
            expected, got, remedy = lacking
            raise BackendError(
                sentence(f"{loss.name}(backend={wanted!r})", expected=expected, got=got, remedy=remedy)
            )
    check(loss, wanted)
    return None


def explain(loss: Loss, asked: Asked) -> Explanation:
    """Which backend computes a call, and why not the others.

    Raises:
        BackendError: a forced backend that cannot run on this call.
    """
    wanted, kernel = asked[2].backend, choose(loss, asked)
    backend = "eager" if kernel is None else kernel.backend
    others: list[tuple[str, str]] = []
    for each in attached(loss):
        lacking = each.lacks(loss, asked)
        if each is not kernel:
            reason = (
                "not asked for" if lacking is None else f"it wants {lacking[0]}, and there is {lacking[1]}"
            )
            others.append((each.backend, reason))
    note = f"; {kernel.note(loss, asked)}" if kernel is not None and kernel.note is not None else ""
    if wanted != "auto":
        return Explanation(loss.name, backend, f"asked for{note}", tuple(others))
    if kernel is not None:
        return Explanation(loss.name, backend, f"{kernel.worth(loss, asked) or ''}{note}", tuple(others))
    why = "no kernel serves this call better" if others else "it has no kernel"
    return Explanation(loss.name, backend, why, tuple(others))
