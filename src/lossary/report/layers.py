"""The network of a comparison as plain PyTorch: one line a layer."""

from __future__ import annotations

from torch import nn

from lossary.lab.training.networks import Bag, Dropout, Mlp, Network
from lossary.report.literal import literal

FEATURES = "features"  # what a script calls the number of its inputs


def layers(network: Network, *, rebuilds: bool = False) -> tuple[str, ...]:
    """Each layer as Python writes it. Of columns and words the inputs are counted where the script runs.

    `rebuilds`: the last layer has as many outputs as there are inputs.
    """
    made = network.module(0, 0)
    assert isinstance(made, nn.Sequential)  # a user's own is imported, not written out
    lines = [_layer(each) for each in made]
    if isinstance(network, Mlp | Bag):
        called, sizes = lines[0].split("(", 1)
        lines[0] = f"{called}({FEATURES}, {sizes.split(', ', 1)[1]}"
    if rebuilds:
        lines[-1] = f"{lines[-1].split(', ')[0]}, {FEATURES})"
    return tuple(lines)


def _layer(layer: nn.Module) -> str:
    if isinstance(layer, nn.Linear):
        return f"nn.Linear({layer.in_features}, {layer.out_features})"
    if isinstance(layer, nn.Conv2d):
        apart = f", dilation={layer.dilation[0]}" if layer.dilation[0] > 1 else ""
        around = f", padding={layer.padding[0]}" if layer.padding[0] else ""
        return f"nn.Conv2d({layer.in_channels}, {layer.out_channels}, {layer.kernel_size[0]}{around}{apart})"
    if isinstance(layer, nn.GroupNorm):
        return f"nn.GroupNorm({layer.num_groups}, {layer.num_channels})"
    if isinstance(layer, nn.AvgPool2d):
        return f"nn.AvgPool2d({literal(layer.kernel_size)})"
    if isinstance(layer, nn.PixelUnshuffle):
        return f"nn.PixelUnshuffle({layer.downscale_factor})"
    if isinstance(layer, nn.PixelShuffle):
        return f"nn.PixelShuffle({layer.upscale_factor})"
    if isinstance(layer, Dropout):
        return f"nn.Dropout({literal(layer.share)})"
    if isinstance(layer, nn.ReLU | nn.Tanh | nn.Flatten):
        return f"nn.{type(layer).__name__}()"
    table = layer.table  # the mean of vectors, the one layer that torch has not
    assert isinstance(table, nn.Embedding)
    return f"MeanOfVectors({table.num_embeddings}, {table.embedding_dim})"
