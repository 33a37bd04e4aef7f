"""Which code computes a loss. There is the eager math so far; kernels attach here by name."""

from __future__ import annotations

from .declaration import Loss
from .errors import BackendError, OptionError, sentence

BACKENDS = ("auto", "eager", "chunked", "compile", "triton")


def check(loss: Loss, backend: str) -> None:
    """Refuse an unknown backend, and a forced one that cannot run. Nothing falls back in silence.

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
    if backend not in ("auto", "eager"):
        raise BackendError(
            sentence(
                f"{loss.name}(backend=...)",
                expected="a backend this loss has: 'auto' or 'eager'",
                got=repr(backend),
                remedy="leave backend out",
            )
        )
