"""Many small networks of one shape as one: every layer of all of them at once, forward and back.

Members come in *streams*: the members of a stream read the same rows in the same order, so their first layer
is one wide product over rows that are held once. A member's numbers come from its own slices alone: no sum crosses
members.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from lossary.lab.training.engines.convolution import Convolution, MeanOfSquares, Norm
from lossary.lab.training.engines.folding import Folded, Spread
from lossary.lab.training.engines.layers import Dropped, Flat, Layer, Linear, Pair, Relu, Tanh
from lossary.lab.training.engines.vectors import Vectors
from lossary.lab.training.networks import Dropout, Network
from lossary.lab.training.networks.bag import MeanOfVectors

PLAIN: dict[type[nn.Module], Callable[[], Layer]] = {nn.ReLU: Relu, nn.Tanh: Tanh, nn.Flatten: Flat}


class Weights:
    """The learned numbers of `len(streams) * width` members, all of a stream alike at first, and their gradients.

    `weights` and `gradient` are flat; `blocks` are views of `weights`, (members, numbers), parameter by parameter.
    """

    def __init__(
        self, network: Network, streams: Sequence[tuple[int, int]], width: int, dtype: torch.dtype
    ) -> None:
        self.streams, self.width = len(streams), width
        self.members = len(streams) * width
        starts = [network.module(*stream, dtype) for stream in streams]
        self.module = starts[0]
        learned = ((name, each) for name, each in self.module.named_parameters() if each.requires_grad)
        self.shapes = {name: each.shape for name, each in learned}
        self.weights = torch.empty(
            self.members * sum(map(torch.Size.numel, self.shapes.values())), dtype=dtype
        )
        self.gradient = torch.zeros_like(self.weights)
        self.blocks = self.by_member(self.weights)
        for place, name in zip(self.blocks, self.shapes, strict=True):
            own = torch.stack([start.get_parameter(name).detach().flatten() for start in starts])
            place.view(self.streams, width, -1).copy_(own.unsqueeze(1))

    def by_member(self, flat: Tensor) -> list[Tensor]:
        """The blocks of a flat tensor, (members, numbers)."""
        sizes = [self.members * shape.numel() for shape in self.shapes.values()]
        return [block.view(self.members, -1) for block in torch.split(flat, sizes)]

    def named(self, flat: Tensor) -> dict[str, Tensor]:
        """The blocks of a flat tensor by the name of the parameter, (members, *shape)."""
        blocks = zip(self.shapes.items(), self.by_member(flat), strict=True)
        return {name: block.view(self.members, *shape) for (name, shape), block in blocks}


class Stack(Weights):
    """A network made of known layers one after the other."""

    def __init__(
        self, network: Network, streams: Sequence[tuple[int, int]], width: int, dtype: torch.dtype
    ) -> None:
        super().__init__(network, streams, width, dtype)
        weights, slopes = self.named(self.weights), self.named(self.gradient)
        self.learned: dict[str, Pair] = {name: (weights[name], slopes[name]) for name in weights}
        self.layers: list[Layer] = []
        self._dropped: dict[str, Dropped] = {}
        bottom = True
        for name, layer in flattened(self.module):
            self.layers.append(self._layer(name, layer, bottom=bottom))
            bottom &= next(layer.parameters(), None) is None

    def forward(
        self, x: Tensor, masks: Mapping[str, Tensor] | None = None, *, learning: bool = False
    ) -> Tensor:
        """Raw outputs (members, K, rows) for x (streams, rows, ...), a buffer that the next call writes over.

        masks: (streams, rows, ...) for every dropout layer; None drops nothing. `learning` changes nothing here.
        """
        for name, layer in self._dropped.items():
            layer.mask = None if masks is None or name not in masks else masks[name].movedim(1, -1)
        out = x.movedim(1, -1)
        for each in self.layers:
            out = each.forward(out)
        return out

    def backward(self, slope: Tensor) -> None:
        """Write into `gradient` what follows from `slope` (members, K, rows), the derivative in the raw outputs.

        Spoils the slope and what `forward` returned.
        """
        for each in reversed(self.layers):
            below = each.backward(slope)
            if below is None:
                return
            slope = below

    def _layer(self, name: str, layer: nn.Module, *, bottom: bool) -> Layer:
        weight, bias = self.learned.get(f"{name}.weight"), self.learned.get(f"{name}.bias")
        if isinstance(layer, nn.Linear):
            assert weight is not None
            return Linear(weight, bias, self.streams, bottom=bottom)
        if isinstance(layer, nn.Conv2d):
            assert weight is not None and not isinstance(layer.padding, str)
            return Convolution(
                weight, bias, self.streams, _two(layer.padding), _two(layer.dilation), bottom=bottom
            )
        if isinstance(layer, nn.GroupNorm):
            assert weight is not None and bias is not None
            return Norm(weight, bias, layer.num_groups, layer.eps)
        if isinstance(layer, nn.AvgPool2d):
            return MeanOfSquares(_two(layer.kernel_size))
        if isinstance(layer, nn.PixelUnshuffle):
            return Folded(layer.downscale_factor)
        if isinstance(layer, nn.PixelShuffle):
            return Spread(layer.upscale_factor)
        if isinstance(layer, MeanOfVectors):
            return Vectors(self.learned[f"{name}.table.weight"], self.streams)
        if isinstance(layer, Dropout):
            self._dropped[name] = Dropped(self.streams)
            return self._dropped[name]
        if bottom and isinstance(layer, (nn.ReLU, nn.Tanh)):
            raise ValueError("the rows themselves would be written over")
        return PLAIN[type(layer)]()


def flattened(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The layers of nested `nn.Sequential`s in order, by name."""
    if not isinstance(module, nn.Sequential) or type(module).forward is not nn.Sequential.forward:
        yield prefix, module
        return
    for name, child in module.named_children():
        yield from flattened(child, f"{prefix}.{name}" if prefix else name)


def _two(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
