"""Dropout whose dropped units are given from outside, so that both engines and all losses drop the same ones."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Multiplies by `mask` while one is given, and is the identity otherwise."""

    mask: Tensor | None

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.register_buffer("mask", None, persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        return values if self.mask is None else values * self.mask

    def extra_repr(self) -> str:
        return f"share={self.share:g}"


def layers(module: nn.Module) -> dict[str, Dropout]:
    """The dropout layers of a module, by name."""
    return {name: layer for name, layer in module.named_modules() if isinstance(layer, Dropout)}


def shapes(module: nn.Module, x: Tensor) -> dict[str, tuple[float, tuple[int, ...]]]:
    """For every dropout layer its share and the shape of one row, found by sending one row x (1, ...) through."""
    found: dict[str, tuple[float, tuple[int, ...]]] = {}
    hooks = []
    for name, layer in layers(module).items():
        if layer.share > 0:

            def seen(
                _: nn.Module, inputs: tuple[Tensor, ...], name: str = name, layer: Dropout = layer
            ) -> None:
                found[name] = (layer.share, tuple(inputs[0].shape[1:]))

            hooks.append(layer.register_forward_pre_hook(seen))
    if hooks:
        with torch.no_grad():
            module(x)
        for hook in hooks:
            hook.remove()
    return found


def drop(module: nn.Module, masks: Mapping[str, Tensor]) -> None:
    """Give the layers their masks for one step; an empty mapping takes them away."""
    for name, layer in layers(module).items():
        layer.mask = masks.get(name)
