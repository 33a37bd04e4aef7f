"""Launching the rows kernel: logits in, values out, slopes beside them or over the logits."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from . import tuning


class Target(NamedTuple):
    """What rows are judged by: the mass u of each class, hit·[c = y] + share·w_c, or (hit·y_c + share)·w_c.

    Attributes:
        y: class indices, one a row, int64; or probabilities in the layout of the logits.
        hit: (N,), what the label or the probabilities are multiplied by; None: 1.
        share: (N,), what every class has beside it, as smoothing gives; None: nothing.
        spread: w of C numbers; None: 1 each.
        z: strength of the penalty on the squared log-sum-exp.
        cap: soft cap on the logits, cap·tanh(x / cap); 0: none.
    """

    y: Tensor
    hit: Tensor | None = None
    share: Tensor | None = None
    spread: Tensor | None = None
    z: float = 0.0
    cap: float = 0.0


def rows(
    logits: Tensor,
    target: Target,
    keep: Tensor | None = None,
    scale: Tensor | None = None,
    slope: Tensor | None = None,
    unless: Tensor | None = None,
    bare: bool = False,
) -> Tensor:
    """Σ_c u_c·(-log p_c) + z·lse² of every row, times ``scale``.

    Args:
        logits: (outer, C, inner), of any strides; a matrix of rows is (N, C, 1).
        keep: (N,) boolean, N = outer·inner; a row that does not count is not read. None: all count.
        scale: (N,) numbers; None: 1 each.
        slope: where to write the slopes times ``scale``: of the shape of the logits, any strides, possibly the logits
            themselves. None: they are not asked for.
        unless: a 0-d tensor; where it is 1, which only the device knows, nothing is done at all.
        bare: values without ``scale``, which is then that of the slopes alone.

    Returns:
        Values in float32, or in float64 for float64 logits.
    """
    from .device import rows as device  # triton is needed from here on

    outer, classes, inner = logits.shape
    n = outer * inner
    dtype = torch.float64 if logits.dtype is torch.float64 else torch.float32
    values = torch.empty(n, dtype=dtype, device=logits.device)
    if n == 0 or classes == 0:
        return values.zero_()
    soft = target.y.is_floating_point()
    held = 4 if soft or target.share is not None or target.cap != 0.0 else 1
    held = max(4, 2 * held) if dtype is torch.float64 else held
    tile = tuning.for_rows(classes, logits.stride(1) == 1 or inner == 1, held)
    y = target.y if soft else target.y.contiguous()
    # Where there is nothing to point at, a pointer that is never read.
    kept = None if keep is None else keep.view(torch.uint8)
    pointers = (target.hit, target.share, target.spread, kept, scale, unless)
    device.rows[(-(-n // tile.rows),)](
        logits, y, *(values if each is None else each for each in pointers), values,
        values if slope is None else slope, n, classes, inner, *logits.stride(),
        *(y.stride() if soft else (0, 0, 0)), *((0, 0, 0) if slope is None else slope.stride()),
        SOFT=soft, HITS=target.hit is not None, SHARES=target.share is not None, WEIGHTED=target.spread is not None,
        KEEP=keep is not None, SCALED=scale is not None, UNLESS=unless is not None, BARE=bare,
        SLOPE=slope is not None, Z=float(target.z), CAP=float(target.cap), WHOLE=tile.whole,
        ROWS=tile.rows, CLASSES=tile.classes, ACC=_acc(dtype), num_warps=tile.warps,
    )  # fmt: skip
    return values


def _acc(dtype: torch.dtype) -> Any:
    import triton.language as tl

    return tl.float64 if dtype is torch.float64 else tl.float32
