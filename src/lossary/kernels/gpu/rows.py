"""Launching the rows kernel: logits in, values out, slopes beside them or over the logits."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from . import tuning


class Target(NamedTuple):
    """What rows are judged by.

    Attributes:
        y: class indices, one a row, int64; or probabilities in the layout of the logits.
        class_weight: C numbers that multiply the target's masses; None: 1 each.
        smoothing: how much of the target is spread evenly, in [0, 1).
        z: strength of the penalty on the squared log-sum-exp, which counts as the target's mass does.
        cap: soft cap on the logits, cap·tanh(x / cap); 0: none.
    """

    y: Tensor
    class_weight: Tensor | None = None
    smoothing: float = 0.0
    z: float = 0.0
    cap: float = 0.0


class Rows(NamedTuple):
    """Answers for rows: values, and on request slopes, log-sum-exps and winners."""

    values: Tensor
    slope: Tensor | None
    lse: Tensor | None
    winner: Tensor | None


def rows(
    logits: Tensor,
    target: Target,
    keep: Tensor | None = None,
    scale: Tensor | None = None,
    slope: Tensor | None = None,
    extra: bool = False,
) -> Rows:
    """Σ_c u_c·(-log p_c) + z·A·lse² of every row, times ``scale``, with u the target's masses and A their sum.

    Args:
        logits: (outer, C, inner), of any strides; a matrix of rows is (N, C, 1).
        keep: (N,) boolean, N = outer·inner; a row that does not count is not read. None: all count.
        scale: (N,) numbers; None: 1 each.
        slope: where to write the slopes times ``scale``: of the shape of the logits, any strides, possibly the logits
            themselves. None: they are not asked for.
        extra: also the log-sum-exp and the winning class of each row, undefined where it does not count.

    Returns:
        Values in float32, or in float64 for float64 logits.
    """
    from .device import rows as device  # triton is needed from here on

    outer, classes, inner = logits.shape
    n = outer * inner
    dtype = torch.float64 if logits.dtype is torch.float64 else torch.float32
    values = torch.empty(n, dtype=dtype, device=logits.device)
    lse = torch.empty_like(values) if extra else None
    winner = torch.empty(n, dtype=torch.int32, device=logits.device) if extra else None
    if n == 0 or classes == 0:
        return Rows(values.zero_(), slope, lse, winner)
    soft = target.y.is_floating_point()
    held = 4 if soft or target.smoothing != 0.0 or target.cap != 0.0 else 1
    held = max(4, 2 * held) if dtype is torch.float64 else held
    tile = tuning.for_rows(classes, logits.stride(1) == 1 or inner == 1, held)
    y = target.y if soft else target.y.contiguous()
    nothing = values
    device.rows[(-(-n // tile.rows),)](
        logits, y, _or(target.class_weight, nothing), _or(None if keep is None else keep.view(torch.uint8), nothing),
        _or(scale, nothing), values, _or(slope, nothing), _or(lse, nothing), _or(winner, nothing),
        n, classes, inner, *logits.stride(), *(y.stride() if soft else (0, 0, 0)),
        *((0, 0, 0) if slope is None else slope.stride()),
        SOFT=soft, WEIGHTED=target.class_weight is not None, KEEP=keep is not None, SCALED=scale is not None,
        SLOPE=slope is not None, EXTRA=extra, SMOOTHING=float(target.smoothing), Z=float(target.z),
        CAP=float(target.cap), WHOLE=tile.whole, ROWS=tile.rows, CLASSES=tile.classes, ACC=_acc(dtype),
        num_warps=tile.warps,
    )  # fmt: skip
    return Rows(values, slope, lse, winner)


def multiply(buffer: Tensor, factor: Tensor) -> Tensor:
    """``buffer`` (dense) times a 0-d tensor, in place; free on the device where the factor is 1."""
    from .device import rows as device

    n, block = buffer.numel(), 4096
    if n:
        device.multiply[(-(-n // block),)](buffer, factor, n, BLOCK=block, num_warps=8)
    return buffer


def _or(tensor: Tensor | None, other: Tensor) -> Tensor:
    """A pointer to hand over where there is nothing to point at; it is never read."""
    return other if tensor is None else tensor


def _acc(dtype: torch.dtype) -> Any:
    import triton.language as tl

    return tl.float64 if dtype is torch.float64 else tl.float32
