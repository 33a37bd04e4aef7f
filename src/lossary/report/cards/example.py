"""The example computed by hand, as the call that gives it."""

from __future__ import annotations

from dataclasses import dataclass

from lossary.core.declaration import Loss
from lossary.core.unit import Unit


@dataclass(frozen=True)
class Call:
    """What the loss is called with.

    Attributes:
        inputs: as nested lists.
        unit: which of the values that ``reduction="none"`` returns is meant, where there are several.
    """

    inputs: tuple[object, ...]
    unit: int | None = None


def call_of(loss: Loss) -> Call:
    """The call of a loss's example. The example of one unit among several ends with the number of that unit."""
    given, count = loss.facts.example.inputs, len(loss.required)
    inputs = given[:count]
    if loss.unit is Unit.REGION:
        inputs = tuple([each] for each in inputs)  # an image is a batch of one
    unit = given[count] if len(given) > count else None
    return Call(inputs, unit if isinstance(unit, int) else None)
