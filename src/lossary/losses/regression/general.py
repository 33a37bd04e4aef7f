"""The function behind the robust losses: Barron's, exact at every shape, at its limits and close to them."""

import math

import torch
from torch import Tensor

from lossary.declare import like

#: What a robust loss's scale is.
SCALE = "size of an error, in units of the target, from which it counts less than its square"

_STEEPEST = -(2.0**72)  # from here on the loss is Welsch's to the last bit of float64
_STEEP = -2.5  # above this shape w is above 1 wherever |y| is
_FLAT = 2.0**-16  # |shape| below which the series of ``_grown`` is enough
_FAR = 2.0**10  # size of an error, in units of the knee, from which log1p of its square could overflow


def general(gap: Tensor, alpha: float | Tensor, scale: float | Tensor) -> Tensor:
    """(b/α)·((1 + z²/b)^(α/2) - 1) with z = gap/scale and b = 2 - α, at every shape α; numbers or tensors."""
    scale = like(scale, gap) if isinstance(scale, Tensor) else scale
    if isinstance(alpha, Tensor):
        shape = like(alpha, gap)
        steep = shape < _STEEPEST
        powers = _powers(gap, torch.where(steep, -2.0, shape), scale)
        return torch.where(steep, _welsch(torch.where(steep, gap, 0.0), scale), powers)
    if alpha == 2.0:
        return 0.5 * (gap / scale).square()
    return _welsch(gap, scale) if alpha < _STEEPEST else _powers(gap, alpha, scale)


def _welsch(gap: Tensor, scale: float | Tensor) -> Tensor:
    # Beyond 64 scales the bell is 0 in every dtype, and the square could overflow.
    inside = torch.where(gap.abs() > 64.0 * scale, 64.0 * scale, gap)
    half = 0.5 * (inside / scale).square()
    near = half < 0.5
    # The derivative of expm1 is taken from its value, where far out no digits of it are left.
    return torch.where(near, -torch.expm1(-torch.where(near, half, 0.0)), 1.0 - torch.exp(-half))


def _powers(gap: Tensor, alpha: float | Tensor, scale: float | Tensor) -> Tensor:
    """The formula where it has a power: with w = z²/b, u = log(1 + w) and y = u·α/2 it is (b/α)·(exp(y) - 1).

    Where y is small it is (b·u/2)·(exp(y) - 1)/y, which holds at α = 0 too.
    """
    b = 2.0 - alpha
    if isinstance(b, Tensor):
        # At α = 2 the derivative by α is infinite. The one a rounding below stands for it; the value stays.
        b = torch.where(b == 0.0, b + torch.finfo(gap.dtype).eps, b)
    root = like(b**0.5 * scale, gap)  # the error at which w = 1
    size = torch.hypot(gap, root)
    # 1 + w is the fourth power of a quotient of roots, which overflows nowhere.
    far = gap.abs() > _FAR * root
    w = (torch.where(far, 0.0, gap) / root).square()
    rise = b * torch.where(far, 4.0 * torch.log(size.sqrt() / root.sqrt()), torch.log1p(w))  # b·u
    if isinstance(b, Tensor) or b > 16.0:
        # At a steep shape w could underflow where z² does not.
        tiny = gap.abs() < 2.0**-27 * root
        rise = torch.where(tiny, (torch.where(tiny, gap, 0.0) / scale).square(), rise)
    y = alpha / (2.0 * b) * rise
    close = y.abs() < 1.0
    held = torch.where(close, y, 0.0)
    if isinstance(alpha, Tensor):
        still = held.abs() < 0.03125
        moved = torch.where(still, 0.03125, held)
        low = 0.5 * rise * torch.where(still, _grown(held), torch.expm1(moved) / moved)
    elif abs(alpha) < _FLAT:
        return 0.5 * rise * _grown(y) if alpha else 0.5 * rise
    else:
        low = b / alpha * torch.expm1(held)
    return torch.where(close, low, _high(gap, size, y, alpha, b, scale))


def _grown(y: Tensor) -> Tensor:
    """(exp(y) - 1)/y for |y| up to 1/32, by its series, so that its derivative is exact too."""
    total = torch.ones_like(y)
    for k in range(9, 1, -1):
        total = 1.0 + y / k * total
    return total


def _high(
    gap: Tensor, size: Tensor, y: Tensor, alpha: float | Tensor, b: float | Tensor, scale: float | Tensor
) -> Tensor:
    """The formula far out, where a power is more exact than the exponential of a rounded y.

    With size = √(b·scale² + gap²) the power b·(1 + w)^(α/2) is b^(b/2)·(size/scale)^α.
    """
    factor, unit = b, b**0.25
    # Above α = 1 the factor keeps what it multiplies from overflowing; below, b^(b/2) itself would.
    if isinstance(b, Tensor):
        least = b.clamp(max=1.0)
        factor, unit = torch.where(b < 1.0, least ** (0.5 * least), b), b.clamp(min=1.0) ** 0.25
    elif b < 1.0:
        factor, unit = b ** (0.5 * b), 1.0
    quotient = size.sqrt() / (scale**0.5 * unit)
    if not isinstance(alpha, Tensor) and alpha > _STEEP:
        return (factor * quotient ** (2.0 * alpha) - b) / alpha
    if isinstance(alpha, Tensor):
        # At so small a shape no error lies far out.
        alpha = torch.where(alpha.abs() < 2.0**-10, 1.0, alpha)
    # At a steep shape w is small where y is not yet, and a high power of about 1 would have no digits.
    beyond = gap.abs() > b**0.5 * scale
    power = torch.where(beyond, quotient, 1.0) ** (2.0 * alpha)
    return (factor * torch.where(beyond, power, torch.exp(torch.where(beyond, 0.0, y))) - b) / alpha


def steepest(alpha: float, scale: float) -> float | None:
    """The largest slope, at z² = b/(1 - α); None where there is none."""
    if alpha > 1:
        return None
    if alpha < _STEEPEST:
        return math.exp(-0.5) / scale
    return ((2 - alpha) / (1 - alpha)) ** ((alpha - 1) / 2) / scale if alpha < 1 else 1.0 / scale


def ceiling(alpha: float) -> float | None:
    """The least upper bound; None where there is none."""
    if alpha >= 0:
        return None
    return (alpha - 2) / alpha if alpha >= _STEEPEST else 1.0


def pulled(gap: Tensor, alpha: float | Tensor, scale: float | Tensor) -> Tensor:
    """The derivative: z/scale·(1 + z²/b)^(α/2 - 1), and its limits."""
    z = gap / scale
    if alpha == 2.0:
        return z / scale
    if alpha == -math.inf:
        return z / scale * torch.exp(-0.5 * z.square())
    return z / scale * (1.0 + z.square() / (2.0 - alpha)) ** (0.5 * alpha - 1.0)
