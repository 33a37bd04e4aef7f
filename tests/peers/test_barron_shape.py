"""Barron's loss at every shape, and its derivatives by shape and scale, against mpmath with 60 digits."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import pytest
import torch
from torch import Tensor, nn

import lossary
from lossary import nn as modules

SHAPES = [
    2.0, 2.0 - 2.0**-20, 1.75, 1.5, 1.0, 0.75, 0.5, 0.125, 2.0**-8, 2.0**-15, 2.0**-16, 2.0**-17, 2.0**-60, 0.0,
    -(2.0**-60), -(2.0**-17), -(2.0**-8), -0.5, -1.0, -2.0, -4.0, -30.0, -100.0, -(2.0**40), -(2.0**70), -(2.0**80),
    -math.inf,
]  # fmt: skip
SIZES = [
    0.0,
    1e-40,
    1e-20,
    1e-4,
    1e-2,
    0.1,
    0.5,
    1.0,
    1.4,
    2.0,
    5.0,
    13.0,
    100.0,
    1e3,
    1.1e3,
    1e6,
    1e18,
    1.1e38,
]
DTYPES = [torch.float32, torch.float64]


def value(gap: Any, alpha: Any, scale: Any) -> Any:
    """The paper's formula and its limits."""
    gap, alpha, scale = map(mpmath.mpf, (gap, alpha, scale))
    square, b = (gap / scale) ** 2, 2 - alpha
    if alpha == 2:
        return square / 2
    if alpha == 0:
        return mpmath.log1p(square / 2)
    if alpha == -mpmath.inf:
        return -mpmath.expm1(-square / 2)
    return b / alpha * mpmath.expm1(alpha / 2 * mpmath.log1p(square / b))


def by_scale(gap: Any, alpha: Any, scale: Any) -> tuple[Any, float]:
    """d value / d scale, -gap/scale times the pull; and by how many roundings one rounding of gap/scale moves it."""
    gap, alpha, scale = map(mpmath.mpf, (gap, alpha, scale))
    square = (gap / scale) ** 2
    if alpha == -mpmath.inf:
        power = -square / 2
    else:
        power = mpmath.mpf(0) if alpha == 2 else (alpha / 2 - 1) * mpmath.log1p(square / (2 - alpha))
    return -square / scale * mpmath.exp(power), 2.0 * abs(float(power))


def by_shape(gap: Any, alpha: Any, scale: Any) -> tuple[Any, Any]:
    """d value / d alpha, and the size of the terms that cancel in it: of order z² where it is of order z⁶."""
    if alpha == -math.inf:
        return mpmath.mpf(0), mpmath.mpf(0)
    gap, alpha, scale = map(mpmath.mpf, (gap, alpha, scale))
    w = (gap / scale) ** 2 / (2 - alpha)
    u, tail = mpmath.log1p(w), w / (1 + w) / 2
    if alpha == 0:
        return u**2 / 4 - u / 2 + tail, u**2 / 4 + u / 2 + tail
    y = alpha * u / 2
    grown = mpmath.expm1(y) / y if y else mpmath.mpf(1)
    bend = (mpmath.exp(y) - grown) / y if y else mpmath.mpf(1) / 2
    parts = (-u * grown / 2, tail * grown, (2 - alpha) * u / 2 * bend * u / 2, alpha * u / 2 * bend * tail)
    return sum(parts), sum(map(abs, parts))


def near(got: float, wanted: Any, roundings: float, dtype: torch.dtype, scale: Any = 0) -> bool:
    limits = torch.finfo(dtype)
    if abs(wanted) > limits.max:
        return True
    slack = roundings * mpmath.mpf(limits.eps) * max(abs(wanted), scale) + limits.tiny
    return bool(abs(mpmath.mpf(got) - wanted) <= slack)


