"""What a loss gives one value for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from torch import Tensor


class Unit(StrEnum):
    """The shape of meaning of ``reduction="none"``: one value per ..."""

    ELEMENT = "element"  # every entry of the input
    ROW = "row"  # every entry of the input but for its class axis, its columns or its table
    REGION = "region"  # sample and class; a sum over all other axes
    TRIPLET = "triplet"  # anchor, positive and negative, given together
    ANCHOR = "anchor"  # a sample of a batch, compared with the others
    DISTRIBUTION = "distribution"  # a set of samples on the last axis

    @property
    def says(self) -> str:
        """The unit's shape in words."""
        return _SAYS[self]


_SAYS = {
    Unit.ELEMENT: "one value per element: the shape of the input",
    Unit.ROW: "one value per row: the shape of the input without its last or class axis",
    Unit.REGION: "one value per sample and class, a sum over all other axes: (N, C), or (N,) for one class",
    Unit.TRIPLET: "one value per triplet: the shape of the input without its feature axis",
    Unit.ANCHOR: "one value per sample of the batch: (N,), 0 where a sample has no partners",
    Unit.DISTRIBUTION: "one value per distribution: the shape of the input without its last axis",
}


@dataclass(frozen=True)
class Per:
    """Marks the return annotation of a loss's math with its unit."""

    unit: Unit


PerElement = Annotated[Tensor, Per(Unit.ELEMENT)]
PerRow = Annotated[Tensor, Per(Unit.ROW)]
PerRegion = Annotated[Tensor, Per(Unit.REGION)]
PerTriplet = Annotated[Tensor, Per(Unit.TRIPLET)]
PerAnchor = Annotated[tuple[Tensor, Tensor, Tensor | None], Per(Unit.ANCHOR)]
PerDistribution = Annotated[Tensor, Per(Unit.DISTRIBUTION)]
