"""Whether two ways to the same number agree, up to the order their sums were taken in."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def same(one: Tensor, other: Tensor, roundings: int = 64) -> bool:
    """Equal in shape, and in every entry up to ``roundings`` eps of the greatest entry; infinities must match.

    The greatest entry and not each one's own: sums taken in another order cancel in another place.
    """
    if one.shape != other.shape:
        return False
    if one.numel() == 0:
        return True
    one, other = one.detach(), other.detach()
    eps = max(torch.finfo(one.dtype).eps, torch.finfo(other.dtype).eps)
    one, other = one.double(), other.double()
    odd = ~(one.isfinite() & other.isfinite())
    if bool(odd.any()):
        return bool(torch.equal(one[odd], other[odd])) and same(one[~odd], other[~odd], roundings)
    return bool((one - other).abs().max() <= roundings * eps * other.abs().max() + 1e-40)


def all_same(ones: Sequence[Tensor], others: Sequence[Tensor], roundings: int = 64) -> bool:
    """Whether two sequences of tensors agree one by one."""
    return len(ones) == len(others) and all(same(a, b, roundings) for a, b in zip(ones, others, strict=True))
