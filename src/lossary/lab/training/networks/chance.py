"""Every random number of a training: weights, order of rows, dropped units. (split, seed) alone decides them all.

Never the loss, the rate or the engine: so that losses are compared on the same start, the same batches and the same
dropped units.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

START, ORDER, DROPPED, OWN = 0, 1, 2, 3  # what numbers are for


def generator(split: int, seed: int, purpose: int, *more: int) -> torch.Generator:
    """Random numbers that depend on these integers alone."""
    state = np.random.SeedSequence((split, seed, purpose, *more)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


def batch_order(rows: int, epochs: int, split: int, seed: int) -> Tensor:
    """(epochs, rows) int64: the order in which each epoch reads the training rows."""
    numbers = generator(split, seed, ORDER)
    return torch.stack([torch.randperm(rows, generator=numbers) for _ in range(epochs)])


def masks(
    shapes: Mapping[str, tuple[float, tuple[int, ...]]],
    rows: int,
    split: int,
    seed: int,
    step: int,
    dtype: torch.dtype,
) -> dict[str, Tensor]:
    """What each dropout layer multiplies a batch by in a step: 0, or 1 / (1 - share).

    shapes: for every layer by name its share of dropped units and the shape of one row.
    """
    made = {}
    for number, (name, (share, shape)) in enumerate(shapes.items()):
        kept = torch.rand(rows, *shape, generator=generator(split, seed, DROPPED, step, number)) >= share
        made[name] = kept.to(dtype) / (1 - share)
    return made


def start(module: nn.Module, split: int, seed: int, dtype: torch.dtype) -> None:
    """Fill a module made of torch's layers with its initial weights, drawn in float32 whatever `dtype` is.

    Linear and convolution: U(-1, 1) / sqrt(inputs of a unit), weight then bias, as torch's own. Norms: 1 and 0.
    Tables of vectors: N(0, 1) / sqrt(width), so that a mean of vectors starts no greater than other inputs do.
    """
    numbers = generator(split, seed, START)

    def uniform(parameter: Tensor, fan_in: int) -> None:
        parameter.copy_((2 * torch.rand(parameter.shape, generator=numbers) - 1) / math.sqrt(fan_in))

    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, (nn.Linear, nn.Conv2d)):
                fan_in = layer.weight[0].numel()
                uniform(layer.weight, fan_in)
                if layer.bias is not None:
                    uniform(layer.bias, fan_in)
            elif isinstance(layer, (nn.GroupNorm, nn.LayerNorm)):
                layer.weight.fill_(1.0)
                layer.bias.fill_(0.0)
            elif isinstance(layer, nn.Embedding):
                rows, width = layer.weight.shape
                layer.weight.copy_(torch.randn(rows, width, generator=numbers) / math.sqrt(width))
                if layer.padding_idx is not None:
                    layer.weight[layer.padding_idx].fill_(0.0)


def started(make: nn.Module, split: int, seed: int, dtype: torch.dtype) -> nn.Module:
    """A module built on the meta device, in memory and with its initial weights.

    Built there because drawing weights twice would advance torch's global generator.
    """
    made = make.to(dtype).to_empty(device="cpu")
    start(made, split, seed, dtype)
    return made


def size(made: nn.Module) -> int:
    """How many numbers a module learns."""
    return sum(parameter.numel() for parameter in made.parameters())
