"""Convolutions, norms of single rows and means over squares, of many networks at once (see `layers`)."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import torch
from torch import Tensor

from lossary.lab.training.engines.layers import Buffers, Pair


class Convolution:
    """Weights (members, out, in, kernel, kernel) over maps (members, in, height, width, rows), stride 1.

    The maps are laid out as columns, one for each place of the kernel, and one product does the rest; at the bottom
    the columns are shared by the members of a stream.
    """

    def __init__(
        self,
        weight: Pair,
        bias: Pair | None,
        streams: int,
        padding: tuple[int, int],
        dilation: tuple[int, int],
        *,
        bottom: bool,
    ) -> None:
        self._weight, self._d_weight = (each.flatten(2) for each in weight)
        self._kernel = (weight[0].shape[-2], weight[0].shape[-1])
        self._bias = None if bias is None else bias[0]
        self._d_bias = None if bias is None else bias[1]
        self._padding, self._dilation = padding, dilation
        self._streams, self._bottom, self._buffer = streams, bottom, Buffers()

    def forward(self, x: Tensor) -> Tensor:
        self._shape = x.shape
        members, fan_out, fan_in = self._weight.shape
        height, width = self._size(x.shape[2], 0), self._size(x.shape[3], 1)
        self._columns = columns = self._laid_out(x, height, width)
        out = self._buffer("out", self._weight, members, fan_out, height, width, x.shape[-1])
        weight = self._weight.view(columns.shape[0], -1, fan_in)
        wide = out.view(*weight.shape[:2], -1)
        if self._bias is None:
            torch.bmm(weight, columns, out=wide)
        else:
            torch.baddbmm(self._bias.view(*weight.shape[:2], 1), weight, columns, out=wide)
        return out

    def backward(self, slope: Tensor) -> Tensor | None:
        flat = slope.reshape(*slope.shape[:2], -1)
        if self._d_bias is not None:
            torch.sum(flat, -1, out=self._d_bias)
        wide = flat.view(self._columns.shape[0], -1, flat.shape[-1])
        torch.bmm(wide, self._columns.mT, out=self._d_weight.view(*wide.shape[:2], -1))
        if self._bottom:
            return None
        # The columns have served, and their buffer is wide enough for their own slopes, zeros at the rim included.
        d_columns = self._buffer("slopes", self._weight, *self._columns.shape)
        torch.bmm(self._weight.mT, flat, out=d_columns)
        if self._pointwise:
            return d_columns.view(self._shape)
        below = self._buffer("below", self._weight, *self._shape).zero_()
        placed = d_columns.view(*self._shape[:2], *self._kernel, *slope.shape[2:])
        for i, j, inside, outside in self._windows(self._shape):
            below[:, :, *outside].add_(placed[:, :, i, j, *inside])
        return below

    def _windows(self, shape: torch.Size) -> tuple[tuple[int, int, Window, Window], ...]:
        return windows((shape[2], shape[3]), self._kernel, self._padding, self._dilation)

    @property
    def _pointwise(self) -> bool:
        return self._kernel == (1, 1) and self._padding == (0, 0)

    def _size(self, side: int, axis: int) -> int:
        return side + 2 * self._padding[axis] - self._dilation[axis] * (self._kernel[axis] - 1)

    def _laid_out(self, x: Tensor, height: int, width: int) -> Tensor:
        """(members or streams, in * kernel * kernel, height * width * rows); what lies outside a picture is 0."""
        lead, channels, rows = x.shape[0], x.shape[1], x.shape[-1]
        if self._pointwise:
            return x.reshape(lead, channels, -1)
        columns = self._buffer("columns", self._weight, lead, channels, *self._kernel, height, width, rows)
        for i, j, inside, outside in self._windows(x.shape):
            columns[:, :, i, j, *inside].copy_(x[:, :, *outside])
        return columns.view(lead, -1, height * width * rows)


Window = tuple[slice, slice]


@lru_cache(maxsize=1024)
def windows(
    size: tuple[int, int], kernel: tuple[int, int], padding: tuple[int, int], dilation: tuple[int, int]
) -> tuple[tuple[int, int, Window, Window], ...]:
    """For each place (i, j) of a kernel over pictures of this size: which outputs read a pixel, and which pixels."""
    found = []
    for i, j in product(*map(range, kernel)):
        inside, outside = [], []
        for axis, place in ((0, i), (1, j)):
            side, shift = size[axis], place * dilation[axis] - padding[axis]
            outputs = side + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1)
            low = max(0, -shift)
            high = max(low, min(outputs, side - shift))
            inside.append(slice(low, high))
            outside.append(slice(low + shift, high + shift))
        found.append((i, j, (inside[0], inside[1]), (outside[0], outside[1])))
    return tuple(found)


class Norm:
    """Group norm: each row's channels, a group at a time, to mean 0 and variance 1, then gain and shift learned.

    Of every channel and row the output is one multiple of the input and one constant, so that little more than that
    product touches whole maps; backward needs two sums over each map for the rest.
    """

    def __init__(self, gain: Pair, shift: Pair, groups: int, eps: float) -> None:
        self._gain, self._d_gain = gain
        self._shift, self._d_shift = shift
        self._groups, self._eps, self._buffer = groups, eps, Buffers()

    def forward(self, x: Tensor) -> Tensor:
        self._x = x
        members, channels, rows = x.shape[0], x.shape[1], x.shape[-1]
        grouped = x.view(members, self._groups, -1, rows)
        # In passes over rows: torch's own variance over an axis that is not the last is a hundred times slower.
        mean = grouped.mean(2, keepdim=True)
        apart = torch.sub(grouped, mean, out=self._buffer("work", x, *x.shape).view(grouped.shape))
        scale = (apart.square_().mean(2, keepdim=True) + self._eps).rsqrt_()
        # (members, channels, rows), the same for the channels of a group
        self._mean, self._scale = (self._of_channels(each, channels) for each in (mean, scale))
        self._multiple = self._scale * self._gain.unsqueeze(-1)
        constant = self._shift.unsqueeze(-1) - self._mean * self._multiple
        out = self._buffer("out", x, *x.shape)
        return torch.addcmul(_over_map(constant, x), x, _over_map(self._multiple, x), out=out)

    def backward(self, slope: Tensor) -> Tensor:
        x, mean, scale = self._x, self._mean, self._scale
        work = self._buffer("work", x, *x.shape)
        maps = (*x.shape[:2], -1, x.shape[-1])
        sums = slope.reshape(maps).sum(2)
        along = torch.mul(slope, x, out=work).view(maps).sum(2).sub_(mean * sums).mul_(scale)
        torch.sum(sums, -1, out=self._d_shift)
        torch.sum(along, -1, out=self._d_gain)
        count = x[0].numel() // (self._groups * x.shape[-1])
        gain = self._gain.unsqueeze(-1)
        level, tilt = (self._mean_of_group(gain * each, count) for each in (sums, along))
        tilt = tilt * scale * scale
        constant = tilt * mean - level * scale
        torch.addcmul(_over_map(constant, x), x, _over_map(tilt, x), value=-1, out=work)
        return work.addcmul_(slope, _over_map(self._multiple, x))

    def _of_channels(self, each: Tensor, channels: int) -> Tensor:
        """(members, groups, 1, rows) -> (members, channels, rows)"""
        return each.expand(-1, -1, channels // self._groups, -1).reshape(each.shape[0], channels, -1)

    def _mean_of_group(self, each: Tensor, count: int) -> Tensor:
        """Channels summed within their group and divided by `count`, at every channel again."""
        grouped = each.view(each.shape[0], self._groups, -1, each.shape[-1])
        return self._of_channels(grouped.sum(2, keepdim=True) / count, each.shape[1])


def _over_map(each: Tensor, x: Tensor) -> Tensor:
    """(members, channels, rows) beside maps (members, channels, ..., rows)."""
    return each.view(*each.shape[:2], *[1] * (x.ndim - 3), each.shape[-1])


class MeanOfSquares:
    """The mean over squares of `size` pixels; what does not fill one at the right or the bottom is left out."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size, self._buffer = size, Buffers()

    def forward(self, x: Tensor) -> Tensor:
        self._shape = x.shape
        height, width = (x.shape[2 + axis] // self._size[axis] for axis in (0, 1))
        out = self._buffer("out", x, *x.shape[:2], height, width, x.shape[-1])
        for number, window in enumerate(self._windows()):
            out.copy_(x[:, :, *window]) if number == 0 else out.add_(x[:, :, *window])
        return out.mul_(1 / (self._size[0] * self._size[1]))

    def backward(self, slope: Tensor) -> Tensor:
        slope = slope.mul_(1 / (self._size[0] * self._size[1]))
        below = self._buffer("below", slope, *self._shape)
        for window in self._windows():
            below[:, :, *window].copy_(slope)
        return below

    def _windows(self) -> list[tuple[slice, slice]]:
        (tall, wide), (height, width) = self._size, self._shape[2:4]
        return [
            (slice(i, height // tall * tall, tall), slice(j, width // wide * wide, wide))
            for i, j in product(range(tall), range(wide))
        ]
