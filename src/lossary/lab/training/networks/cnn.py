"""A small convolutional network: the network of pictures that have one answer each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from typing import Literal

import torch
from torch import nn

from lossary.lab.training.networks.chance import size, started
from lossary.lab.training.networks.checked import counted, shared, sized
from lossary.lab.training.networks.dropout import Dropout

GROUP = 4  # channels normalised together (Wu and He 2018, section 3, on small counts)
LAST = 4  # the side of the map that the last layer reads, at most


@dataclass(frozen=True)
class Cnn:
    """Pictures (rows, channels, height, width) to `outputs` raw numbers.

    Each of `widths` is a 3x3 convolution, a norm, ReLU and a mean over 2x2; then one linear layer. Norms are of
    single rows ("group", "layer"): with "batch" norm, rows of a batch would depend on each other.
    """

    channels: int
    height: int
    width: int
    outputs: int
    widths: tuple[int, ...] = (8, 16)
    norm: Literal["group", "layer", "none"] = "group"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        sized(self, self.channels, self.height, self.width, self.outputs, *self.widths)
        shared(self.dropout)
        if self.norm not in ("group", "layer", "none"):
            raise ValueError(f"norm: expected group, layer or none, got {self.norm!r}; choose one of them.")

    @cached_property
    def size(self) -> int:
        """How many numbers are learned."""
        return size(self._layers())

    def describe(self) -> str:
        """Its layers in words."""
        convolved = [f"3x3 convolution to {width} channels" for width in self.widths]
        normed = [] if self.norm == "none" else [f"{self.norm} norm"]
        dropped = [f"dropout {self.dropout:g}"] if self.dropout else []
        picture = f"{counted(self.channels, 'channel')} of {self.height}x{self.width}"
        return ", ".join([picture, *convolved, *normed, "ReLU", *dropped, counted(self.outputs, "output")])

    def with_outputs(self, outputs: int) -> Cnn:
        """The same with another last layer."""
        return replace(self, outputs=outputs)

    def module(self, split: int, seed: int, dtype: torch.dtype = torch.float32) -> nn.Module:
        """The module, holding the initial weights of (split, seed)."""
        return started(self._layers(), split, seed, dtype)

    def _layers(self) -> nn.Sequential:
        layers: list[nn.Module] = []
        channels, height, width = self.channels, self.height, self.width
        for wide in self.widths:
            layers.append(nn.Conv2d(channels, wide, 3, padding=1, device="meta"))
            if self.norm != "none":
                layers.append(nn.GroupNorm(groups(wide, self.norm), wide, device="meta"))
            layers.append(nn.ReLU())
            if min(height, width) >= 2:
                layers.append(nn.AvgPool2d(2))
                height, width = height // 2, width // 2
            channels = wide
        over = (ceil(height / LAST), ceil(width / LAST))
        if max(over) > 1:
            layers.append(nn.AvgPool2d(over))
            height, width = height // over[0], width // over[1]
        layers.append(nn.Flatten())
        if self.dropout:
            layers.append(Dropout(self.dropout))
        layers.append(nn.Linear(channels * height * width, self.outputs, device="meta"))
        return nn.Sequential(*layers)


def groups(channels: int, norm: str) -> int:
    """Into how many groups channels are normalised: one is layer norm."""
    return channels // GROUP if norm == "group" and channels % GROUP == 0 else 1
