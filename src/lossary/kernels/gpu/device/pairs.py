"""Device code: similarities of every row of one matrix with every row of another, a tile at a time.

For z_ij = ⟨x_i, y_j⟩ + bias over the pairs that are not skipped, a row's sum is log Σ_j exp(z_ij), or with SIGMOID
Σ_j log(1 + exp(z_ij)). No more than a tile of z is ever there: the gradients make it again.
"""

import triton
import triton.language as tl

from .mathematics import log1p


@triton.jit
def similarities(
    x_ptr, y_ptr, i, j, N, M, D, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, ACC: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """⟨x_i, y_j⟩ of a tile of pairs; rows beyond the last are taken for 0."""
    z = tl.zeros((BM, BN), ACC)
    for start in range(0, D, BK):
        k = start + tl.arange(0, BK)
        x_at = x_ptr + i[:, None].to(tl.int64) * D + k[None, :]
        y_at = y_ptr + j[None, :].to(tl.int64) * D + k[:, None]
        x = tl.load(x_at, mask=(i < N)[:, None] & (k < D)[None, :], other=0.0)
        y = tl.load(y_at, mask=(j < M)[None, :] & (k < D)[:, None], other=0.0)
        z = tl.dot(x, y, z, input_precision=PRECISION, out_dtype=ACC)
    return z


@triton.jit
def compared(one_ptr, two_ptr, i, j, N, M, TWO: tl.constexpr, TURNED: tl.constexpr):
    """Which pairs count. Each row skips up to two columns; TURNED: the skips are those of y's rows."""
    pairs = (i < N)[:, None] & (j < M)[None, :]
    if TURNED:
        pairs &= tl.load(one_ptr + j, mask=j < M, other=-1)[None, :] != i[:, None]
        if TWO:
            pairs &= tl.load(two_ptr + j, mask=j < M, other=-1)[None, :] != i[:, None]
    else:
        pairs &= tl.load(one_ptr + i, mask=i < N, other=-1)[:, None] != j[None, :]
        if TWO:
            pairs &= tl.load(two_ptr + i, mask=i < N, other=-1)[:, None] != j[None, :]
    return pairs


@triton.jit
def sums(
    x_ptr, y_ptr, one_ptr, two_ptr, bias_ptr, out_ptr, N, M, D,
    TWO: tl.constexpr, TURNED: tl.constexpr, BIAS: tl.constexpr, SIGMOID: tl.constexpr, BM: tl.constexpr,
    BN: tl.constexpr, BK: tl.constexpr, ACC: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The sum of each of BM rows: -inf where a row is compared with nothing, or 0 with SIGMOID."""
    i = tl.program_id(0) * BM + tl.arange(0, BM)
    top = tl.zeros((BM,), ACC) - float("inf")
    total = tl.zeros((BM,), ACC)
    for start in range(0, M, BN):
        j = start + tl.arange(0, BN)
        z = similarities(x_ptr, y_ptr, i, j, N, M, D, BM, BN, BK, ACC, PRECISION)
        if BIAS:
            z += tl.load(bias_ptr)
        pairs = compared(one_ptr, two_ptr, i, j, N, M, TWO, TURNED)
        if SIGMOID:
            cost = tl.maximum(z, 0.0) + log1p(tl.exp(-tl.abs(z)), ACC)
            # A maximum may leave a NaN out, which what counts must not lose.
            cost = tl.where(z == z, cost, z)
            total += tl.sum(tl.where(pairs, cost, 0.0), 1)
        else:
            z = tl.where(pairs, z, -float("inf"))
            new = tl.maximum(top, tl.max(z, 1))
            base = tl.where(new == -float("inf"), 0.0, new)
            total = total * tl.exp(top - base) + tl.sum(tl.exp(z - base[:, None]), 1)
            top = new
    if not SIGMOID:
        total = top + tl.log(total)
    tl.store(out_ptr + i, total, mask=i < N)


@triton.jit
def gradients(
    x_ptr, y_ptr, one_ptr, two_ptr, bias_ptr, x_sum_ptr, y_sum_ptr, x_up_ptr, y_up_ptr, dx_ptr, drawn_ptr, N, M, D,
    TWO: tl.constexpr, TURNED: tl.constexpr, BIAS: tl.constexpr, SIGMOID: tl.constexpr, BY_ROW: tl.constexpr,
    BY_COLUMN: tl.constexpr, DRAWN: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    BD: tl.constexpr, ACC: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """dx_i = Σ_j g_ij y_j for BM rows and BD features, g_ij being what z_ij is worth to the sums.

    x_i is worth something as the row whose sum it is (BY_ROW: x_up_i times the derivative of its sum), and as one of
    those that y_j is compared with (BY_COLUMN: y_up_j times the derivative of the sum of y_j). DRAWN: also Σ_j g_ij.
    """
    i = tl.program_id(0) * BM + tl.arange(0, BM)
    d = tl.program_id(1) * BD + tl.arange(0, BD)
    x_there = i < N
    if BY_ROW:
        x_up = tl.load(x_up_ptr + i, mask=x_there, other=0.0)
        if not SIGMOID:
            x_sum = tl.load(x_sum_ptr + i, mask=x_there, other=0.0)
    pulled = tl.zeros((BM, BD), ACC)
    drawn = tl.zeros((BM,), ACC)
    for start in range(0, M, BN):
        j = start + tl.arange(0, BN)
        z = similarities(x_ptr, y_ptr, i, j, N, M, D, BM, BN, BK, ACC, PRECISION)
        if BIAS:
            z += tl.load(bias_ptr)
        pairs = compared(one_ptr, two_ptr, i, j, N, M, TWO, TURNED)
        g = tl.zeros((BM, BN), ACC)
        if SIGMOID:
            small = tl.exp(-tl.abs(z))
            odds = tl.where(z < 0, small, 1.0) / (1.0 + small)
        if BY_ROW:
            share = odds if SIGMOID else tl.exp(z - x_sum[:, None])
            g += share * x_up[:, None]
        if BY_COLUMN:
            y_up = tl.load(y_up_ptr + j, mask=j < M, other=0.0)
            if SIGMOID:
                share = odds
            else:
                y_sum = tl.load(y_sum_ptr + j, mask=j < M, other=0.0)
                share = tl.exp(z - y_sum[None, :])
            g += share * y_up[None, :]
        g = tl.where(pairs, g, 0.0)
        at = y_ptr + j[:, None].to(tl.int64) * D + d[None, :]
        y = tl.load(at, mask=(j < M)[:, None] & (d < D)[None, :], other=0.0)
        pulled = tl.dot(g.to(y.dtype), y, pulled, input_precision=PRECISION, out_dtype=ACC)
        if DRAWN:
            drawn += tl.sum(g, 1)
    at = dx_ptr + i[:, None].to(tl.int64) * D + d[None, :]
    tl.store(at, pulled, mask=x_there[:, None] & (d < D)[None, :])
    if DRAWN:
        tl.store(drawn_ptr + i, drawn, mask=x_there & (tl.program_id(1) == 0))
