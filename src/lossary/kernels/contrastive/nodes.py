"""Sums over a table of similarities as nodes of autograd, with a second derivative and a clear end after it."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from lossary.core import probes

from ..derivatives import one_at_a_time, third
from . import tiles
from .bend import bend
from .tiles import Given, Sum, Table, some


class Sums(Protocol):
    """Who walks the table: ``sums`` below, or a kernel of the same meaning."""

    def __call__(
        self, a: Tensor, b: Tensor | None, table: Table, bias: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]: ...


def sums(
    a: Tensor, b: Tensor | None, table: Table, bias: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """The sums over a table, differentiable twice by ``a``, ``b`` and the bias.

    Args:
        a, b: the sides of the table, (N, D) and (M, D), whose products are its entries; one side for ``Sum.SAME``.
        bias: what is added to every entry, a tensor of one number.

    Returns:
        One sum per row, and one per column where both are wanted.
    """
    added = 0.0 if bias is None else float(bias.detach())
    with torch.no_grad():
        many = len(a) if b is None else max(len(a), len(b))
        table = table._replace(calm=tiles.calm(a, a if b is None else b, added, many))
    ahead = table.sum is Sum.SOFTPLUS and torch.is_grad_enabled()
    ahead = ahead and any(each is not None and each.requires_grad for each in (a, b, bias))
    rows, columns = _Sums.apply(a, b, bias, table, added, ahead)  # type: ignore[no-untyped-call]
    return rows, columns


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, a: Tensor, b: Tensor | None, bias: Tensor | None, table: Table, added: float, ahead: bool
    ) -> tuple[Tensor, Tensor | None]:
        ctx.table, ctx.added, ctx.ahead = table, added, ahead
        ctx.set_materialize_grads(False)
        other = a if b is None else b
        with probes.without_autocast(a):
            if ahead:
                rows, *ready = tiles.at_once(a, other, added, table)
                ctx.save_for_backward(a, b, bias, None, None, *ready)
                return rows, None
            rows, columns = tiles.total(a, other, added, table)
        ctx.save_for_backward(a, b, bias, rows, columns)
        return rows, columns

    @staticmethod
    def backward(ctx: Any, by_rows: Tensor | None, by_columns: Tensor | None) -> tuple[Any, ...]:
        one_at_a_time(by_rows, by_columns)
        a, b, bias, rows, columns, *ready = ctx.saved_tensors
        if by_rows is None and by_columns is None:
            return (None,) * 6
        if by_rows is None:
            by_rows = a.new_zeros(len(a))
        if by_columns is None and columns is not None:
            by_columns = a.new_zeros(len(columns))
        if ready and not torch.is_grad_enabled():
            found = _from_ready(ctx, a, b, by_rows, *ready)
            return *_as_asked(found, b, bias), None, None, None
        if ctx.table.sum is Sum.SOFTPLUS:
            rows = None  # the gradient needs no sum
        else:
            rows, columns = some(rows), None if columns is None else some(columns)
        found = _Pull.apply(a, b, bias, rows, columns, by_rows, by_columns, ctx.table, ctx.added)  # type: ignore[no-untyped-call]
        return *_as_asked(found, b, bias), None, None, None


def _from_ready(
    ctx: Any, a: Tensor, b: Tensor, by_rows: Tensor, own: Tensor, other: Tensor, whole: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients from those of the plain sum of rows. Where rows weigh differently, that by ``b`` is made again."""
    if bool((by_rows == by_rows[:1]).all()):
        other = other * by_rows[:1].sum()
    else:
        with probes.without_autocast(a):
            given = Given(None, None, by_rows, None)
            _, other, _ = tiles.pull(a, b, ctx.added, ctx.table, given, only_b=True)
    return own * by_rows.unsqueeze(1), other, (whole * by_rows).sum()


def _as_asked(found: Any, b: Tensor | None, bias: Tensor | None) -> tuple[Any, Any, Any]:
    own, other, whole = found
    return (
        own,
        None if b is None else other,
        None if bias is None else whole.to(bias.dtype).reshape(bias.shape),
    )


class _Pull(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        a: Tensor,
        b: Tensor | None,
        bias: Tensor | None,
        rows: Tensor | None,
        columns: Tensor | None,
        by_rows: Tensor,
        by_columns: Tensor | None,
        table: Table,
        added: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.table, ctx.added = table, added
        ctx.save_for_backward(a, b, bias, rows, columns, by_rows, by_columns)
        given = Given(rows, columns, by_rows, by_columns)
        with probes.without_autocast(a):
            return tiles.pull(a, a if b is None else b, added, table, given)

    @staticmethod
    def backward(ctx: Any, u: Tensor, v: Tensor, w: Tensor) -> tuple[Any, ...]:
        one_at_a_time(u, v, w)
        saved = ctx.saved_tensors
        found = _Bend.apply(u, v, w, *saved, ctx.table, ctx.added)  # type: ignore[no-untyped-call]
        return (*found, None, None)


class _Bend(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        u: Tensor,
        v: Tensor,
        w: Tensor,
        a: Tensor,
        b: Tensor | None,
        bias: Tensor | None,
        rows: Tensor | None,
        columns: Tensor | None,
        by_rows: Tensor,
        by_columns: Tensor | None,
        table: Table,
        added: float,
    ) -> tuple[Tensor | None, ...]:
        given = Given(rows, columns, by_rows, by_columns)
        other, right = (a, u) if b is None else (b, v)
        if table.sum is not Sum.SOFTPLUS:
            w = torch.zeros_like(w)
        with probes.without_autocast(a):
            found = bend(a, other, added, table, given, u, right, w)
        return (
            found.a + found.b if b is None else found.a,
            None if b is None else found.b,
            None if bias is None else found.bias.to(bias.dtype).reshape(bias.shape),
            None if rows is None else found.rows,
            None if columns is None else found.columns,
            found.by_rows,
            None if by_columns is None else found.by_columns,
        )

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise third()
