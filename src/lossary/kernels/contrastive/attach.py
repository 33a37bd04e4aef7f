"""When a contrastive loss is computed over tiles."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from lossary.core import probes
from lossary.core.backends import Asked, Kernel
from lossary.core.declaration import Loss

from . import losses, ring

#: Bytes of the table of similarities from which tiles are faster on a CPU, and from which they are wanted elsewhere.
CACHE, MEMORY = 2**20, 2**30

_EXEMPT = {
    "runs_forward_mode": "tiles are walked by a loop with a derivative of its own, which is a backward one",
    "runs_under_torch_func": "how many samples take part decides on sizes, which no transform can follow",
    "traces_with_make_fx": "a trace would hold every tile of one size of the batch",
    "runs_on_meta_and_fake_tensors": "how many samples take part decides on sizes, and these have no values",
}


def _lacks(loss: Loss, asked: Asked) -> tuple[str, str, str] | None:
    remedy = "pass backend='eager'"
    if not probes.is_eager():
        return "a plain call", "one that torch traces, compiles or transforms", remedy
    if getattr(asked[0][0], "is_meta", False):
        return "tensors with values", "tensors on the meta device", remedy
    if probes.is_forward_mode():
        return "derivatives by backward passes", "forward-mode differentiation", remedy
    return None


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
    return Kernel("chunked", "math", run, _lacks, _worth, ring=partial(ring.over_ranks, run), exempt=_EXEMPT)


info_nce = _kernel(losses.info_nce)
clip = _kernel(losses.clip)
siglip = _kernel(losses.siglip)
nt_xent = _kernel(losses.nt_xent)
decoupled = _kernel(losses.decoupled)
supcon = _kernel(losses.supcon)
