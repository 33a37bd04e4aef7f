"""What -log p exceeds 1 - p by: the part of a surprise that is of second order."""

from math import factorial

import torch
from torch import Tensor

#: Coefficients of Σ (-x)^k / (k + 2)!: fourteen leave 1e-17 of the sum at x = 1/2.
_SERIES = [(-1.0) ** k / factorial(k + 2) for k in range(14)]


def excess(x: Tensor) -> Tensor:
    """x - (1 - exp(-x)), which is never negative, without the difference where that is small.

    With x = -log p it is -log p - (1 - p); with x = log(p / m) it is, times p, what a class adds to KL(p || m) once
    the m - p that sum to 0 are left to the classes they belong to.
    """
    near = x.abs() < 0.5
    small = torch.where(near, x, 0.0)
    series = torch.zeros_like(small)
    for coefficient in reversed(_SERIES):
        series = series * small + coefficient
    return torch.where(near, small.square() * series, x + torch.expm1(-x))
