"""A few convolutions at full resolution: the network of pictures that have an answer at every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from lossary.lab.training.networks.chance import size, started
from lossary.lab.training.networks.checked import counted, fixed, shared, sized
from lossary.lab.training.networks.cnn import groups
from lossary.lab.training.networks.dropout import Dropout

FOLD = 2
SMALL = 16  # pixels a side, below which pictures are small enough as they are


@dataclass(frozen=True)
class Segmenter:
    """Pictures (rows, channels, height, width) to one logit a pixel, (rows, height * width).

    Each of `maps` is a 3x3 convolution, dilated by 1, 2, 4, ..., a group norm and ReLU; then a 1x1 convolution. Where
    the sides are even, squares of 2x2 pixels are channels in between (Shi et al. 2016, arXiv 1609.05158): no
    pixel is lost, a step takes a quarter of the time, and three convolutions see 30 pixels across instead of 15.
    """

    channels: int
    height: int
    width: int
    maps: tuple[int, ...] = (8, 8, 8)
    dropout: float = 0.0

    def __post_init__(self) -> None:
        sized(self, self.channels, self.height, self.width, *self.maps)
        shared(self.dropout)

    @property
    def outputs(self) -> int:
        """One raw number a pixel."""
        return self.height * self.width

    @cached_property
    def size(self) -> int:
        """How many numbers are learned."""
        return size(self._layers())

    def describe(self) -> str:
        """Its layers in words."""
        convolved = [f"3x3 convolution dilated by {2**i} to {wide} maps" for i, wide in enumerate(self.maps)]
        dropped = [f"dropout {self.dropout:g}"] if self.dropout else []
        picture = f"{counted(self.channels, 'channel')} of {self.height}x{self.width}"
        folded = [f"squares of {self.fold}x{self.fold} pixels as channels"] if self.fold > 1 else []
        return ", ".join([picture, *folded, *convolved, "group norm", "ReLU", *dropped, "1 output a pixel"])

    def with_outputs(self, outputs: int) -> Segmenter:
        """Itself: the pictures decide. Raises ValueError for any other number."""
        fixed(self, outputs, self.outputs)
        return self

    def module(self, split: int, seed: int, dtype: torch.dtype = torch.float32) -> nn.Module:
        """The module, holding the initial weights of (split, seed)."""
        return started(self._layers(), split, seed, dtype)

    @property
    def fold(self) -> int:
        """The side of the squares of pixels that are channels within; 1 where none are."""
        return (
            FOLD
            if self.height % FOLD == self.width % FOLD == 0 and min(self.height, self.width) >= SMALL
            else 1
        )

    def _layers(self) -> nn.Sequential:
        fold = self.fold
        layers: list[nn.Module] = [nn.PixelUnshuffle(fold)] if fold > 1 else []
        channels = self.channels * fold * fold
        for number, wide in enumerate(self.maps):
            apart = min(2**number, max(1, min(self.height, self.width) // fold // 2))
            layers.append(nn.Conv2d(channels, wide, 3, padding=apart, dilation=apart, device="meta"))
            layers += [nn.GroupNorm(groups(wide, "group"), wide, device="meta"), nn.ReLU()]
            channels = wide
        if self.dropout:
            layers.append(Dropout(self.dropout))
        layers.append(nn.Conv2d(channels, fold * fold, 1, device="meta"))
        layers += [nn.PixelShuffle(fold)] if fold > 1 else []
        return nn.Sequential(*layers, nn.Flatten())