def rows(alpha: float, scale: float, dtype: torch.dtype, learned: bool) -> tuple[Tensor, list[Tensor]]:
    """Values at all sizes, and the leaves: one shape and one scale per output, where they learn."""
    x = torch.tensor(SIZES, dtype=dtype)
    if not learned:
        return lossary.get("barron")(x, torch.zeros_like(x), alpha=alpha, scale=scale, reduction="none"), []
    leaves = [torch.full_like(x, each).requires_grad_() for each in (alpha, scale)]
    with lossary.checks("off"):
        found = lossary.get("barron").math(x, torch.zeros_like(x), alpha=leaves[0], scale=leaves[1])
    return found, leaves


@pytest.mark.parametrize("learned", [False, True], ids=["number", "tensor"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("alpha", SHAPES)
def test_the_value_is_exact_at_every_shape(alpha: float, dtype: torch.dtype, learned: bool) -> None:
    with mpmath.workdps(60):
        for scale in (0.25, 1.0, 3.0):
            found, _ = rows(alpha, scale, dtype, learned)
            for size, got in zip(SIZES, found.tolist(), strict=True):
                size = torch.tensor(size, dtype=dtype).item()
                assert near(got, value(size, alpha, scale), 32, dtype), (size, scale)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("alpha", [each for each in SHAPES if each < 2])
def test_the_derivatives_by_shape_and_scale_are_right(alpha: float, dtype: torch.dtype) -> None:
    with mpmath.workdps(60):
        for scale in (0.25, 1.0, 3.0):
            found, leaves = rows(alpha, scale, dtype, learned=True)
            # Where the value itself overflows nothing is asked of its derivatives.
            kept = found.isfinite()
            shape, width = torch.autograd.grad(found[kept].sum(), leaves)
            for place in kept.nonzero().flatten().tolist():
                size = torch.tensor(SIZES[place], dtype=dtype).item()
                wanted, terms = by_shape(size, alpha, scale)
                assert near(shape[place].item(), wanted, 256, dtype, terms), ("shape", size, scale)
                pull, moved = by_scale(size, alpha, scale)
                # Beyond 1e9 scales steep shapes pull less than the root of the smallest number: it may be 0.
                faint = size > 1e9 * scale and abs(pull) < mpmath.sqrt(torch.finfo(dtype).tiny)
                assert faint or near(width[place].item(), pull, 256 + moved, dtype), ("scale", size, scale)


def test_at_shape_2_the_derivative_by_the_shape_is_the_one_a_rounding_below() -> None:
    x = torch.tensor([0.5, 3.0], dtype=torch.float64)
    slopes = []
    for shape in (2.0, 2.0 - torch.finfo(torch.float64).eps):
        leaf = torch.tensor(shape, dtype=torch.float64, requires_grad=True)
        value = lossary.get("barron")(x, torch.zeros_like(x), alpha=leaf, reduction="sum")
        slopes.append(torch.autograd.grad(value, leaf)[0].item())
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-9)


def test_a_module_learns_its_shape_and_scale() -> None:
    made: Any = modules.Barron(alpha=nn.Parameter(torch.tensor(1.0)), scale=nn.Parameter(torch.ones(3)))  # type: ignore[attr-defined]
    made(torch.randn(5, 3), torch.randn(5, 3)).backward()
    assert {name for name, _ in made.named_parameters()} == {"alpha", "scale"}
    assert made.alpha.grad.isfinite()
    assert made.scale.grad.shape == (3,)


def test_neighbouring_shapes_meet_at_the_limits() -> None:
    x = torch.linspace(-30.0, 30.0, 101, dtype=torch.float64)
    barron = lossary.get("barron")
    for shape, nearby in (
        (0.0, 2.0**-50),
        (0.0, -(2.0**-50)),
        (2.0, 2.0 - 2.0**-50),
        (-math.inf, -(2.0**71)),
    ):
        here, there = (
            barron(x, torch.zeros_like(x), alpha=each, reduction="none") for each in (shape, nearby)
        )
        torch.testing.assert_close(here, there, rtol=1e-13, atol=0.0)
