"""What is examined: a loss, and the generator its inputs are drawn with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..core.declaration import Loss
from ..core.function import LossFunction
from ..core.unit import Unit
from . import draw
from .draw import Case


@dataclass(frozen=True)
class Subject:
    """A loss under examination. Every draw comes from ``generator``, so a seed is the whole examination.

    ``tally`` counts the attempts made at each claim.
    """

    function: LossFunction
    generator: torch.Generator
    tally: Counter[str] = field(default_factory=Counter)

    @property
    def loss(self) -> Loss:
        return self.function.loss

    def case(self, *samples: int, **how: Any) -> Case:
        """Draw one call; a region always has an axis to sum over, an anchor's samples are one axis."""
        if self.loss.unit is Unit.REGION and len(samples) == 1:
            samples = (*samples, 3)
        if self.loss.unit is Unit.ANCHOR:
            samples = samples[:1]
        return draw.case(self.function, self.generator, samples, **how)

    def hypers(self, count: int) -> Iterator[dict[str, Any]]:
        """Defaults first, then examples and members of the domains."""
        return draw.hypers(self.loss, self.generator, count)

    def mask(self, case: Case, share: float = 0.6) -> Tensor:
        """A mask over the batch of a case, neither full nor empty where the batch has two samples."""
        count = case.samples[0]
        mask = torch.rand(count, generator=self.generator) < share
        mask[0], mask[-1] = True, count == 1
        return mask

    def weight(self, case: Case, dtype: torch.dtype = torch.float32) -> Tensor:
        """Positive weights over the batch of a case."""
        return (0.25 + torch.rand(case.samples[0], generator=self.generator, dtype=torch.float64)).to(dtype)

    def class_weight(self, case: Case, dtype: torch.dtype = torch.float32) -> Tensor:
        """Positive weights of the classes of a case."""
        return (0.25 + torch.rand(case.classes, generator=self.generator, dtype=torch.float64)).to(dtype)

    def measures(self, case: Case, dtype: torch.dtype = torch.float32) -> Iterator[dict[str, Tensor]]:
        """Every way to say how much units count: nothing, mask, weight, class weight, all of them."""
        ways = {"mask": self.mask(case), "weight": self.weight(case, dtype)}
        if "class_weight" in self.loss.options:
            ways["class_weight"] = self.class_weight(case, dtype)
        yield {}
        for name, tensor in ways.items():
            yield {name: tensor}
        yield ways
