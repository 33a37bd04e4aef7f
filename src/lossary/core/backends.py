"""Which code computes a loss: the eager math, or a kernel attached to it by name.

``KERNELS`` maps (loss, backend) to "module:function"; a kernel is imported on first use, so that the core knows of
kernels without importing any.
"""

from __future__ import annotations

from .declaration import Loss
from .errors import BackendError, OptionError, sentence

BACKENDS = ("auto", "eager", "chunked", "compile", "triton")

KERNELS: dict[tuple[str, str], str] = {}


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
    if backend not in ("auto", "eager") and (loss.name, backend) not in KERNELS:
        raise BackendError(
            sentence(
                f"{loss.name}(backend=...)",
                expected="a backend this loss has: 'auto' or 'eager'",
                got=repr(backend),
                remedy="leave backend out",
            )
        )
