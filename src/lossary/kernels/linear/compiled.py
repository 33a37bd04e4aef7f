"""Cross-entropy behind a linear head as one operator, which a compiler takes whole and does not look into.

Traced operation by operation, the loop over chunks would be unrolled and its buffers laid out anew.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .chunks import Head
from .crossed import CrossEntropy
from .followed import Wanted
from .nodes import Sizes, slopes
from .softmax import Target


@torch.library.custom_op("lossary::linear_cross_entropy", mutates_args=())
def _total(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    factor: Tensor,
    label: Tensor | None,
    soft: Tensor | None,
    hit: Tensor | None,
    share: Tensor | None,
    spread: Tensor | None,
    even: list[float],
    soft_cap: float | None,
    rows: int,
    wide: torch.dtype,
    narrow: torch.dtype | None,
    wanted: list[bool],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    target = Target(
        label, soft, even[0] if hit is None else hit, even[1] if share is None else share, spread, holes=True
    )
    math = CrossEntropy(target, even[2], soft_cap)
    found, sums = slopes(
        Head(hidden, weight, bias, rows, wide, narrow), math, factor, (wanted[0], wanted[1], wanted[2])
    )
    none = factor.new_empty(0)
    return (
        (found * factor).sum(),
        none.clone() if sums.hidden is None else sums.hidden,
        none.clone() if sums.weight is None else sums.weight,
        none.clone() if sums.bias is None else sums.bias,
    )


@_total.register_fake
def _(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    factor: Tensor,
    label: Tensor | None,
    soft: Tensor | None,
    hit: Tensor | None,
    share: Tensor | None,
    spread: Tensor | None,
    even: list[float],
    soft_cap: float | None,
    rows: int,
    wide: torch.dtype,
    narrow: torch.dtype | None,
    wanted: list[bool],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    none = factor.new_empty(0)
    return (
        factor.new_empty((), dtype=wide),
        hidden.new_empty(hidden.shape, dtype=narrow or wide) if wanted[0] else none,
        weight.new_empty(weight.shape, dtype=wide) if wanted[1] else none.clone(),
        bias.new_empty(bias.shape, dtype=wide) if bias is not None and wanted[2] else none.clone(),
    )


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.save_for_backward(*output[1:])
    ctx.kinds = [None if each is None else each.dtype for each in inputs[:3]]
    ctx.wanted = inputs[-1]


def _backward(ctx: Any, scale: Tensor, *rest: Tensor) -> tuple[Any, ...]:
    made = (
        (each * scale).to(kind) if want else None
        for each, kind, want in zip(ctx.saved_tensors, ctx.kinds, ctx.wanted, strict=True)
    )
    return (*made, *(None,) * 12)


_total.register_autograd(_backward, setup_context=_setup)


def total(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    math: CrossEntropy,
    factor: Tensor,
    sizes: Sizes,
    wanted: Wanted,
) -> Tensor:
    """Σ factor · value, differentiable once."""
    target = math.target
    hit, share = target.hit, target.share
    found: Tensor = _total(
        hidden,
        weight,
        bias,
        factor,
        target.label,
        target.soft,
        hit if isinstance(hit, Tensor) else None,
        share if isinstance(share, Tensor) else None,
        target.spread,
        [
            0.0 if isinstance(hit, Tensor) else hit,
            0.0 if isinstance(share, Tensor) else share,
            math.z_loss,
        ],
        math.soft_cap,
        *sizes,
        list(wanted),
    )[0]
    return found
