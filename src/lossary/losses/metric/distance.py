"""Distances between vectors: of tensors, exact at zero and free of overflow, and of plain numbers, for definitions."""

import torch
from torch import Tensor

from lossary.declare import Choice

Distance = Choice(("euclidean", "squared", "cosine"))
WAY = "how far apart two embeddings are"


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
    """The power of two below the largest entry of each vector, cut from the graph; 1 where that is 0 or infinite.

    Divided by it no number is rounded, so vectors that are equally long stay so. (..., D) to (..., 1)
    """
    largest = x.detach().abs().amax(-1, keepdim=True) if x.shape[-1] else x.new_ones((*x.shape[:-1], 1))
    # No smaller than tiny^(3/4): a derivative is multiplied and divided by it, and a subnormal number has few bits.
    floor = torch.finfo(x.dtype).tiny ** 0.75
    largest = torch.where((largest == 0) | largest.isinf(), 1.0, largest.clamp(min=floor))
    return largest / (2.0 * torch.frexp(largest).mantissa)


def unit(x, m):
    """``direction`` over plain numbers: a vector at length 1; the zero vector has no direction and stays as it is."""
    norm = m.sqrt(m.dot(x, x))
    return [v / norm for v in x] if norm != 0 else x


def apart(u, v, m):
    """The squared distance of two plain vectors of length 1, from each of which the zero vector is at distance 1."""
    if any(x != 0 for x in u) != any(x != 0 for x in v):
        # Exactly 1, or digits would choose among many that are as far; but not its derivative.
        return 1 - 2 * m.dot(u, v)
    return m.sum([(x - y) ** 2 for x, y in zip(u, v, strict=True)])


def distance_of(a, b, m, distance):
    """``between`` over plain numbers."""
    if distance == "cosine":
        return apart(unit(a, m), unit(b, m), m) / 2
    square = m.sum([(v - w) ** 2 for v, w in zip(a, b, strict=True)])
    return square if distance == "squared" else m.sqrt(square)
