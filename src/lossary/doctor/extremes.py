"""Values for one input: ordinary ones, the ends of what a dtype holds, and the places where derivatives jump."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..core.declaration import Input
from ..core.domains import Interval
from ..core.kinds import Form, Kind

_TINY = 1.1754943508222875e-38  # smallest normal float32
_SUBNORMAL = 1e-42

#: Real numbers from which residuals of every size arise; the greatest leaves room for a residual to double it.
REALS = (0.0, 1.0, -1.0, 1e-3, -1e-20, _SUBNORMAL, -_TINY, 1e4, -1e4, 3.5e6, 1e18, -1e19, 1e37, -1e38)
#: Logits and scores: 17 is where 1 + exp(-x) rounds to 1 in float32, 88 and 104 where exp ends.
LOGITS = (0.0, 1e-3, -1e-20, _SUBNORMAL, 0.6931, -1.0, 1.0, 5.0, -5.0, 17.0, -17.0, 25.0, -25.0, 37.0, -60.0, 88.0,
          -88.0, 104.0, -104.0, 700.0, -700.0, 1e4, -1e4, 1e18, -1e30, -torch.inf)  # fmt: skip
#: What stands in a column that is called a logarithm: scales from 1e-30 to 1e30, and far beyond.
LOGARITHMS = (
    0.0,
    1e-3,
    -1e-20,
    1.0,
    -1.0,
    5.0,
    -5.0,
    30.0,
    -30.0,
    69.0,
    -69.0,
    104.0,
    -104.0,
    700.0,
    -700.0,
    1e4,
    -1e4,
)
#: Counts that float32 holds.
COUNTS = (0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 10.0, 170.0, 1e3, 65536.0, 1e6, 16777216.0, 1e9)
PROBABILITIES = (0.0, 1.0, 0.0, 1.0, 0.5, 1e-7, 0.99999988, 1e-30, 0.2)
LENGTHS = (1.0, 1e-20, _SUBNORMAL, 1e-3, 1e4, 1e15)


def values(
    each: Input, shape: tuple[int, ...], generator: torch.Generator, flavour: str, soft: bool,
    before: Sequence[Tensor | None], hyper: Mapping[str, Any], classes: int, dtype: torch.dtype,
) -> Tensor | None:  # fmt: skip
    """Values of one input. ``before`` are the inputs already drawn, which it may have to coincide with."""
    form = each.kind.form
    if form is Form.LABEL:
        return torch.randint(3, shape, generator=generator)
    if form is Form.CLASS:
        if not soft:
            return torch.randint(classes, shape, generator=generator)
        return _rows((*shape[:1], classes, *shape[1:]), generator, flavour).to(dtype)
    if form is Form.BINARY:
        if soft:
            spread = torch.rand(shape, generator=generator, dtype=torch.float64)
            return (_choose(PROBABILITIES, shape, generator) if flavour == "extreme" else spread).to(dtype)
        return torch.randint(2, shape, generator=generator).to(dtype)
    if form is Form.LABELS:
        return torch.randint(2, shape, generator=generator).to(dtype)
    if form is Form.DISTRIBUTION:
        return _rows(shape, generator, flavour).to(dtype)
    if form is Form.MASS:
        return _masses(shape, generator, flavour, before).to(dtype)
    found = torch.randn(shape, generator=generator, dtype=torch.float64) * 1.5
    if flavour == "extreme":
        found = _extreme(form, found, generator, before)
        if form is Form.COLUMNS:
            found = _columns(each.kind, found, generator)
    elif flavour == "kinks":
        found = _kinks(form, found, generator, before, hyper)
    if each.kind.domain is not None:
        found = _within(each.kind.domain, found, generator, flavour)
    return found.to(dtype)


def _columns(kind: Kind, found: Tensor, generator: torch.Generator) -> Tensor:
    """Each column's own extremes: a name says whether it is a logarithm, a logit or any number."""
    many = found.shape[-1] // max(len(kind.columns), 1)
    for place, name in enumerate(kind.columns):
        pool = LOGITS[:-1] if "logit" in name else LOGARITHMS if "log" in name else REALS
        here = slice(place * many, (place + 1) * many)
        found[..., here] = _choose(pool, tuple(found[..., here].shape), generator)
    return found


def _within(domain: Interval, found: Tensor, generator: torch.Generator, flavour: str) -> Tensor:
    """Numbers of a set, near those drawn."""
    if domain.whole:
        if flavour == "extreme":
            return _choose(COUNTS, tuple(found.shape), generator)
        return (2.0 * found).abs().floor() + domain.low
    if domain.low == -1.0 and not domain.closed_low:
        # 63/64 is a number of every dtype, and none of the numbers above it rounds to 1 in half precision.
        return found.clamp(min=-0.984375)
    if domain.low < 0 and domain.high < torch.inf:
        # Between two ends: ordinary numbers inside, others at the ends themselves.
        return torch.tanh(found) if flavour == "ordinary" else found.clamp(-1.0, 1.0)
    found = found.abs()
    if not domain.closed_low:
        found = torch.where(found.float() == 0, 1.0, found)
    return found


