"""Softmax with a heavy tail: exp replaced by exp_t(x) = (1 + (1 - t)·x)^(1/(1 - t)), which falls like a power."""

import torch
from torch import Tensor

from lossary.declare import log_softmax

#: From 0 the normaliser rises to its place in at most eight steps, for 2 to 100,000 classes and t up to 5.
STEPS = 9


def tempered_log_softmax(scores: Tensor, t: float) -> Tensor:
    """Row of log exp_t(x_i - λ) on the last axis, with the λ at which they are a distribution; t >= 1.

    As with softmax the winner's logarithm is exact however small: its derivative is a sum over the losers.
    """
    s = t - 1.0
    if s == 0.0:
        return log_softmax(scores, -1)
    winner = scores.detach().argmax(-1, keepdim=True)
    wins = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, winner, True)
    top = scores.gather(-1, winner)
    gap = torch.where(wins, 0.0, scores - top.detach())
    rise = top - top.detach()  # 0, with derivative 1 by the winner
    with torch.no_grad():
        level = torch.zeros_like(rise)
        for _ in range(STEPS):
            level = _nearer(level, gap, rise, wins, s)
    # Two steps from where nothing moves any more change no number; they know the derivatives, first and second.
    # Once from the winner as it was, for the losers; once from where it is, for itself.
    fixed, moving = level, level
    for _ in range(2):
        fixed = _nearer(fixed, gap, rise, wins, s)
        moving = _nearer(moving, torch.where(wins, 0.0, gap - rise), torch.zeros_like(rise), wins, s)
    return torch.where(wins, _log_power(moving, s), _log_power(fixed - gap, s))


def _log_power(depth: Tensor, s: float) -> Tensor:
    """log exp_t(-depth)."""
    return -torch.log1p(s * depth) / s


def _nearer(level: Tensor, gap: Tensor, rise: Tensor, wins: Tensor, s: float) -> Tensor:
    """One step towards the level at which the powers add up to 1.

    Newton's for (Σ y)^(-s) = 1, which is concave in the level, and a straight line where all scores are equal.
    """
    losers, own = _log_power(level - gap, s), _log_power(level - rise, s)
    others = torch.where(wins, 0.0, torch.exp(losers)).sum(-1, keepdim=True)
    steep = torch.where(wins, 0.0, torch.exp((1.0 + s) * losers)).sum(-1, keepdim=True) + torch.exp(
        (1.0 + s) * own
    )
    # What the sum exceeds 1 by is small, and exact, where the winner takes nearly all.
    over = others + torch.expm1(own)
    return level + (1.0 + over) / steep * torch.expm1(s * torch.log1p(over)) / s
