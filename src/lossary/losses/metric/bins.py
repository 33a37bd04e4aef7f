"""Soft histograms: each number counts for the two nodes beside it, so that counts have derivatives."""

import torch
from torch import Tensor


def beside(positions: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """The node below each position, and how far beyond it, as a share of a bin, the position lies.

    Shapes: all alike. Nodes are 0 to ``bins``, one apart; of what is beyond them by rounding, the share is beyond too.
    """
    below = torch.nan_to_num(positions.detach()).floor().clamp(0, bins - 1)
    return below.to(torch.int64), positions - below


def counted(below: Tensor, share: Tensor, there: Tensor, bins: int) -> Tensor:
    """How many of the positions ``there`` are of each node, along the last axis. (..., N) to (..., bins + 1)"""
    found = share.new_zeros((*share.shape[:-1], bins + 1))
    found = found.scatter_add(-1, below, torch.where(there, 1.0 - share, 0.0))
    return found.scatter_add(-1, below + 1, torch.where(there, share, 0.0))


def pulses(position, bins, m):
    """How much a position counts for each node: plain numbers."""
    return [m.max(1 - m.abs(position - node), 0) for node in range(int(bins) + 1)]
