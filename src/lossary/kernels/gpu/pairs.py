"""Log-sum-exp over the rivals of every row, both ways, without the similarities; SigLIP's sum of costs too.

Two passes: the first keeps one number per row and column, the second makes each tile of similarities again, its
softmax and both gradients. The tiles of both products stay on the chip, so memory is linear in the batch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from lossary.losses.contrastive.pairs import against, apart
from lossary.core.canonical import softplus

from . import tuning


class Rivals(NamedTuple):
    """Who is compared with whom.

    Attributes:
        period: row i of one side and row j of the other are compared unless i and j agree modulo this.
        keep: (period,) boolean: who takes part as a rival; None: all.
        sigmoid: the sum is that of log(1 + exp(z)), and not the logarithm of that of exp(z).
        both: also the sums of the second matrix's rows over those of the first.
        same: the two matrices are one, whose gradient is asked for in both its roles at once.
    """

    period: int
    keep: Tensor | None
    sigmoid: bool = False
    both: bool = False
    same: bool = False


def sums(x: Tensor, y: Tensor, scale: Tensor, bias: Tensor, rivals: Rivals) -> tuple[Tensor, Tensor]:
    """For each row of ``x`` the sum over its rivals in ``y``, (N,); and the other way round, empty unless asked for.

    Args:
        x, y: (N, D) and (M, D), of one dtype. scale, bias: 0-d tensors: z = scale·⟨x_i, y_j⟩ + bias.

    Differentiable in all four; differentiated again, by way of all N·M similarities.
    """
    found: tuple[Tensor, Tensor] = _Sums.apply(x, y, scale, bias, rivals)
    return found


def _dense(x: Tensor, y: Tensor, scale: Tensor, bias: Tensor, rivals: Rivals) -> tuple[Tensor, Tensor]:
    """The same with all similarities in memory, in operations that autograd follows to any order."""
    z = x @ y.transpose(0, 1) * scale + bias
    period = max(rivals.period, 1)
    others = apart(rivals.period, rivals.keep, x.device).repeat(len(x) // period, len(y) // period)

    def one(z: Tensor) -> Tensor:
        if rivals.sigmoid:
            return torch.where(others, softplus(torch.where(others, z, 0.0)), 0.0).sum(1)
        rest, some = against(z, others)
        return torch.where(some, rest, 0.0)

    return one(z), one(z.transpose(0, 1)) if rivals.both else x.new_empty(0)


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, y: Tensor, scale: Tensor, bias: Tensor, rivals: Rivals
    ) -> tuple[Tensor, Tensor]:
        x, y = x.contiguous(), y.contiguous()
        rows = _sums(x, y, scale, bias, rivals)
        columns = _sums(y, x, scale, bias, rivals) if rivals.both else rows.new_empty(0)
        ctx.save_for_backward(x, y, scale, bias, rows, columns)
        ctx.rivals = rivals
        return rows, columns

    @staticmethod
    def backward(ctx: Any, up: Tensor, across: Tensor) -> tuple[Tensor | None, ...]:
        x, y, scale, bias, rows, columns = ctx.saved_tensors
        rivals: Rivals = ctx.rivals
        if torch.is_grad_enabled():
            return (*_again(ctx, (x, y, scale, bias), rivals, (up, across)), None)
        needs = ctx.needs_input_grad
        up = up.contiguous()
        across = across.contiguous() if rivals.both else None
        drawn = torch.empty_like(rows) if needs[3] else None
        if rivals.same:
            # One matrix in both roles: each row's own sum, and its part in the sums of the others. A pair that draws
            # on x_i as a row draws on y_j as a column, so half of what both roles draw is what the scale moves.
            dx = _gradients(x, y, scale, bias, rivals, (rows, up), (rows, up), drawn)
            return dx, None, _of_scale(x, dx, scale, needs[2], 0.5), _total(drawn, needs[3], 0.5), None
        dx = dy = None
        if needs[0] or needs[2] or needs[3]:
            dx = _gradients(x, y, scale, bias, rivals, (rows, up), (columns, across), drawn)
        if needs[1]:
            dy = _gradients(y, x, scale, bias, rivals, (columns, across), (rows, up), None)
        of_scale = None if dx is None else _of_scale(x, dx, scale, needs[2], 1.0)
        return dx, dy, of_scale, _total(drawn, needs[3], 1.0), None


def _of_scale(x: Tensor, dx: Tensor, scale: Tensor, need: bool, part: float) -> Tensor | None:
    """The scale's gradient is Σ g_ij ⟨x_i, y_j⟩, and dx_i is scale·Σ_j g_ij y_j."""
    return part * (x * dx).sum() / scale if need else None


