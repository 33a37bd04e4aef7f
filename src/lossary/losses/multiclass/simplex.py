"""From scores to probabilities that can be exactly 0: sparsemax, and entmax of order 3/2.

Order alpha gives p = ((alpha - 1)·score - threshold)^(1 / (alpha - 1)) to what lies above the one threshold at which p
adds up to 1, found exactly from the sorted scores; softmax is the limit at order 1.
"""

import torch
from torch import Tensor


def _spread(squares: Tensor, count: Tensor, alpha: float) -> Tensor:
    """How far the mean of ``count`` (alpha - 1)·scores lies above their threshold; ``squares`` from the mean add up."""
    return 1.0 / count if alpha == 2.0 else ((1.0 - squares).clamp(min=0.0) / count).sqrt()


def _support(row: Tensor, alpha: float) -> Tensor:
    """Which entries get a probability above 0: of the sorted ones, the most whose last lies above the threshold of
    them all. The greatest entry is 0, so that what lies below -1 has no part, and is kept clear of that end."""
    near = row.detach().clamp(min=-2.0)
    ordered = near.sort(-1, descending=True).values
    count = torch.arange(1, row.shape[-1] + 1, dtype=row.dtype, device=row.device)
    mean = ordered.cumsum(-1) / count
    above = ordered - mean + _spread(ordered.square().cumsum(-1) - count * mean.square(), count, alpha) > 0.0
    last = above.sum(-1, keepdim=True).clamp(min=1) - 1
    return near >= ordered.gather(-1, last)


def heights_above(scores: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """(alpha - 1)·scores above the threshold at which p = height^(1 / (alpha - 1)) adds up to 1, and who is above."""
    row = (alpha - 1.0) * (scores - scores.detach().amax(-1, keepdim=True))
    above = _support(row, alpha)
    count = above.sum(-1, keepdim=True).to(row.dtype)
    mean = torch.where(above, row, 0.0).sum(-1, keepdim=True) / count
    apart = row - mean
    squares = torch.where(above, apart, 0.0).square().sum(-1, keepdim=True)
    return apart + _spread(squares, count, alpha), above


def sparsemax_probabilities(scores: Tensor, dim: int = -1) -> Tensor:
    """The point of the simplex nearest to ``scores`` along ``dim``: what a model trained with sparsemax predicts."""
    heights, above = heights_above(scores.movedim(dim, -1), 2.0)
    return torch.where(above, heights, 0.0).relu().movedim(-1, dim)


def entmax15_probabilities(scores: Tensor, dim: int = -1) -> Tensor:
    """Probabilities half way between softmax and sparsemax: what a model trained with entmax15 predicts."""
    heights, above = heights_above(scores.movedim(dim, -1), 1.5)
    return torch.where(above, heights, 0.0).relu().square().movedim(-1, dim)
