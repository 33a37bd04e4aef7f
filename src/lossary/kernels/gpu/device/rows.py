"""Device code: cross-entropy of a tile of rows, value and slope.

A row's target is a mass u_c per class (its labels, smoothed, times the class weights), A = Σ u. With k the winner,
gap_c = z_c - z_k and r = Σ_{c≠k} exp(gap_c), the value is A·log1p(r) - Σ u_c gap_c, and the slope A·p_c - u_c. For the
winner the slope is written as Σ_{c≠k} u_c - A·r/(1 + r), which keeps the 1.4e-11 of a confident row that 1 - p_k would
lose. Both sums run over terms of one sign.
"""

import triton
import triton.language as tl

from .mathematics import log1p, sech2, tanh


@triton.jit
def tile(x_row, x_class, c, here, CAP: tl.constexpr, ACC: tl.constexpr):
    """Logits of a tile as they are, and under their soft cap (0: none), -inf beyond the last class."""
    x = tl.load(x_row[:, None] + c[None, :].to(tl.int64) * x_class, mask=here, other=-float("inf")).to(ACC)
    z = x
    if CAP != 0.0:
        z = tl.where(here, CAP * tanh(x / CAP), -float("inf"))
    return x, z


@triton.jit
def masses(
    y_row, y_class, w_ptr, c, C, here, hit, share, SOFT: tl.constexpr, WEIGHTED: tl.constexpr, ACC: tl.constexpr
):  # fmt: skip
    """The target's mass at each class of a tile, without the label that an index names."""
    u = tl.where(here, share[:, None], 0.0)
    if SOFT:
        at = y_row[:, None] + c[None, :].to(tl.int64) * y_class
        u += tl.load(at, mask=here, other=0.0).to(ACC) * hit[:, None]
    if WEIGHTED:
        u *= tl.load(w_ptr + c, mask=c < C, other=0.0).to(ACC)[None, :]
    return u


@triton.jit
def advance(z, u, c, C, top, best, others, mass, bent, SPREAD: tl.constexpr):
    """Take one tile into the running winner, the sum over its rivals, the mass and Σ u·gap."""
    peak = tl.max(z, 1)
    at = tl.min(tl.where(z == peak[:, None], c[None, :], C), 1)
    rises = peak > top
    new = tl.where(rises, peak, top)
    best = tl.where(rises, at, best)
    # Before any finite logit the winner is -inf: gaps are then taken from 0, so that they are -inf and not NaN.
    base = tl.where(new == -float("inf"), 0.0, new)
    gap = z - base[:, None]
    rivals = tl.sum(tl.where(c[None, :] == best[:, None], 0.0, tl.exp(gap)), 1)
    # A former winner becomes a rival like any other.
    others = tl.where(rises, (others + 1.0) * tl.exp(top - base), others) + rivals
    if SPREAD:
        bent += tl.where(rises & (mass != 0.0), mass * (top - base), 0.0)
        bent += tl.sum(tl.where(u != 0.0, u * gap, 0.0), 1)
        mass += tl.sum(u, 1)
    return new, best, others, mass, bent


@triton.jit
def losers(x, z, u, c, top, norm, pull, hard, label, scale, SOFT: tl.constexpr, SPREAD: tl.constexpr,
           CAP: tl.constexpr):  # fmt: skip
    """Slopes at the classes of a tile, the winner's excepted: its column holds a number that nobody keeps."""
    slope = (pull / norm)[:, None] * tl.exp(z - top[:, None])
    if SPREAD:
        slope -= u
    if not SOFT:
        slope -= tl.where(c[None, :] == label[:, None], hard[:, None], 0.0)
    if CAP != 0.0:
        slope *= sech2(x / CAP)
    return slope * scale[:, None]


@triton.jit
def best_slope(own, rest, total, pull, others, norm):
    """The slope at the winner, whose target has the mass ``own`` and all others ``rest``."""
    apart = tl.where(others < 1.0, rest - total * others / norm, total / norm - own)
    return apart + (pull - total) / norm


