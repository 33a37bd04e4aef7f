"""Tiles of a table of similarities: sums over its rows and columns, their gradients, and the gradients of those.

The table is z = a·bᵀ + bias, less the entries that ``Table.skip`` names. One tile of it is held at a time, so memory is
linear in its sides. Nothing here knows autograd; every function computes in place and returns new tensors.

Two sums are known. LSE: log Σ_j exp(z_ij) over each row and, where wanted, log Σ_i exp(z_ij) over each column.
SOFTPLUS: Σ_j log(1 + exp(z_ij)) over each row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

import torch
from torch import Tensor

from ..exponential import exp_

#: Rows and columns of a tile: two of them, in float32, take no more than a last-level cache has for us.
SIDE = 1024


class Sum(Enum):
    """What is summed over a table, and along which of its sides."""

    ROWS = "log-sum-exp of rows"
    BOTH = "log-sum-exp of rows and columns"
    SAME = "log-sum-exp of rows of a table of one set with itself"
    SOFTPLUS = "sum of log(1 + exp) of rows"


class Table(NamedTuple):
    """What is known of a table before it is made.

    Attributes:
        sum: what is summed. A table of one set with itself is symmetric, and half of it is enough.
        skip: column indices, one per row, of entries that are left out; -1 for none. In a symmetric table, entry
            (i, j) is left out together with (j, i).
        calm: whether exp(z) neither overflows nor loses digits, so that no maximum need be taken out.
    """

    sum: Sum
    skip: tuple[Tensor, ...]
    calm: bool = False


class Tile(NamedTuple):
    """One tile: which rows and columns, its numbers, a second buffer of its shape, and which entries do not count."""

    rows: slice
    columns: slice
    z: Tensor
    spare: Tensor
    out: tuple[tuple[Tensor, Tensor], ...]

    def put(self, table: Tensor, value: float) -> Tensor:
        """``table`` with ``value`` in place of what does not count."""
        for row, column in self.out:
            table[row, column] = value
        return table


def calm(a: Tensor, b: Tensor, bias: float, total: int, *sums: Tensor) -> bool:
    """Whether exp of every entry, their sums and the inverse of those are far from both ends of the dtype.

    Args:
        sums: logarithms of sums over more than these entries, which the same is asked of.
    """
    if not len(a) or not len(b):
        return True
    longest = [float(torch.linalg.vector_norm(each, dim=1).max()) for each in (a, b)]
    limit = 64.0 if a.dtype is torch.float32 else 512.0
    # Asked so, NaN is not calm either: one such row must not make the others' exponentials overflow.
    calm = longest[0] * longest[1] + abs(bias) + math.log(total) <= limit
    return calm and all(float(each.abs().max()) <= limit for each in sums)


def tiles(a: Tensor, b: Tensor, bias: float, table: Table, half: bool = False) -> Iterator[Tile]:
    """Every tile in turn, in the same two buffers. ``half``: only on and above the diagonal."""
    size = SIDE * SIDE
    one, two = a.new_empty(min(size, len(a) * len(b))), a.new_empty(min(size, len(a) * len(b)))
    for top in range(0, len(a), SIDE):
        rows = slice(top, min(top + SIDE, len(a)))
        for left in range(top if half else 0, len(b), SIDE):
            columns = slice(left, min(left + SIDE, len(b)))
            shape = (rows.stop - rows.start, columns.stop - columns.start)
            z, spare = (each[: shape[0] * shape[1]].view(shape) for each in (one, two))
            torch.mm(a[rows], b[columns].t(), out=z)
            if bias:
                z.add_(bias)
            yield Tile(rows, columns, z, spare, _out(table.skip, rows, columns))


def _out(skip: tuple[Tensor, ...], rows: slice, columns: slice) -> tuple[tuple[Tensor, Tensor], ...]:
    found = []
    for each in skip:
        here = each[rows]
        (row,) = ((here >= columns.start) & (here < columns.stop)).nonzero(as_tuple=True)
        if len(row):
            found.append((row, here[row] - columns.start))
    return tuple(found)


def total(a: Tensor, b: Tensor, bias: float, table: Table) -> tuple[Tensor, Tensor | None]:
    """The sum over each row, and over each column where both are wanted; -inf of nothing, 0 for SOFTPLUS."""
    if table.sum is Sum.SOFTPLUS:
        found = a.new_zeros(len(a))
        for tile in tiles(a, b, bias, table):
            found[tile.rows] += tile.put(_softplus(tile, table.calm), 0.0).sum(1)
        return found, None
    same = table.sum is Sum.SAME
    rows = _Running(len(a), a, table.calm)
    columns = rows if same else _Running(len(b), b, table.calm)
    for tile in tiles(a, b, bias, table, half=same):
        z = tile.put(exp_(tile.z), 0.0) if table.calm else tile.put(tile.z, -torch.inf)
        rows.add(tile.rows, z, tile.spare, 1)
        if table.sum is Sum.BOTH or (same and tile.rows != tile.columns):
            columns.add(tile.columns, z, tile.spare, 0)
    return rows.log(), columns.log() if table.sum is Sum.BOTH else None


class _Running:
    """Log-sum-exps that grow tile by tile: a greatest number so far, and a sum relative to it."""

    def __init__(self, count: int, like: Tensor, calm: bool) -> None:
        self.sum = like.new_zeros(count)
        self.top = None if calm else like.new_full((count,), -torch.inf)

    def add(self, where: slice, z: Tensor, spare: Tensor, axis: int) -> None:
        """Add a tile along an axis: of numbers, or where nothing is taken out of their exponentials."""
        if self.top is None:
            self.sum[where] += z.sum(axis)
            return
        before = self.top[where]
        top = torch.maximum(before, z.amax(axis))
        level = torch.where(top == -torch.inf, 0.0, top)  # -inf less itself is no number
        fresh = exp_(torch.sub(z, level.unsqueeze(axis), out=spare)).sum(axis)
        self.sum[where] = self.sum[where] * torch.exp(before - level) + fresh
        self.top[where] = top

    def log(self) -> Tensor:
        """The log-sum-exps."""
        return self.sum.log_() if self.top is None else self.sum.log_().add_(self.top)


def pull(
    a: Tensor, b: Tensor, bias: float, table: Table, given: Given, only_b: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients by ``a``, ``b`` and the bias; those by both of one set with itself stand in the first.

    ``only_b``: the others are known already, and stay 0.
    """
    found, other, whole = torch.zeros_like(a), torch.zeros_like(b), a.new_zeros(())
    same = table.sum is Sum.SAME
    left, right = _factors(table, given)
    for tile in tiles(a, b, bias, table, half=same):
        weights = _weights(tile, table, given, left, right)
        if not only_b:
            found[tile.rows].addmm_(weights, b[tile.columns])
        if not same:
            other[tile.columns].addmm_(weights.t(), a[tile.rows])
        elif tile.rows != tile.columns:
            found[tile.columns].addmm_(weights.t(), a[tile.rows])
        if table.sum is Sum.SOFTPLUS and not only_b:
            whole += weights.sum()
    return found, other, whole


