"""Many small networks of one shape as one: a stacked matrix product a layer, forward and back.

Members come in *streams*: the members of a stream read the same rows in the same order, so their first layer
is one wide product over rows that are held once. Activations lie as (members, units, rows), which keeps every
product and every member's slice contiguous. A member's numbers come from its own slices alone: no sum crosses
members.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lossary.lab.training.networks import Mlp, initial


class Stack:
    """The weights of `len(streams) * width` members, all of a stream alike at first, and their gradients.

    `weights` and `gradient` are flat; `blocks` are views of `weights`, (members, numbers), layer by layer.
    """

    def __init__(
        self, network: Mlp, streams: Sequence[tuple[int, int]], width: int, dtype: torch.dtype
    ) -> None:
        self.network, self.streams, self.width = network, len(streams), width
        self.members = len(streams) * width
        self.weights = torch.empty(self.members * network.size, dtype=dtype)
        self.gradient = torch.zeros_like(self.weights)
        self.layers = self.views(self.weights)
        self.slopes = self.views(self.gradient)
        self.blocks = self.by_member(self.weights)
        self._buffers: dict[tuple[str, int, int], Tensor] = {}
        starts = [initial(network, split, seed) for split, seed in streams]
        for layer, (weight, bias) in enumerate(self.layers):
            shape = (len(streams), width)
            weight.view(*shape, *weight.shape[1:]).copy_(
                torch.stack([s[layer][0] for s in starts]).unsqueeze(1)
            )
            bias.view(*shape, *bias.shape[1:]).copy_(
                torch.stack([s[layer][1][:, None] for s in starts]).unsqueeze(1)
            )

    def views(self, flat: Tensor) -> list[tuple[Tensor, Tensor]]:
        """The weight (members, out, in) and bias (members, out, 1) of every layer within a flat tensor."""
        views, at = [], 0
        for fan_in, fan_out in self.network.layers:
            middle = at + self.members * fan_out * fan_in
            end = middle + self.members * fan_out
            views.append((flat[at:middle].view(-1, fan_out, fan_in), flat[middle:end].view(-1, fan_out, 1)))
            at = end
        return views

    def by_member(self, flat: Tensor) -> list[Tensor]:
        """The same blocks as (members, numbers)."""
        return [block.flatten(1) for pair in self.views(flat) for block in pair]

    def forward(self, x: Tensor) -> list[Tensor]:
        """Every layer's activation (members, units, rows) for x (streams, rows, features); the last is raw.

        The tensors are buffers that the next call with as many rows writes over.
        """
        activations: list[Tensor] = []
        rows = x.shape[1]
        for layer, (weight, bias) in enumerate(self.layers):
            fan_out = weight.shape[1]
            out = self._buffer("forward", layer, rows, fan_out)
            if layer == 0:
                wide = (self.streams, self.width * fan_out)
                torch.baddbmm(bias.view(*wide, 1), weight.view(*wide, -1), x.mT, out=out.view(*wide, rows))
            else:
                torch.baddbmm(bias, weight, activations[-1], out=out)
            if layer < len(self.layers) - 1:
                out.relu_() if self.network.activation == "relu" else out.tanh_()
            activations.append(out)
        return activations

    def backward(self, x: Tensor, activations: list[Tensor], slope: Tensor) -> None:
        """Write into `gradient` what follows from `slope`, the derivative in the raw outputs.

        Spoils the activations, which are of no use afterwards.
        """
        rows = x.shape[1]
        for layer in reversed(range(len(self.layers))):
            weight, (d_weight, d_bias) = self.layers[layer][0], self.slopes[layer]
            torch.sum(slope, -1, keepdim=True, out=d_bias)
            if layer == 0:
                wide = (self.streams, self.width * weight.shape[1])
                torch.bmm(slope.view(*wide, rows), x, out=d_weight.view(*wide, -1))
                return
            below = activations[layer - 1]
            torch.bmm(slope, below.mT, out=d_weight)
            slope = torch.bmm(weight.mT, slope, out=self._buffer("backward", layer, rows, weight.shape[2]))
            if self.network.activation == "relu":
                slope.mul_(below.sign_())  # 0 or 1: relu left no negatives, and at 0 torch's slope is 0 too
            else:
                slope.mul_(below.square_().neg_().add_(1))

    def _buffer(self, use: str, layer: int, rows: int, units: int) -> Tensor:
        """A tensor kept between steps: a fresh one of this size is fresh pages, dearer than the product."""
        key = (use, layer, rows)
        if key not in self._buffers:
            self._buffers[key] = self.weights.new_empty(self.members, units, rows)
        return self._buffers[key]
