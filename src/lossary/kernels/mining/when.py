"""From how many samples on mining tile by tile pays."""

from __future__ import annotations

from torch import Tensor

from lossary.core.backends import Asked
from lossary.core.declaration import Loss


def worth(loss: Loss, asked: Asked, *, least: int) -> str | None:
    """From ``least`` samples on it takes less time, as measured at 16 and at 128 numbers each; and less memory."""
    first = asked[0][0]
    if not isinstance(first, Tensor) or first.ndim != 2 or len(first) < least:
        return None
    return f"of {len(first)} samples, and from {least} on a tile at a time is faster than all at once"