class Given(NamedTuple):
    """What the gradient of a sum needs: the sums themselves (None for SOFTPLUS) and the gradients by them."""

    rows: Tensor | None
    columns: Tensor | None
    by_rows: Tensor
    by_columns: Tensor | None


def some(sums: Tensor) -> Tensor:
    """Sums with 0 for those of nothing: any number will do where there is no entry, but an infinite one."""
    return torch.where(sums == -torch.inf, 0.0, sums)


def _factors(table: Table, given: Given) -> tuple[Tensor | None, Tensor | None]:
    """What exp(z) is multiplied by, row by row and column by column, where that can be had without a maximum."""
    if not table.calm or table.sum is Sum.SOFTPLUS:
        return None, None
    assert given.rows is not None
    left = given.by_rows * torch.exp(-given.rows)
    if table.sum is not Sum.BOTH:
        return left, left
    assert given.columns is not None and given.by_columns is not None
    return left, given.by_columns * torch.exp(-given.columns)


def _weights(tile: Tile, table: Table, given: Given, left: Tensor | None, right: Tensor | None) -> Tensor:
    """The derivative of the whole by each entry of a tile; in a symmetric table, by it and its mirror image."""
    z, spare, row = tile.z, tile.spare, given.by_rows[tile.rows].unsqueeze(1)
    if table.sum is Sum.SOFTPLUS:
        return tile.put(torch.sigmoid_(z).mul_(row), 0.0)
    if left is not None and right is not None:
        tile.put(exp_(z), 0.0)
        if table.sum is Sum.ROWS:
            return z.mul_(left[tile.rows].unsqueeze(1))
        return z.mul_(torch.add(left[tile.rows].unsqueeze(1), right[tile.columns], out=spare))
    assert given.rows is not None
    tile.put(z, -torch.inf)
    if table.sum is Sum.ROWS:
        return exp_(z.sub_(given.rows[tile.rows].unsqueeze(1))).mul_(row)
    sums, by = (given.rows, given.by_rows) if table.sum is Sum.SAME else (given.columns, given.by_columns)
    assert sums is not None and by is not None
    exp_(torch.sub(z, sums[tile.columns], out=spare)).mul_(by[tile.columns])
    return exp_(z.sub_(given.rows[tile.rows].unsqueeze(1))).mul_(row).add_(spare)


def _softplus(tile: Tile, calm: bool) -> Tensor:
    if calm:
        return exp_(tile.z).log1p_()
    return torch.nn.functional.logsigmoid(tile.z.neg()).neg_()


def at_once(a: Tensor, b: Tensor, bias: float, table: Table) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The sums of SOFTPLUS, and while the tiles are there, the gradients by ``a``, ``b`` and each row's by the bias.

    The gradient by ``b`` is that of the rows' plain sum; the others are of each row's own sum.
    """
    found, own, other = a.new_zeros(len(a)), torch.zeros_like(a), torch.zeros_like(b)
    whole = a.new_zeros(len(a))
    for tile in tiles(a, b, bias, table):
        z, spare = tile.z, tile.spare
        if table.calm:
            # σ = e/(1 + e) and log(1 + e) from one exponential.
            tile.put(exp_(z), 0.0)
            found[tile.rows] += torch.log1p(z, out=spare).sum(1)
            z.div_(torch.add(z, 1.0, out=spare))
        else:
            found[tile.rows] += tile.put(_softplus(tile, False), 0.0).sum(1)
            tile.put(z.sigmoid_(), 0.0)
        whole[tile.rows] += z.sum(1)
        own[tile.rows].addmm_(z, b[tile.columns])
        other[tile.columns].addmm_(z.t(), a[tile.rows])
    return found, own, other, whole