def _total(drawn: Tensor | None, need: bool, part: float) -> Tensor | None:
    return part * drawn.sum() if need and drawn is not None else None


def _again(
    ctx: Any, inputs: tuple[Tensor, ...], rivals: Rivals, ups: tuple[Tensor, Tensor]
) -> tuple[Tensor | None, ...]:
    """The gradient, to be differentiated again."""
    x, y, scale, bias = inputs
    made = _dense(x, y, scale, bias, rivals)
    needs = ctx.needs_input_grad[:4]
    asked = [each for each, need in zip(inputs, needs, strict=True) if need]
    outputs, given = (made, ups) if rivals.both else (made[:1], ups[:1])
    found = iter(torch.autograd.grad(outputs, asked, given, create_graph=True, allow_unused=True))
    return tuple(next(found) if need else None for need in needs)


def _tile(x: Tensor) -> tuple[tuning.Pairs, dict[str, Any]]:
    import triton.language as tl

    tile = tuning.for_pairs(x.shape[1], x.element_size())
    # As torch multiplies matrices of float32: in full unless it was told otherwise. Three products of TF32 make one in
    # full to within a few roundings, on tensor cores.
    loose = x.is_cuda and torch.backends.cuda.matmul.allow_tf32
    precision = "ieee" if x.dtype is not torch.float32 else "tf32" if loose else "tf32x3"
    acc = tl.float64 if x.dtype is torch.float64 else tl.float32
    options = {"BM": tile.rows, "BN": tile.columns, "BK": tile.features, "ACC": acc, "PRECISION": precision,
               "num_warps": tile.warps, "num_stages": tile.stages}  # fmt: skip
    return tile, options


def _sums(x: Tensor, y: Tensor, scale: Tensor, bias: Tensor, rivals: Rivals) -> Tensor:
    from .device import pairs as device

    (n, features), m = x.shape, len(y)
    out = torch.zeros(n, dtype=x.dtype, device=x.device)
    if n == 0 or m == 0:
        return out
    tile, options = _tile(x)
    keep = out if rivals.keep is None else rivals.keep.contiguous().view(torch.uint8)
    device.sums[(-(-n // tile.rows),)](
        x, y, keep, scale, bias, out, n, m, features, rivals.period,
        KEEP=rivals.keep is not None, SIGMOID=rivals.sigmoid, **options,
    )  # fmt: skip
    return out


#: The sums of some rows and what is upstream of each; upstream None: nothing comes from there.
_Side = tuple[Tensor, Tensor | None]


def _gradients(
    x: Tensor, y: Tensor, scale: Tensor, bias: Tensor, rivals: Rivals, rows: _Side, columns: _Side,
    drawn: Tensor | None,
) -> Tensor:  # fmt: skip
    """The gradient by ``x``, as rows whose sums ``rows`` holds and as rivals in the sums that ``columns`` holds."""
    from .device import pairs as device

    (n, features), m = x.shape, len(y)
    dx = torch.zeros_like(x)
    if drawn is not None:
        drawn.zero_()
    if n == 0 or m == 0 or features == 0:
        return dx
    tile, options = _tile(x)
    keep = dx if rivals.keep is None else rivals.keep.contiguous().view(torch.uint8)
    (x_sum, x_up), (y_sum, y_up) = rows, columns
    width = min(tuning.power_of_two(features), tile.gradient)
    device.gradients[(-(-n // tile.rows), -(-features // width))](
        x, y, keep, scale, bias, x_sum, y_sum, dx if x_up is None else x_up, dx if y_up is None else y_up,
        dx, dx if drawn is None else drawn, n, m, features, rivals.period,
        KEEP=rivals.keep is not None, SIGMOID=rivals.sigmoid, BY_ROW=x_up is not None, BY_COLUMN=y_up is not None,
        DRAWN=drawn is not None, BD=width, **options,
    )  # fmt: skip
    return dx
