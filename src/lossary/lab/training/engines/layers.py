"""Layers of many networks at once, forward and back by hand: what a stack of linear layers needs.

Activations lie as (members, ..., rows): rows innermost, so that every product, sum and copy runs over neighbours in
memory. A layer's first axis is `streams` while nothing learned has been applied, since the members of a stream read
the same rows; then it is members, stream by stream. No sum crosses members.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Layer(Protocol):
    """`forward` may keep what `backward` needs, and both return buffers that the next call writes over."""

    def forward(self, x: Tensor) -> Tensor:
        """Activations (members, ..., rows) from those below."""
        ...

    def backward(self, slope: Tensor) -> Tensor | None:
        """Write the gradients of what is learned here; the slope in the activations below, None at the bottom.

        May spoil `slope`, and everything that `forward` returned.
        """
        ...


class Buffers:
    """Tensors kept between steps: a fresh one is fresh pages, dearer than the arithmetic in it."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, tuple[int, ...]], Tensor] = {}

    def __call__(self, use: str, like: Tensor, *shape: int) -> Tensor:
        """A tensor of this shape and of the dtype of `like`; zeros when it is made."""
        key = (use, shape)
        if key not in self._kept:
            self._kept[key] = like.new_zeros(shape)
        return self._kept[key]


class Linear:
    """Weights (members, out, in) and biases (members, out) or None; at the bottom one wide product a stream."""

    def __init__(self, weight: Pair, bias: Pair | None, streams: int, *, bottom: bool) -> None:
        self._weight, self._d_weight = weight
        self._bias = None if bias is None else bias[0]
        self._d_bias = None if bias is None else bias[1]
        self._streams, self._bottom, self._buffer = streams, bottom, Buffers()

    def forward(self, x: Tensor) -> Tensor:
        members, fan_out, fan_in = self._weight.shape
        self._x = x
        out = self._buffer("out", self._weight, members, fan_out, x.shape[-1])
        weight, wide = self._weight, out
        if self._bottom:
            weight = weight.view(self._streams, -1, fan_in)
            wide = out.view(self._streams, -1, x.shape[-1])
        if self._bias is None:
            torch.bmm(weight, x, out=wide)
        else:
            torch.baddbmm(self._bias.view(*weight.shape[:2], 1), weight, x, out=wide)
        return out

    def backward(self, slope: Tensor) -> Tensor | None:
        rows = slope.shape[-1]
        if self._d_bias is not None:
            torch.sum(slope, -1, out=self._d_bias)
        if self._bottom:
            wide = slope.reshape(self._streams, -1, rows)
            torch.bmm(wide, self._x.mT, out=self._d_weight.view(*wide.shape[:2], -1))
            return None
        torch.bmm(slope, self._x.mT, out=self._d_weight)
        below = self._buffer("below", self._weight, *self._weight.shape[::2], rows)
        return torch.bmm(self._weight.mT, slope, out=below)


class Relu:
    """In place."""

    def forward(self, x: Tensor) -> Tensor:
        self._out = x.relu_()
        return self._out

    def backward(self, slope: Tensor) -> Tensor:
        # In one pass; a product with the sign of what relu left would be two.
        torch.ops.aten.threshold_backward.grad_input(slope, self._out, 0, grad_input=slope)
        return slope


class Tanh:
    """In place."""

    def forward(self, x: Tensor) -> Tensor:
        self._out = x.tanh_()
        return self._out

    def backward(self, slope: Tensor) -> Tensor:
        return slope.mul_(self._out.square_().neg_().add_(1))


class Dropped:
    """Times the mask of each stream, (streams, ..., rows); without one, nothing."""

    def __init__(self, streams: int) -> None:
        self._streams, self._buffer = streams, Buffers()
        self.mask: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.mask is None:
            return x
        # Not in place: what lies below may need what it returned.
        out = self._buffer("out", x, *x.shape)
        torch.mul(self._by_stream(x), self.mask.unsqueeze(1), out=self._by_stream(out))
        return out

    def backward(self, slope: Tensor) -> Tensor:
        if self.mask is not None:
            self._by_stream(slope).mul_(self.mask.unsqueeze(1))
        return slope

    def _by_stream(self, x: Tensor) -> Tensor:
        return x.view(self._streams, -1, *x.shape[1:])


class Flat:
    """Everything but members and rows on one axis."""

    def forward(self, x: Tensor) -> Tensor:
        self._shape = x.shape
        return x.reshape(x.shape[0], -1, x.shape[-1])

    def backward(self, slope: Tensor) -> Tensor:
        return slope.view(self._shape)


Pair = tuple[Tensor, Tensor]  # a learned tensor of every member, and where its gradient goes
