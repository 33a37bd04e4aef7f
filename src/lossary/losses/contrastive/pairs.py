"""What contrastive losses are made of: similarities over a temperature, and how a pair stands against the others."""

from typing import Any

import torch
from torch import Tensor

from lossary.declare import Choice, NumberOrTensor, Positive, softplus

from ..metric.distance import direction, unit
from ..metric.partners import log_sum

Similarity = Choice(("cosine", "dot"))
Temperature = NumberOrTensor(Positive, single=True)
MEANING = "what similarities are divided by; a tensor of one number may learn"
Warmth = float | Tensor


def similarities(a: Tensor, b: Tensor, temperature: Warmth, similarity: str = "cosine") -> Tensor:
    """Every row of ``a`` with every row of ``b``, over the temperature. (N, D), (M, D) to (N, M)"""
    if similarity == "cosine":
        a, b = direction(a), direction(b)
    return a @ b.transpose(0, 1) / temperature


def apart(count: int, keep: Tensor | None, device: torch.device) -> Tensor:
    """Which samples each is compared with: those that take part, but not itself. (N, N)"""
    others = ~torch.eye(count, dtype=torch.bool, device=device)
    return others if keep is None else others & keep


def against(logits: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithm of the sum of exponentials over each row's others, and which rows have some.

    Where a row has none the number is finite and means nothing.
    """
    return log_sum(logits, others), others.any(1)


def surprise(rest: Tensor, own: Tensor, some: Tensor) -> Tensor:
    """-log of the share that exp(own) has of itself and exp(rest): log(1 + exp(rest - own)) keeps a small one."""
    return torch.where(some, softplus(rest - own), 0.0)


def scaled(vectors: Any, m: Any, similarity: str = "cosine") -> Any:
    """Vectors of plain numbers as the similarity takes them: of length 1, but for those of length 0."""
    return vectors if similarity == "dot" else [unit(each, m) for each in vectors]


def unsure(anchor: Any, own: Any, others: Any, m: Any, temperature: Any) -> Any:
    """What the rounding of similarities leaves of an anchor's surprise: Σ |derivative by each| times its terms' size.

    All vectors are scaled already.
    """
    sizes = [m.dot(map(abs, anchor), map(abs, each)) / temperature for each in (own, *others)]
    shares = m.softmax([m.dot(anchor, each) / temperature for each in (own, *others)])
    return m.sum([share * (size + sizes[0]) for share, size in zip(shares[1:], sizes[1:], strict=True)])
