"""The same values in operations that autograd, ``torch.func`` and a compiler follow, a chunk at a time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from .declared import Declared
from .report import Watch


def values(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    math: Declared,
    z_loss: float,
    sizes: tuple[int, torch.dtype, torch.dtype | None],
    forget: bool,
    watch: Watch | None = None,
) -> Tensor:
    """One value per unit, (N,) or (N, V).

    Args:
        math: the loss, with all its targets.
        sizes: rows of a chunk, dtype of the values, dtype of the matrix products where it is another.
        forget: keep no logits for the backward, which makes each chunk again.
    """
    rows, wide, narrow = sizes
    inside = narrow or wide
    # What is added up over the chunks is so in the wide dtype, and rounded once.
    hidden, weight = hidden.to(wide), weight.to(wide)

    def chunk(part: Tensor, weight: Tensor, bias: Tensor | None, low: int) -> Tensor:
        logits = F.linear(part.to(inside), weight.to(inside)).to(wide)
        logits = logits if bias is None else logits + bias.to(wide)
        if watch is not None:
            watch.look(low, low + len(part), logits)
        made = math.narrow(low, low + len(part)).apply(logits)
        if z_loss:
            made = made + z_loss * math.capped(logits).logsumexp(-1).square()
        return made

    found = []
    for low in range(0, max(hidden.shape[0], 1), rows):
        part = hidden[low : low + rows]
        given: tuple[Any, ...] = (part, weight, bias, low)
        if forget:
            found.append(checkpoint(chunk, *given, use_reentrant=False, preserve_rng_state=False))
        else:
            found.append(chunk(*given))
    return found[0] if len(found) == 1 else torch.cat(found)
