"""Squares of pixels as channels and back: nothing is learned or lost, and what lies between is that much smaller."""

from __future__ import annotations

from torch import Tensor


class Folded:
    """`nn.PixelUnshuffle`: (members, C, H, W, rows) -> (members, C * side², H / side, W / side, rows)."""

    def __init__(self, side: int) -> None:
        self._side = side

    def forward(self, x: Tensor) -> Tensor:
        return _folded(x, self._side)

    def backward(self, slope: Tensor) -> Tensor:
        return _spread(slope, self._side)


class Spread:
    """`nn.PixelShuffle`: the way back."""

    def __init__(self, side: int) -> None:
        self._side = side

    def forward(self, x: Tensor) -> Tensor:
        return _spread(x, self._side)

    def backward(self, slope: Tensor) -> Tensor:
        return _folded(slope, self._side)


def _folded(x: Tensor, side: int) -> Tensor:
    members, channels, height, width, rows = x.shape
    squares = x.reshape(members, channels, height // side, side, width // side, side, rows)
    ordered = squares.permute(0, 1, 3, 5, 2, 4, 6)
    return ordered.reshape(members, channels * side * side, height // side, width // side, rows)


def _spread(x: Tensor, side: int) -> Tensor:
    members, channels, height, width, rows = x.shape
    squares = x.reshape(members, channels // (side * side), side, side, height, width, rows)
    ordered = squares.permute(0, 1, 4, 2, 5, 3, 6)
    return ordered.reshape(members, channels // (side * side), height * side, width * side, rows)
