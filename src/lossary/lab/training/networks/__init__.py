"""The networks that are trained: frozen descriptions, each of which makes the module it describes.

What they share: `outputs` raw numbers a row, `size` learned numbers, `describe()` in words, `with_outputs(n)` the
same with another last layer, and `module(split, seed, dtype)`, whose initial weights (split, seed) alone decide.
"""

from dataclasses import replace
from pathlib import Path

from lossary.lab.training.networks.bag import Bag
from lossary.lab.training.networks.chance import batch_order, generator, masks
from lossary.lab.training.networks.cnn import Cnn
from lossary.lab.training.networks.dropout import Dropout
from lossary.lab.training.networks.mlp import ACTIVATIONS, Mlp, initial
from lossary.lab.training.networks.own import Own, own
from lossary.lab.training.networks.segmenter import Segmenter

Network = Mlp | Cnn | Segmenter | Bag | Own


def placeless(network: Network) -> Network:
    """The same wherever it lies: a user's own under the bare name of its file."""
    return replace(network, path=Path(network.path).name) if isinstance(network, Own) else network


__all__ = [
    "ACTIVATIONS",
    "Bag",
    "Cnn",
    "Dropout",
    "Mlp",
    "Network",
    "Own",
    "Segmenter",
    "batch_order",
    "generator",
    "initial",
    "masks",
    "own",
    "placeless",
]
