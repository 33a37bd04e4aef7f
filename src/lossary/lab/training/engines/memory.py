"""How much memory a stacked training takes, and how many of them fit: in a stated budget, and in the cache.

Counted, not measured: every buffer of the layers by its shape. What one Python process holds beside them (torch, the
table) is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn

from lossary.lab.training.networks import Bag, Dropout, Mlp, Network, Own
from lossary.lab.training.trial import Setup

BUDGET = 2**30  # bytes a worker's stack may take, unless the caller says otherwise
# Beyond what two workers share of the last cache, stacked convolutions slow down: digits with the small Cnn took
# 0.26 ms a member and step with 16 members, and 0.42 ms with 24 to 120.
CACHE = 12 * 2**20
FEWEST = 4  # members for which stacking still saves calls
EVALUATED, MOST_ROWS, FEWEST_ROWS = 2**19, 256, 16  # numbers of one member held while rows are evaluated


@dataclass(frozen=True)
class Floats:
    """Numbers that one member holds: learned ones, and activations and their slopes for one row."""

    learned: int
    row: int


def members_at_once(setup: Setup, budget: int = BUDGET) -> int:
    """How many members a stack holds so that it fits the budget and, if four or more do, the cache; 1 at least."""
    return max(1, min(max(FEWEST, CACHE // hot_bytes(setup)), budget // stack_bytes(setup)))


def hot_bytes(setup: Setup) -> int:
    """What forward and back touch of one member: weights and gradient, and activations of a batch."""
    held = _floats(setup.network)
    return _size(setup) * (2 * held.learned + held.row * setup.batch)


def stack_bytes(setup: Setup) -> int:
    """What one member takes in a stack."""
    held = _floats(setup.network)
    # Buffers are kept for a batch and a short last one, and for full and short pieces of three parts evaluated.
    rows = 2 * setup.batch + 4 * rows_at_once(setup.network)
    return _size(setup) * (6 * held.learned + held.row * rows)


def slice_members(
    columns: int, n_train: int, n_valid: int, n_test: int, most: int, budget: int = BUDGET
) -> int:
    """How many trainings a slice may hold, `most` at most and 1 at least: their outputs fit the budget.

    The engine itself trains no more of them at once than fit (`members_at_once`).
    """
    # Kept as float32; judged as float64, with two more such tables for what a metric makes of them.
    each = columns * (4 * (n_valid + n_test) + 3 * 8 * max(n_train, n_valid, n_test))
    return max(1, min(most, budget // max(1, each)))


def rows_at_once(network: Network) -> int:
    """How many rows are evaluated at a time."""
    return max(FEWEST_ROWS, min(MOST_ROWS, EVALUATED // _floats(network).row))


def _size(setup: Setup) -> int:
    return torch.finfo(getattr(torch, setup.dtype)).bits // 8


@cache
def _floats(network: Network) -> Floats:
    """Counted on one row of zeros."""
    module = network.module(0, 0).eval()
    x = _row(network)
    row, bottom = 0, True

    def seen(layer: nn.Module, inputs: tuple[Tensor, ...], output: object) -> None:
        nonlocal row, bottom
        if isinstance(output, Tensor) and next(layer.children(), None) is None:
            row += _held(layer, inputs[0][0].numel(), output[0].numel(), bottom=bottom)
            bottom &= next(layer.parameters(), None) is None

    hooks = [layer.register_forward_hook(seen) for layer in module.modules()]
    with torch.no_grad():
        module(x)
    for hook in hooks:
        hook.remove()
    return Floats(sum(each.numel() for each in module.parameters()), max(1, row) + 4 * network.outputs)


def _row(network: Network) -> Tensor:
    """One row of zeros as the network takes it; of a bag of words the length does not matter."""
    if isinstance(network, Bag):
        return torch.zeros(1, 1, dtype=torch.int64)
    if isinstance(network, Own):
        return torch.zeros(1, *network.shape, dtype=torch.float32 if network.floating else torch.int64)
    if isinstance(network, Mlp):
        return torch.zeros(1, network.inputs)
    return torch.zeros(1, network.channels, network.height, network.width)


#: Layers that return something new, forward and back, and keep nothing else.
RETURNING = (nn.Linear, nn.GroupNorm, nn.AvgPool2d, nn.PixelShuffle, nn.PixelUnshuffle, Dropout)


def _held(layer: nn.Module, entering: int, leaving: int, *, bottom: bool) -> int:
    """Numbers that a layer keeps for one row: what it returns forward and back, and what it works in."""
    if isinstance(layer, (nn.ReLU, nn.Tanh, nn.Flatten)):
        return 0  # in place
    if isinstance(layer, nn.Conv2d) and not bottom:  # columns and their slopes; at the bottom they are shared
        return 2 * layer.weight[0].numel() * leaving // layer.out_channels + entering + leaving
    if isinstance(layer, nn.Conv2d):
        return leaving
    if isinstance(layer, RETURNING):
        return entering + leaving
    return entering + 3 * leaving  # an unknown one, by autograd
