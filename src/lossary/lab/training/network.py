"""The network that is trained: a plain stack of linear layers, and the weights it starts from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}


@dataclass(frozen=True)
class Network:
    """`inputs` features to `outputs` raw numbers through `hidden` layers; no activation after the last."""

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    activation: str = "relu"

    def __post_init__(self) -> None:
        if min((self.inputs, *self.hidden, self.outputs)) < 1:
            raise ValueError(f"network: expected sizes of at least 1, got {self}; give every layer a unit.")
        if self.activation not in ACTIVATIONS:
            known = " or ".join(ACTIVATIONS)
            raise ValueError(
                f"activation: expected {known}, got {self.activation!r}; choose one that is known."
            )

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """(units in, units out) of every linear layer, first to last."""
        sizes = (self.inputs, *self.hidden, self.outputs)
        return tuple(pairwise(sizes))

    @property
    def size(self) -> int:
        """How many numbers are learned."""
        return sum((fan_in + 1) * fan_out for fan_in, fan_out in self.layers)


def generator(split: int, seed: int, purpose: int) -> torch.Generator:
    """Random numbers that depend on (split, seed, purpose) alone: never on loss, rate or engine."""
    state = np.random.SeedSequence((split, seed, purpose)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


def initial(network: Network, split: int, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Weight (out, in) and bias (out,) of every layer, float32, U(-1, 1) / sqrt(in) as in `nn.Linear`."""
    numbers = generator(split, seed, purpose=0)

    def uniform(*shape: int, fan_in: int) -> Tensor:
        return (2 * torch.rand(*shape, generator=numbers) - 1) / math.sqrt(fan_in)

    return [(uniform(o, i, fan_in=i), uniform(o, fan_in=i)) for i, o in network.layers]


def batch_order(rows: int, epochs: int, split: int, seed: int) -> Tensor:
    """(epochs, rows) int64: the order in which each epoch reads the training rows."""
    numbers = generator(split, seed, purpose=1)
    return torch.stack([torch.randperm(rows, generator=numbers) for _ in range(epochs)])


def module(network: Network, split: int, seed: int, dtype: torch.dtype = torch.float32) -> nn.Sequential:
    """The ordinary `nn.Sequential`, holding the initial weights of (split, seed)."""
    layers: list[nn.Module] = []
    for weight, bias in initial(network, split, seed):
        # Made without numbers of its own: drawing them would advance torch's global generator.
        linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=dtype, device="meta").to_empty(
            device="cpu"
        )
        with torch.no_grad():
            linear.weight.copy_(weight)
            linear.bias.copy_(bias)
        layers += [linear, ACTIVATIONS[network.activation]()]
    return nn.Sequential(*layers[:-1])
