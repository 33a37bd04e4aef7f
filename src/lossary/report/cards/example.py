"""The example computed by hand, as the call that gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.core.declaration import REQUIRED, Input, Loss
from lossary.core.errors import OptionError, sentence
from lossary.core.kinds import Form
from lossary.core.unit import Unit

from .claims import value


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


def with_required(loss: Loss, settings: Mapping[str, object]) -> dict[str, object]:
    """The settings, and those of the example for what every call must give.

    Raises:
        OptionError: neither has one of them.
    """
    found = dict(settings)
    for each in loss.hyper:
        if each.default is not REQUIRED or each.name in found:
            continue
        if each.name not in loss.facts.example.hyper:
            raise OptionError(
                sentence(
                    f"{loss.name}({each.name}=...)",
                    expected=each.domain.says,
                    got="nothing, and none in its example",
                    remedy=f"write --set {each.name}=...",
                )
            )  # fmt: skip
        found[each.name] = loss.facts.example.hyper[each.name]
    return found


def tensor_of(each: Input, numbers: object) -> Tensor:
    """An input of the example as the loss takes it."""
    labels = each.kind.form in (Form.CLASS, Form.LABEL) and _whole(numbers)
    return torch.tensor(numbers, dtype=torch.int64 if labels else torch.float64)


def nested(numbers: object) -> str:
    """Nested lists as one types them; text among the numbers stays as it is."""
    if isinstance(numbers, (list, tuple)):
        return f"[{', '.join(nested(one) for one in numbers)}]"
    return value(numbers)


def _whole(numbers: object) -> bool:
    return all(map(_whole, numbers)) if isinstance(numbers, (list, tuple)) else isinstance(numbers, int)
