"""What a call says beyond its inputs and hyper-parameters."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

#: The ``ignore_index`` nobody chose: -100 where the target holds indices, nothing elsewhere.
AUTO = "auto"


class Options(NamedTuple):
    """The options of a call; a loss that lacks one leaves it at its default."""

    weight: Tensor | None = None
    mask: Tensor | None = None
    reduction: str = "mean"
    denominator: float | Tensor | None = None
    group: object = None
    backend: str = "auto"
    class_weight: Tensor | None = None
    class_dim: int = 1
    ignore_index: int | str | None = AUTO
    inputs: str = "logits"
    target_inputs: str = "probabilities"
    label_smoothing: float = 0.0
    gather: object = None


#: The call that asks for nothing.
PLAIN = Options()

#: Options of every loss, in the order of the signature.
COMMON = ("weight", "mask", "reduction", "denominator", "group", "backend")

#: Options that belong to a call; the others are settings of a module.
PER_CALL = ("weight", "mask", "denominator")
