"""Sums over a table of similarities by Triton: what ``contrastive.nodes.sums`` does in torch, tile by tile on the chip.

Two passes: the first keeps one number per row and column, the second makes each tile again, its weights and both
gradients. Rows and columns are walked one after the other, and not from the same tiles: that costs one more product of
matrices, and saves partial sums that grow with the square of the batch, or atomics that add in another order each time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..contrastive import nodes
from ..contrastive.tiles import Sum, Table
from . import tuning


def sums(
    a: Tensor, b: Tensor | None, table: Table, bias: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """The sums over a table, differentiable by ``a``, ``b`` and the bias; a second time by way of torch's tiles.

    Args:
        a, b: the sides of the table, (N, D) and (M, D), of one dtype; one side for ``Sum.SAME``.
        bias: what is added to every entry, a tensor of one number.

    Returns:
        One sum per row, and one per column where both are wanted.
    """
    found: tuple[Tensor, Tensor | None] = _Sums.apply(a, b, bias, table)  # type: ignore[no-untyped-call]
    return found


class _Side(NamedTuple):
    """One side of a table, and what is known of its rows: their sums, and what is upstream of each. None: nothing."""

    x: Tensor
    sum: Tensor | None = None
    up: Tensor | None = None


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, a: Tensor, b: Tensor | None, bias: Tensor | None, table: Table
    ) -> tuple[Tensor, Tensor | None]:
        ctx.set_materialize_grads(False)
        ctx.table = table
        one, two = a.contiguous(), a.contiguous() if b is None else b.contiguous()
        rows = _sums(one, two, bias, table, turned=False)
        columns = _sums(two, one, bias, table, turned=True) if table.sum is Sum.BOTH else None
        ctx.save_for_backward(a, b, bias, rows, columns)
        return rows, columns

    @staticmethod
    def backward(ctx: Any, by_rows: Tensor | None, by_columns: Tensor | None) -> tuple[Any, ...]:
        a, b, bias, rows, columns = ctx.saved_tensors
        needs, table = ctx.needs_input_grad, ctx.table
        if torch.is_grad_enabled():
            return (*_again((a, b, bias), needs[:3], table, (by_rows, by_columns)), None)
        if by_rows is None and by_columns is None:
            return (None,) * 4
        up = None if by_rows is None else by_rows.contiguous()
        across = None if by_columns is None else by_columns.contiguous()
        one = _Side(a.contiguous(), rows, up)
        two = one if b is None else _Side(b.contiguous(), columns, across)
        drawn = torch.empty_like(rows) if needs[2] else None
        da = _gradient(one, two, bias, table, False, drawn) if needs[0] or needs[2] else None
        db = _gradient(two, one, bias, table, True, None) if needs[1] else None
        of_bias = None if drawn is None else drawn.sum().reshape(bias.shape)
        return da, db, of_bias, None


def _again(
    inputs: tuple[Tensor | None, ...], needs: tuple[bool, ...], table: Table, ups: tuple[Tensor | None, ...]
) -> tuple[Tensor | None, ...]:
    """The gradient, to be differentiated again: torch's tiles know how."""
    a, b, bias = inputs
    assert a is not None
    made = zip(nodes.sums(a, b, table, bias), ups, strict=True)
    there = [(sum, up) for sum, up in made if sum is not None and up is not None]
    if not there:
        return (None,) * 3
    asked = [each for each, need in zip(inputs, needs, strict=True) if need and each is not None]
    found = iter(
        torch.autograd.grad([sum for sum, _ in there], asked, [up for _, up in there], create_graph=True)
    )
    return tuple(next(found) if need else None for need in needs)


def _launch(
    x: Tensor, bias: Tensor | None, table: Table, turned: bool
) -> tuple[tuning.Pairs, dict[str, Any]]:
    import triton.language as tl

    tile = tuning.for_pairs(x.element_size())
    # As torch multiplies matrices of float32: in full, unless it was told that TF32 will do. Three products of TF32
    # make one in full to within a few roundings, and run on tensor cores.
    loose = x.is_cuda and torch.backends.cuda.matmul.allow_tf32
    single = "tf32" if loose else "tf32x3"
    return tile, {
        "TWO": len(table.skip) > 1, "TURNED": turned, "BIAS": bias is not None, "SIGMOID": table.sum is Sum.SOFTPLUS,
        "BM": tile.rows, "BN": tile.columns, "BK": tile.features,
        "ACC": tl.float64 if x.dtype is torch.float64 else tl.float32,
        "PRECISION": single if x.dtype is torch.float32 else "ieee",
        "num_warps": tile.warps, "num_stages": tile.stages,
    }  # fmt: skip


def _sums(x: Tensor, y: Tensor, bias: Tensor | None, table: Table, turned: bool) -> Tensor:
    from .device import pairs as device

    (n, features), m = x.shape, len(y)
    out = torch.full((n,), 0.0 if table.sum is Sum.SOFTPLUS else -torch.inf, dtype=x.dtype, device=x.device)
    if n and m:
        tile, options = _launch(x, bias, table, turned)
        device.sums[(-(-n // tile.rows),)](
            x, y, table.skip[0], table.skip[-1], out if bias is None else bias, out, n, m, features, **options
        )
    return out


def _gradient(
    x: _Side, y: _Side, bias: Tensor | None, table: Table, turned: bool, drawn: Tensor | None
) -> Tensor:
    """The gradient by the rows of ``x``, for their own sums and for those of ``y`` that they are part of."""
    from .device import pairs as device

    (n, features), m = x.x.shape, len(y.x)
    dx = torch.zeros_like(x.x)
    if drawn is not None:
        drawn.zero_()
    if n and m and features:
        tile, options = _launch(x.x, bias, table, turned)
        width = min(tuning.power_of_two(features), tile.gradient)
        # Where there is nothing to point at, a pointer that is never read.
        pointers = (bias, x.sum, y.sum, x.up, y.up)
        device.gradients[(-(-n // tile.rows), -(-features // width))](
            x.x, y.x, table.skip[0], table.skip[-1], *(dx if each is None else each for each in pointers), dx,
            dx if drawn is None else drawn, n, m, features, BY_ROW=x.up is not None, BY_COLUMN=y.up is not None,
            DRAWN=drawn is not None, BD=width, **options,
        )  # fmt: skip
    return dx