def _extreme(
    form: Form, found: Tensor, generator: torch.Generator, before: Sequence[Tensor | None]
) -> Tensor:
    shape = tuple(found.shape)
    if form in (Form.LOGIT, Form.SCORE):
        # A score of -inf is no extreme of a margin: it is no score.
        return _choose(LOGITS[:-1] if form is Form.SCORE else LOGITS, shape, generator)
    if form is Form.SCORES:
        rows = _choose(LOGITS[:-1], shape, generator)
        return rows + _choose((0.0, 0.0, 1e4, -1e4), (*shape[:1], 1, *shape[2:]), generator)
    if form is Form.LOGITS:
        rows = _choose(LOGITS[:-1], shape, generator)
        # Some rows are far from 0 as a whole, and some know that a class cannot be.
        shift = _choose((0.0, 0.0, 1e4, -1e4), (*shape[:1], 1, *shape[2:]), generator)
        rows = torch.where(shift != 0, found + shift, rows)
        return torch.where(torch.rand(shape, generator=generator) < 0.05, -torch.inf, rows)
    if form in (Form.REAL, Form.COLUMNS):
        drawn = _choose(REALS, shape, generator)
        if before and before[0] is not None and before[0].shape == found.shape:
            # A residual may be 0, or a few steps of the dtype.
            near = before[0].double() * (1 + 3e-7 * torch.randint(-2, 3, shape, generator=generator))
            return torch.where(torch.rand(shape, generator=generator) < 0.3, near, drawn)
        if before and before[0] is not None and before[0].ndim == found.ndim + 1:
            near = before[0][..., 0].double() * (1 + 3e-7 * torch.randint(-2, 3, shape, generator=generator))
            return torch.where(torch.rand(shape, generator=generator) < 0.3, near, drawn)
        return drawn
    scaled = found * _choose(LENGTHS, (*shape[:-1], 1), generator)
    if form is Form.FEATURES:
        which = torch.rand((*shape[:-1], 1), generator=generator)
        scaled = torch.where(which < 0.15, 0.0, scaled)
        if before and before[0] is not None and before[0].shape == found.shape:
            scaled = torch.where((which > 0.15) & (which < 0.35), before[0].double(), scaled)
            scaled = torch.where(
                (which > 0.35) & (which < 0.5), before[0].double() * (1 + 1e-6 * found), scaled
            )
    return scaled


def _kinks(
    form: Form,
    found: Tensor,
    generator: torch.Generator,
    before: Sequence[Tensor | None],
    hyper: Mapping[str, Any],
) -> Tensor:
    shape = tuple(found.shape)
    if form in (Form.LOGIT, Form.LOGITS, Form.SCORE, Form.SCORES):
        return _choose((-1.0, 0.0, 1.0), shape, generator)
    sizes = [
        float(each)
        for each in hyper.values()
        if isinstance(each, (int, float)) and not isinstance(each, bool)
    ]
    # Numbers with few bits, so that a prediction lies exactly on, or exactly a hyper-parameter away from, its target.
    coarse = torch.round(found * 2) / 2
    if not before or before[0] is None:
        return coarse
    if before[0].shape != found.shape:
        return _choose((-0.5, 0.0, 0.5), shape, generator)
    step = _choose((0.0, 0.0, *sizes, *(-each for each in sizes)), (*shape[:-1], 1), generator)
    if form is Form.REAL:
        step = _choose((0.0, 0.0, *sizes, *(-each for each in sizes)), shape, generator)
    return before[0].double() + step


def _choose(pool: Sequence[float], shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    drawn = torch.randint(len(pool), shape, generator=generator)
    return torch.tensor(pool, dtype=torch.float64)[drawn]


def _rows(shape: tuple[int, ...], generator: torch.Generator, flavour: str) -> Tensor:
    """Distributions on axis 1 (the only axis of a single one)."""
    axis = 1 if len(shape) > 1 else 0
    spread = 2.0 if flavour == "ordinary" else 12.0
    rows = torch.softmax(spread * torch.randn(shape, generator=generator, dtype=torch.float64), axis)
    if flavour == "extreme":
        single = torch.zeros_like(rows).scatter(axis, rows.argmax(axis, keepdim=True), 1.0)
        rows = torch.where(
            torch.rand((*shape[:1], *(1,) * (len(shape) - 1)), generator=generator) < 0.3, single, rows
        )
    return rows


def _masses(
    shape: tuple[int, ...], generator: torch.Generator, flavour: str, before: Sequence[Tensor | None]
) -> Tensor:
    mass = 0.1 + torch.rand(shape, generator=generator, dtype=torch.float64)
    if flavour == "extreme":
        mass = mass * _choose((1.0, 1.0, 0.0, 1e-12), shape, generator)
        mass[..., :1] += 1e-3
    return mass
