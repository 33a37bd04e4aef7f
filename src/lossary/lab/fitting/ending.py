"""What stands at a network's end: an activation that the loss would apply a second time is refused."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lossary.core.errors import DataError, sentence
from lossary.core.kinds import Form
from lossary.lab.fitting.goal import Goal

# Autograd's names of what only changes the shape of a result.
RESHAPES = ("View", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "UnsafeView", "Alias", "Clone", "Transpose")
ENDS = {"SoftmaxBackward0": "softmax", "SigmoidBackward0": "sigmoid"}


def activation(outputs: Tensor) -> str:
    """ "softmax" or "sigmoid" where that is the last thing computed, as a layer or as a function; else ""."""
    step: Any = outputs.grad_fn
    while step is not None and step.name().startswith(RESHAPES):
        step = step.next_functions[0][0] if step.next_functions else None
    return "" if step is None else ENDS.get(step.name(), "")


def refuse_twice(found: str, aim: Goal) -> None:
    """Raises DataError where the network ends with an activation that belongs to the loss."""
    if not found or aim.outputs not in (Form.LOGIT, Form.LOGITS):
        return
    raise DataError(
        sentence(
            "model",
            expected=f"logits, to which {aim.name} applies its own {_own(aim)}",
            got=f"probabilities: its last step is a {found}",
            remedy=f"remove the {found} from its end and apply it to what it predicts afterwards",
        )
    )


def _own(aim: Goal) -> str:
    return "sigmoid" if aim.outputs is Form.LOGIT else "softmax"
