"""From what the user has to what the math receives.

Half precision becomes float32 here, probabilities become logarithms here, the class axis becomes the last one here:
once, exactly, for every loss. Nothing is ever clamped; where the true value is infinite, it stays infinite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Bernoulli(NamedTuple):
    """A binary distribution by its two log-probabilities, both exact however close to 0 or 1 it lies."""

    log_p: Tensor
    log_not_p: Tensor


def like(numbers: Tensor | Sequence[float] | Sequence[Sequence[float]], tensor: Tensor) -> Tensor:
    """A hyper-parameter with a number per class as a tensor, of the dtype and on the device of another."""
    return torch.as_tensor(numbers, dtype=tensor.dtype, device=tensor.device)


def of_class(table: Tensor, target: Tensor) -> Tensor:
    """What a table, (C, ...), says of each class in ``target``: ``table[target]``, but ``vmap`` takes it.

    Indexing by a 0-d tensor reads its value, which nobody can while torch maps over single samples.
    """
    return table.index_select(0, target.reshape(-1)).reshape(target.shape + table.shape[1:])


def wide(tensor: Tensor) -> Tensor:
    """``tensor`` in float32 if it is narrower than that, unchanged otherwise."""
    return tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)), exact in both tails; torch's own is x itself from 20 on, which float64 can tell apart."""
    return -F.logsigmoid(-x)


def log1mexp(log_p: Tensor) -> Tensor:
    """log(1 - exp(log_p)) for log_p <= 0, exact near both ends (Mächler 2012, eq. 7)."""
    near_one, certain = log_p > -0.6931471805599453, log_p == 0
    # Each branch sees only arguments at which it and its derivatives are finite; at log_p = 0 the answer is -inf.
    small = torch.where(near_one & ~certain, log_p, -0.5)
    large = torch.where(near_one, -1.0, log_p)
    found = torch.where(near_one, torch.log(-torch.expm1(small)), torch.log1p(-torch.exp(large)))
    return torch.where(certain, -torch.inf, found)


def log(p: Tensor) -> Tensor:
    """log p with log 0 = -inf, where the derivative is set to 0: a class that cannot occur must not turn the
    gradient of the others into 0/0."""
    return torch.where(p == 0, -torch.inf, torch.log(torch.where(p == 0, 1.0, p)))


def log1m(p: Tensor) -> Tensor:
    """log(1 - p), with the same rule at p = 1."""
    return torch.where(p == 1, -torch.inf, torch.log1p(-torch.where(p == 1, 0.0, p)))


def bernoulli(tensor: Tensor, inputs: str) -> Bernoulli:
    """Log-probabilities of 1 and of 0 from logits, probabilities or log-probabilities of 1."""
    tensor = wide(tensor)
    if inputs == "logits":
        return Bernoulli(F.logsigmoid(tensor), F.logsigmoid(-tensor))
    if inputs == "probabilities":
        return Bernoulli(log(tensor), log1m(tensor))
    return Bernoulli(tensor, log1mexp(tensor))


def log_softmax(logits: Tensor, dim: int) -> Tensor:
    """Row of log p along ``dim``, relatively exact for the winner too, in value and derivative.

    With k the winner and r = Σ_{i≠k} exp(x_i - x_k), log p_k = -log1p(r) keeps the r = 1.4e-11 of [25, 0] that
    ``1 + r`` would lose, and its derivative by x_k is a sum over the losers. For the losers, log p_i =
    (x_i - x_k) - log(1 + r) has x_k cut from the difference and put back into the sum: its derivative by x_k is then
    -p_k itself, and not what the losers leave of a 1, which for 70,000 equal classes is wrong by 5 %.
    """
    if logits.shape[dim] == 0:
        return logits
    winner = logits.detach().argmax(dim, keepdim=True)
    top = logits.gather(dim, winner)
    gap = logits - top.detach()
    rise = top - top.detach()  # 0, with derivative 1 by the winner
    others = torch.exp(gap).scatter(dim, winner, 0.0).sum(dim, keepdim=True)
    losers = gap - torch.log1p(others + torch.expm1(rise))
    # By where and not by scatter, which Inductor 2.13 differentiates wrongly here.
    wins = torch.zeros_like(gap, dtype=torch.bool).scatter(dim, winner, True)
    return torch.where(wins, -torch.log1p(others * torch.exp(-rise)), losers)


def log_row(tensor: Tensor, inputs: str, dim: int) -> Tensor:
    """Row of log p along the last axis, from logits, probabilities or log-probabilities along ``dim``."""
    tensor = wide(tensor)
    if inputs == "logits":
        tensor = log_softmax(tensor, dim)
    elif inputs == "probabilities":
        tensor = log(tensor)
    return tensor if dim in (-1, tensor.ndim - 1) else tensor.movedim(dim, -1)


def smooth_binary(target: Tensor, smoothing: float) -> Tensor:
    """A binary target mixed with a coin toss: (1 - ε)·t + ε/2."""
    return target if smoothing == 0.0 else target * (1.0 - smoothing) + 0.5 * smoothing


def soften(target: Tensor, classes: int, dtype: torch.dtype) -> Tensor:
    """An index target as a row of probabilities on a new last axis; a soft one as it is."""
    if target.is_floating_point():
        return target
    row = torch.zeros((*target.shape, classes), dtype=dtype, device=target.device)
    return row.scatter(-1, target.unsqueeze(-1), 1.0)


def smooth_classes(target: Tensor, classes: int, smoothing: float, dtype: torch.dtype) -> Tensor:
    """A class target mixed with the uniform distribution: (1 - ε)·q + ε/C; indices become rows."""
    return soften(target, classes, dtype) * (1.0 - smoothing) + smoothing / classes
