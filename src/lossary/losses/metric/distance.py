"""Distances between vectors on the last axis, exact at zero and free of overflow."""

import torch
from torch import Tensor

from lossary.declare import Choice

Distance = Choice(("euclidean", "squared", "cosine"))


def between(a: Tensor, b: Tensor, distance: str) -> Tensor:
    """Distance of the vectors on the last axes of ``a`` and ``b``, which otherwise broadcast."""
    if distance == "cosine":
        # 1 - cos = |u - v|²/2 for unit vectors: nothing cancels for vectors that nearly agree.
        return 0.5 * (direction(a) - direction(b)).square().sum(-1)
    gap = a - b
    return gap.square().sum(-1) if distance == "squared" else length(gap)


def length(x: Tensor) -> Tensor:
    """Euclidean norm; at the zero vector it is 0 with derivative 0."""
    # Scaled by its largest entry: |x| = s·|x/s| and its derivative x/|x| hold for any s.
    scale = size(x)
    square = (x / scale).square().sum(-1)
    zero = square == 0
    return torch.where(zero, 0.0, scale.squeeze(-1) * torch.where(zero, 1.0, square).sqrt())


def direction(x: Tensor) -> Tensor:
    """x / |x|; the zero vector has none and stays zero."""
    scale = size(x)
    # Scaled first: the norm of a vector of subnormal numbers has few bits, that of its multiple has all of them.
    x = x / scale
    norm = length(x).unsqueeze(-1)
    return x / torch.where(norm == 0, 1.0, norm)


def size(x: Tensor) -> Tensor:
    """The largest entry of each vector, cut from the graph; 1 where it is 0 or infinite. (..., D) to (..., 1)"""
    largest = x.detach().abs().amax(-1, keepdim=True) if x.shape[-1] else x.new_ones((*x.shape[:-1], 1))
    # No smaller than tiny^(3/4): a derivative is multiplied and divided by it, and a subnormal number has few bits.
    floor = torch.finfo(x.dtype).tiny ** 0.75
    return torch.where((largest == 0) | largest.isinf(), 1.0, largest.clamp(min=floor))
