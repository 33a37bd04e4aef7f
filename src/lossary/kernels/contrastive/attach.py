"""When a contrastive loss is computed over tiles."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from lossary.core.backends import Asked, Kernel
from lossary.core.declaration import Loss

from ..wants import EXEMPT, lacks
from . import losses, ring

#: Bytes of the table of similarities from which tiles are faster on a CPU, and from which they are wanted elsewhere.
CACHE, MEMORY = 2**20, 2**30


def _worth(loss: Loss, asked: Asked) -> str | None:
    first = asked[0][0]
    if not isinstance(first, torch.Tensor) or first.ndim != 2:
        return None
    views = 2 if loss.name in ("nt_xent", "decoupled") else 1
    side = len(first) * views
    size = side * side * max(first.element_size(), torch.float32.itemsize)
    if size < (CACHE if first.is_cpu else MEMORY):
        return None
    return f"a table of {side} x {side} similarities takes {size / 2**20:,.0f} MiB, its tiles a few"


def _kernel(run: Callable[..., Any]) -> Kernel:
    return Kernel("chunked", "math", run, lacks, _worth, ring=partial(ring.over_ranks, run), exempt=EXEMPT)


info_nce = _kernel(losses.info_nce)
clip = _kernel(losses.clip)
siglip = _kernel(losses.siglip)
nt_xent = _kernel(losses.nt_xent)
decoupled = _kernel(losses.decoupled)
supcon = _kernel(losses.supcon)
