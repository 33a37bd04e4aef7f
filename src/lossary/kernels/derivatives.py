"""What no backward of a kernel's own gives: more derivatives than it has, or many at a time."""

from __future__ import annotations

from torch import Tensor

from lossary.core import probes
from lossary.core.errors import BackendError, sentence


def third() -> BackendError:
    """The answer to whoever differentiates a third time what is known twice."""
    return _beyond("at most two derivatives", "a third")


def one_at_a_time(*upstream: Tensor | None) -> None:
    """Refuse a batch of gradients, as ``torch.autograd.functional.hessian(vectorize=True)`` sends it backward.

    Raises:
        BackendError: a gradient that comes from above is a batch of them.
    """
    if probes.is_batched(*upstream):
        raise _beyond("one gradient at a time", "a batch of them")


def _beyond(expected: str, got: str) -> BackendError:
    return BackendError(
        sentence("backend='chunked'", expected=expected, got=got, remedy="pass backend='eager'")
    )
