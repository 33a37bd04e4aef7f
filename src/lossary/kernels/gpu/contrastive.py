"""Contrastive losses over Triton's tiles: the losses are those of ``contrastive.losses``, the sums are ours."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from lossary.core.backends import Asked, Kernel, Lacking
from lossary.core.declaration import Loss

from ..contrastive import losses
from .pairs import sums
from .ready import EXEMPT, lacking

#: From so many samples on, ``auto`` takes tiles: their sake is memory, of which so many similarities take 64 MiB.
ENOUGH = 4096
#: Longer vectors have their tiles made several times in the backward pass.
LONG = 256


def _lacks(loss: Loss, asked: Asked) -> Lacking | None:
    for each in asked[0][:2]:
        # Labels run along; who is no tensor at all is refused by the loss itself.
        if isinstance(each, Tensor) and each.is_floating_point():
            found = lacking(each)
            if found is not None:
                return found
    return None


def _worth(loss: Loss, asked: Asked) -> str | None:
    first = asked[0][0]
    if not isinstance(first, Tensor) or first.ndim != 2 or len(first) < ENOUGH or first.shape[1] > LONG:
        return None
    return f"no table of similarities is made, which would be {len(first)} x {len(first)} or more"


def _kernel(run: Callable[..., Any]) -> Kernel:
    return Kernel("triton", "math", partial(run, sums=sums), _lacks, _worth, exempt=EXEMPT)


info_nce = _kernel(losses.info_nce)
clip = _kernel(losses.clip)
siglip = _kernel(losses.siglip)
nt_xent = _kernel(losses.nt_xent)
decoupled = _kernel(losses.decoupled)
supcon = _kernel(losses.supcon)
