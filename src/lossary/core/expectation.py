"""The expectation of a cost over a target: the one meaning of a soft target for losses that declare a mixture.

An index is the row with a single 1, so one formula serves both; a class of probability exactly 0 contributes exactly
0, even where its cost is infinite.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .canonical import Bernoulli


def share(part: Tensor, cost: Tensor) -> Tensor:
    """part · cost, and 0 where part is 0 whatever the cost."""
    return part * torch.where((part == 0) & cost.isinf(), 0.0, cost)


def over_classes(cost: Callable[[Tensor], Tensor], log_p: Tensor, target: Tensor) -> Tensor:
    """E[cost(log p_Y)] with Y drawn from ``target``.

    Shapes: log_p (..., C); target (...) of indices or (..., C) of probabilities; result (...).
    """
    if target.is_floating_point():
        return share(target, cost(log_p)).sum(-1)
    return cost(log_p.gather(-1, target.unsqueeze(-1)).squeeze(-1))


def over_two(cost: Callable[[Tensor, Tensor], Tensor], p: Bernoulli, target: Tensor) -> Tensor:
    """E[cost(log P(Y), log(1 - P(Y)))] with Y in {0, 1} drawn from ``target``; all shapes alike."""
    return share(target, cost(p.log_p, p.log_not_p)) + share(1.0 - target, cost(p.log_not_p, p.log_p))
