"""What kernels over pairs share: which samples they see, and when they are worth their while."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from lossary.core.backends import Asked, Kernel
from lossary.core.declaration import Loss

from ..kept import kept, put_back
from ..wants import EXEMPT, lacks

#: One value per sample, how often it counts, and no members.
Found = tuple[Tensor, Tensor, None]


def among(
    run: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], x: Tensor, labels: Tensor, keep: Tensor | None
) -> Found:
    """What ``run`` finds, and how often it counts, among the samples that take part."""
    place, (x, labels) = kept(keep, x, labels)
    values, many = run(x, labels)
    return put_back(values, place, keep), put_back(many, place, keep), None


def others(x: Tensor) -> Tensor:
    """How many samples each is compared with: all but itself."""
    return torch.full((len(x),), max(len(x) - 1, 0), device=x.device)


def chunked(math: Callable[..., Found], worth: int) -> Kernel:
    """A kernel that gives what a loss's math gives, faster from so many bytes of the table of differences on."""
    return Kernel("chunked", "math", math, lacks, partial(_worth, worth), exempt=EXEMPT)


def _worth(least: int, loss: Loss, asked: Asked) -> str | None:
    first = asked[0][0]
    if not isinstance(first, Tensor) or first.ndim != 2:
        return None
    count, width = first.shape
    size = count * count * width * max(first.element_size(), torch.float32.itemsize)
    if size < least:
        return None
    return f"a table of {count} x {count} differences takes {size / 2**20:,.1f} MiB, a chunk of it a few"
