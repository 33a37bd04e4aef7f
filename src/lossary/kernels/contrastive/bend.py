"""The derivative of a table's gradients: what a second backward pass needs, tile by tile."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..exponential import exp_
from .tiles import Given, Sum, Table, tiles


class Bent(NamedTuple):
    """Derivatives of <u, gradient by a> + <v, gradient by b> + w·(gradient by the bias) by all they depend on."""

    a: Tensor
    b: Tensor
    bias: Tensor
    rows: Tensor
    columns: Tensor
    by_rows: Tensor
    by_columns: Tensor


def bend(
    a: Tensor, b: Tensor, bias: float, table: Table, given: Given, u: Tensor, v: Tensor, w: Tensor
) -> Bent:
    """With W the weights of ``tiles.pull``: φ = Σ W_ij·h_ij, where h_ij = u_i·b_j + a_i·v_j + w.

    A table of one set with itself is given as one of two sets, ``b`` and ``v`` being ``a`` and ``u`` again.
    """
    found = Bent(
        torch.zeros_like(a),
        torch.zeros_like(b),
        a.new_zeros(()),
        *(a.new_zeros(len(each)) for each in (a, b, a, b)),
    )
    for tile in tiles(a, b, bias, table):
        rows, columns = tile.rows, tile.columns
        h = (u[rows] @ b[columns].t()).addmm_(a[rows], v[columns].t()).add_(w)
        by = given.by_rows[rows].unsqueeze(1)
        if table.sum is Sum.SOFTPLUS:
            share = tile.put(torch.sigmoid(tile.z), 0.0)
            weights, slope = by * share, by * share * torch.sigmoid(-tile.z)
        else:
            assert given.rows is not None
            tile.put(tile.z, -torch.inf)
            share = exp_(tile.z - given.rows[rows].unsqueeze(1))
            weights = by * share
            if given.columns is not None and given.by_columns is not None:
                other = exp_(tile.z - given.columns[columns])
                found.by_columns[columns] += (other * h).sum(0)
                weights += other * given.by_columns[columns]
            slope = weights
        found.by_rows[rows] += (share * h).sum(1)
        bent = slope * h
        found.a[rows] += bent @ b[columns] + weights @ v[columns]
        found.b[columns] += bent.t() @ a[rows] + weights.t() @ u[rows]
        found.bias.add_(bent.sum())
    if table.sum is not Sum.SOFTPLUS:
        found.rows.copy_(-given.by_rows * found.by_rows)
        if given.by_columns is not None:
            found.columns.copy_(-given.by_columns * found.by_columns)
    return found
