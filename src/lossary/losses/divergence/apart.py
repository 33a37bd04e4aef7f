"""How far one probability lies from another, from their logarithms: exact near 0, near 1 and near each other."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def rise(low: Tensor) -> Tensor:
    """exp(low) - 1 for low <= 0, exact in value and derivative.

    torch derives expm1 from its value, in which exp(low) has been rounded to 1 where it is small.
    """
    near = low > -0.7
    small, large = torch.where(near, low, 0.0), torch.where(near, -1.0, low)
    return torch.where(near, torch.expm1(small), torch.exp(large) - 1.0)


def missing(log_p: Tensor) -> Tensor:
    """1 - p from log p, exact in value and derivative."""
    return -rise(log_p)


def paired(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Both logarithms as 0 where both are -inf: two zeros are no further apart than two ones."""
    there = (one != -torch.inf) | (other != -torch.inf)
    return torch.where(there, one, 0.0), torch.where(there, other, 0.0)


def difference(one: Tensor, other: Tensor, shift: Tensor | float = 0.0) -> Tensor:
    """(exp(one) - exp(other))·exp(shift) for logarithms of which at most one is -inf."""
    up = one > other
    low = torch.where(up, other - one, one - other)
    size = torch.exp(torch.where(up, one, other) + shift) * rise(low)
    return torch.where(up, -size, size)


def undecided(x: Any, y: Any, m: Any, pulls: Callable[[Any, Any], tuple[Any, Any]]) -> Any:
    """What eight roundings of log p and of log q leave undecided, in thirty-seconds (CONTRACT 10 counts in them).

    Two nearly equal distributions differ by less than their logarithms are rounded to, whatever the formula.

    Args:
        pulls: from p and q to the derivatives of a class's term by log p and log q.
    """
    total = m.log(m.sum([m.exp(v) for v in x]))
    found = []
    for v, q in zip(x, y, strict=True):
        p = m.exp(v - total)
        by_p, by_q = pulls(p, q)
        found += [m.abs(by_p * (v - total))] if p != 0 else []
        found += [m.abs(by_q * m.log(q))] if q != 0 else []
    return m.sum(found) / 4