@triton.jit
def rows(
    x_ptr, y_ptr, hit_ptr, share_ptr, w_ptr, keep_ptr, scale_ptr, unless_ptr, value_ptr, slope_ptr,
    N, C, inner, x_outer, x_class, x_inner, y_outer, y_class, y_inner, s_outer, s_class, s_inner,
    SOFT: tl.constexpr, HITS: tl.constexpr, SHARES: tl.constexpr, WEIGHTED: tl.constexpr, KEEP: tl.constexpr,
    SCALED: tl.constexpr, UNLESS: tl.constexpr, BARE: tl.constexpr, SLOPE: tl.constexpr,
    Z: tl.constexpr, CAP: tl.constexpr, WHOLE: tl.constexpr, ROWS: tl.constexpr, CLASSES: tl.constexpr,
    ACC: tl.constexpr,
):  # fmt: skip
    """Values of ROWS rows, and on request their slopes by the logits, both times the row's scale (BARE: slopes alone).

    Row i stands at (i // inner, i % inner) of an array (outer, C, inner). Its target's masses are share·w at every
    class, with ``hit`` more at the label y; or (hit·y + share)·w, where y is an array like that of the logits (SOFT).
    Where keep is 0 nothing is read; value and slope are 0. Z and CAP are compiled in, so that float64 keeps all their
    digits. Slopes may overwrite the logits. With UNLESS nothing is done where the number it points at is 1.
    """
    if UNLESS:  # noqa: SIM102 - the outer one is decided when the kernel is compiled
        if tl.load(unless_ptr) == 1.0:
            return
    SPREAD: tl.constexpr = SOFT or SHARES
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    there = row < N
    live = there
    if KEEP:
        live = there & (tl.load(keep_ptr + row, mask=there, other=0) != 0)
    outer = row // inner
    within = row - outer * inner
    x_row = x_ptr + outer * x_outer + within * x_inner
    y_row = y_ptr + outer * y_outer + within * y_inner
    none = tl.zeros((ROWS,), ACC)
    hit, share, scale = none + 1.0, none, none + 1.0
    if HITS:
        hit = tl.load(hit_ptr + row, mask=live, other=0.0).to(ACC)
    if SHARES:
        share = tl.load(share_ptr + row, mask=live, other=0.0).to(ACC)
    if SCALED:
        scale = tl.load(scale_ptr + row, mask=live, other=0.0).to(ACC)
    hard, z_label, label = none, none, tl.zeros((ROWS,), tl.int64)
    if not SOFT:
        label = tl.load(y_ptr + row, mask=live, other=0)
        known = live & (label >= 0) & (label < C)
        z_label = tl.load(x_row + label * x_class, mask=known, other=0.0).to(ACC)
        if CAP != 0.0:
            z_label = CAP * tanh(z_label / CAP)
        # An index that names no class is nobody's to read: value and slope are NaN.
        hard = tl.where(known, hit, float("nan"))

    top, others, mass, bent = none - float("inf"), none, none, none
    best = tl.zeros((ROWS,), tl.int32) + C
    c = tl.arange(0, CLASSES)
    here = live[:, None] & (c < C)[None, :]
    if WHOLE:
        x, z = tile(x_row, x_class, c, here, CAP, ACC)
        u = z
        if SPREAD:
            u = masses(y_row, y_class, w_ptr, c, C, here, hit, share, SOFT, WEIGHTED, ACC)
        top, best, others, mass, bent = advance(z, u, c, C, top, best, others, mass, bent, SPREAD)
    else:
        for start in range(0, C, CLASSES):
            c = start + tl.arange(0, CLASSES)
            here = live[:, None] & (c < C)[None, :]
            x, z = tile(x_row, x_class, c, here, CAP, ACC)
            u = z
            if SPREAD:
                u = masses(y_row, y_class, w_ptr, c, C, here, hit, share, SOFT, WEIGHTED, ACC)
            top, best, others, mass, bent = advance(z, u, c, C, top, best, others, mass, bent, SPREAD)

    # A row of -inf alone, or with a +inf, has no softmax.
    others = tl.where(tl.abs(top) == float("inf"), float("nan"), others)
    norm = 1.0 + others
    excess = log1p(others, ACC)
    lse = top + excess
    total = mass + hard
    value = total * excess - bent - tl.where(hard != 0.0, hard * (z_label - top), 0.0)
    pull = total
    if Z != 0.0:
        value += Z * lse * lse
        pull += 2.0 * Z * lse
    if not BARE:
        value *= scale
    tl.store(value_ptr + row, tl.where(live, value, 0.0), mask=there)
    if SLOPE:
        s_row = slope_ptr + outer * s_outer + within * s_inner
        won = live & (best < C)
        # p - u where p is small, as it is for each of many equal classes, and (the others' u) - (their p) where not.
        own = tl.where(label == best, hard, 0.0)
        rest = tl.where(label == best, 0.0, hard)
        if CAP != 0.0:
            x_best = tl.load(x_row + best.to(tl.int64) * x_class, mask=won, other=0.0).to(ACC)
            bend = sech2(x_best / CAP)
        else:
            bend = none + 1.0
        # Where slopes overwrite the logits, no program thread may write before all have read.
        tl.debug_barrier()
        if WHOLE:
            wins = c[None, :] == best[:, None]
            slope = losers(x, z, u, c, top, norm, pull, hard, label, scale, SOFT, SPREAD, CAP)
            if SPREAD:
                own += tl.sum(tl.where(wins, u, 0.0), 1)
                rest += tl.sum(tl.where(wins, 0.0, u), 1)
            winner = best_slope(own, rest, total, pull, others, norm)
            slope = tl.where(wins, (winner * bend * scale)[:, None], slope)
            at = s_row[:, None] + c[None, :].to(tl.int64) * s_class
            tl.store(at, tl.where(live[:, None], slope, 0.0), mask=there[:, None] & (c < C)[None, :])
        else:
            for start in range(0, C, CLASSES):
                c = start + tl.arange(0, CLASSES)
                here = live[:, None] & (c < C)[None, :]
                wins = c[None, :] == best[:, None]
                x, z = tile(x_row, x_class, c, here, CAP, ACC)
                u = z
                if SPREAD:
                    u = masses(y_row, y_class, w_ptr, c, C, here, hit, share, SOFT, WEIGHTED, ACC)
                    own += tl.sum(tl.where(wins, u, 0.0), 1)
                    rest += tl.sum(tl.where(wins, 0.0, u), 1)
                slope = losers(x, z, u, c, top, norm, pull, hard, label, scale, SOFT, SPREAD, CAP)
                at = s_row[:, None] + c[None, :].to(tl.int64) * s_class
                kept = there[:, None] & (c < C)[None, :] & (wins == 0)
                tl.store(at, tl.where(live[:, None], slope, 0.0), mask=kept)
            winner = best_slope(own, rest, total, pull, others, norm)
            tl.store(s_row + best.to(tl.int64) * s_class, winner * bend * scale, mask=won)
