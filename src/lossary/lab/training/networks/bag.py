"""A bag of words: the mean of learned vectors, then linear layers. The network of texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from lossary.lab.training.networks.chance import size, started
from lossary.lab.training.networks.checked import counted, shared, sized
from lossary.lab.training.networks.dropout import Dropout


class MeanOfVectors(nn.Module):
    """Token ids (rows, length), 0 for padding, to the mean vector of those that are none (rows, wide)."""

    def __init__(self, vocabulary: int, wide: int) -> None:
        super().__init__()
        self.table = nn.Embedding(vocabulary, wide, device="meta")

    def forward(self, ids: Tensor) -> Tensor:
        counts = (ids != 0).to(self.table.weight.dtype).unsqueeze(-1)
        vectors: Tensor = self.table(ids)
        return (vectors * counts).sum(-2) / counts.sum(-2).clamp(min=1)


@dataclass(frozen=True)
class Bag:
    """Token ids (rows, length) to `outputs` raw numbers; ids are below `vocabulary`, and 0 is padding."""

    vocabulary: int
    vectors: int
    hidden: tuple[int, ...]
    outputs: int
    dropout: float = 0.0

    def __post_init__(self) -> None:
        sized(self, self.vocabulary - 1, self.vectors, *self.hidden, self.outputs)
        shared(self.dropout)

    @cached_property
    def size(self) -> int:
        """How many numbers are learned."""
        return size(self._layers())

    def describe(self) -> str:
        """Its layers in words."""
        mean = f"the mean of vectors of {self.vectors} numbers for {counted(self.vocabulary - 1, 'word')}"
        hidden = [f"{units} hidden units (ReLU)" for units in self.hidden]
        dropped = [f"dropout {self.dropout:g}"] if self.dropout else []
        return ", ".join([mean, *hidden, *dropped, counted(self.outputs, "output")])

    def with_outputs(self, outputs: int) -> Bag:
        """The same with another last layer."""
        return replace(self, outputs=outputs)

    def module(self, split: int, seed: int, dtype: torch.dtype = torch.float32) -> nn.Module:
        """The module, holding the initial weights of (split, seed)."""
        return started(self._layers(), split, seed, dtype)

    def _layers(self) -> nn.Sequential:
        layers: list[nn.Module] = [MeanOfVectors(self.vocabulary, self.vectors)]
        units = self.vectors
        for wide in self.hidden:
            layers += [nn.Linear(units, wide, device="meta"), nn.ReLU()]
            units = wide
        if self.dropout:
            layers.append(Dropout(self.dropout))
        layers.append(nn.Linear(units, self.outputs, device="meta"))
        return nn.Sequential(*layers)
