"""Exponentials and logarithms less their first terms, exact where the terms nearly agree, and so are the derivatives.

``torch.expm1`` and ``torch.log1p`` have no cancellation in their values, but what is left of them after one more term
has, and so have their derivatives, which torch takes as expm1(x) + 1. A power series has neither.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

#: log1p(y)/y = 2/(2 + y)·(1 + v²/3 + v⁴/5 + ...) with v = y/(2 + y); at v = 1/3 the next term is below 1e-17.
_ATANH = tuple(1.0 / (2 * n + 3) for n in range(17))
#: 1/n! from n = 2 on; at 1 the next term is below 1e-17.
_TERMS = range(2, 20)


def horner(x: Tensor, coefficients: Sequence[float]) -> Tensor:
    """c0 + c1·x + c2·x² + ..."""
    total = torch.full_like(x, coefficients[-1])
    for each in reversed(coefficients[:-1]):
        total = total * x + each
    return total


def bend(d: Tensor, rate: float = 0.0) -> Tensor:
    """The integral from 0 to d of exp(rate·s)·(exp(s) - 1), over d²; for |d|·max(1, |rate|, |rate + 1|) up to 1.

    At rate 0 it is (exp(d) - 1 - d)/d².
    """
    terms = [((rate + 1.0) ** (n - 1) - rate ** (n - 1)) / math.factorial(n) for n in _TERMS]
    return horner(d, terms)


def lag(y: Tensor) -> Tensor:
    """1 - log(1 + y)/y, from about y/2 at 0; for y from -1/2 to 1."""
    v = y / (2.0 + y)
    v = v * v
    return (y - 2.0 * v * horner(v, _ATANH)) / (2.0 + y)


def raised(x: Tensor, power: float) -> Tensor:
    """exp(power·x) without the rounding of the product, which exp would magnify by the product's size."""
    if power == 0.0:
        return torch.ones_like(x)
    # Beyond these ends every dtype has 0 or inf.
    x = x.clamp(-1500.0 / abs(power), 1500.0 / abs(power))
    # Twelve bits of the power times a whole number are exact; what is left of either is small.
    fraction, exponent = math.frexp(power)
    coarse = math.ldexp(round(fraction * 4096.0), exponent - 12)
    whole = x.detach().round()
    return torch.exp(coarse * whole) * torch.exp((power - coarse) * whole + power * (x - whole))


def grown(d: Tensor, rate: float) -> Tensor:
    """(exp(rate·d) - 1)/rate, which is d at rate 0."""
    if abs(rate) < 1e-30:
        return d
    product = rate * d
    # Far below 0 the derivative of expm1, taken as its value plus 1, would have drowned.
    low = product < -1.0
    near = torch.expm1(torch.where(low, 0.0, product))
    return torch.where(low, torch.exp(torch.where(low, product, 0.0)) - 1.0, near) / rate
