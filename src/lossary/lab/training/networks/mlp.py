"""A plain stack of linear layers: the network of tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor, nn

from lossary.lab.training.networks.chance import started
from lossary.lab.training.networks.checked import counted, shared, sized
from lossary.lab.training.networks.dropout import Dropout

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}
SHOWN = {"relu": "ReLU", "tanh": "tanh"}


@dataclass(frozen=True)
class Mlp:
    """`inputs` features to `outputs` raw numbers through `hidden` layers; no activation after the last.

    `dropout` is the share of hidden units that a training step leaves out.
    """

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    activation: str = "relu"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        sized(self, self.inputs, *self.hidden, self.outputs)
        shared(self.dropout)
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

    def describe(self) -> str:
        """Its layers in words."""
        hidden = [f"{units} hidden units ({SHOWN[self.activation]})" for units in self.hidden]
        dropped = [f"dropout {self.dropout:g}"] if self.dropout and self.hidden else []
        return ", ".join([counted(self.inputs, "input"), *hidden, *dropped, counted(self.outputs, "output")])

    def with_outputs(self, outputs: int) -> Mlp:
        """The same with another last layer."""
        return replace(self, outputs=outputs)

    def module(self, split: int, seed: int, dtype: torch.dtype = torch.float32) -> nn.Sequential:
        """The ordinary `nn.Sequential`, holding the initial weights of (split, seed)."""
        layers: list[nn.Module] = []
        for fan_in, fan_out in self.layers:
            layers += [nn.Linear(fan_in, fan_out, device="meta"), ACTIVATIONS[self.activation]()]
            if self.dropout:
                layers.append(Dropout(self.dropout))
        made = started(nn.Sequential(*layers[: -2 if self.dropout else -1]), split, seed, dtype)
        assert isinstance(made, nn.Sequential)
        return made


def initial(network: Mlp, split: int, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Weight (out, in) and bias (out,) of every layer, float32, as the module has them."""
    linears = [layer for layer in network.module(split, seed) if isinstance(layer, nn.Linear)]
    return [(layer.weight.detach(), layer.bias.detach()) for layer in linears]
