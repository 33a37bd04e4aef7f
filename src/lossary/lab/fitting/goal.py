"""The loss of a training, whatever it was given as: a name, an expression, a module, a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lossary import nn
from lossary.core.declaration import Loss as Declaration
from lossary.core.errors import DataError, LossaryError, sentence
from lossary.core.function import LossFunction
from lossary.core.kinds import Form
from lossary.core.modules import LossModule, Single

Loss = str | LossFunction | torch.nn.Module | Callable[..., Tensor]


@dataclass(frozen=True)
class Goal:
    """A loss ready to be called, and what its declaration says; a loss from elsewhere says nothing."""

    name: str
    call: Callable[..., Tensor]
    weighted: bool  # takes weight=
    outputs: Form | None
    target: Form | None

    def mean(self, outputs: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        """The value of a batch. Raises as the loss does, and DataError for what is not ours."""
        given = {} if weight is None else {"weight": weight}
        try:
            value = self.call(outputs, target, **given)
        except LossaryError:
            raise
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise DataError(
                sentence(
                    f"loss {self.name}",
                    expected="to be callable as loss(outputs, target)",
                    got=f"{type(error).__name__} ({str(error).splitlines()[0]}) for outputs {tuple(outputs.shape)} "
                    f"and a target {tuple(target.shape)} of {str(target.dtype).removeprefix('torch.')}",
                    remedy="give it outputs and targets that belong together",
                )
            ) from error
        if tuple(getattr(value, "shape", (0,))) not in ((), (1,)):
            got = f"shape {tuple(value.shape)}" if hasattr(value, "shape") else type(value).__name__
            raise DataError(
                sentence(
                    f"loss {self.name}", expected="one number for a batch", got=got, remedy="return a mean"
                )
            )
        return value

    def typed(self, target: Tensor, like: torch.dtype) -> Tensor:
        """Targets as the loss takes them: class indices int64, all else in the network's dtype; one-hot rows stay."""
        if self.target is Form.CLASS and target.ndim > 1:
            return target.to(like)  # rows of probabilities
        if self.target in (Form.CLASS, Form.LABEL):
            whole = not target.is_floating_point() or bool((target == target.round()).all())
            if not whole:
                raise DataError(
                    sentence(
                        "y",
                        expected=f"class indices for {self.name}",
                        got=f"{float(target[target != target.round()].flatten()[0]):g} among them",
                        remedy="count the classes from 0, or choose a loss for numbers",
                    )
                )
            return target.long()
        if self.target is None and not target.is_floating_point():
            return target.long()  # as torch's own losses of classes take them
        return target.to(like)


def goal(loss: Loss) -> Goal:
    """What `loss` means. Raises LossaryError for a name or an expression that cannot be read."""
    if isinstance(loss, str):
        return _declared(nn.parse(loss), loss)
    if isinstance(getattr(loss, "loss", None), Declaration):  # a function of the catalogue
        return Goal(str(getattr(loss, "__name__", loss)), loss, True, *_forms([loss]))
    if isinstance(loss, LossModule):
        return _declared(loss, repr(loss))
    if callable(loss):
        named = repr(loss) if isinstance(loss, torch.nn.Module) else getattr(loss, "__name__", repr(loss))
        return Goal(named, loss, False, None, None)
    raise DataError(
        sentence(
            "loss",
            expected="a name, an expression, a module or a function",
            got=type(loss).__name__,
            remedy='write loss="cross_entropy"',
        )
    )


def _declared(module: LossModule, name: str) -> Goal:
    functions = [part.function for _, _, part in module.parts() if isinstance(part, Single)]
    return Goal(name, module, True, *_forms(functions))


def _forms(functions: list[Any]) -> tuple[Form | None, Form | None]:
    """Of the first part that compares outputs with a target; a penalty looks at neither."""
    for function in functions:
        needed = function.loss.required
        if len(needed) == 2:
            return needed[0].kind.form, needed[1].kind.form
        if len(needed) > 2:
            raise DataError(
                sentence(
                    f"loss {function.__name__}",
                    expected="a loss of outputs and a target",
                    got=f"one of {', '.join(each.name for each in needed)}",
                    remedy="train it with a loop of your own",
                )
            )
    raise DataError(
        sentence(
            "loss",
            expected="a loss of outputs and a target",
            got="a penalty alone",
            remedy="add a loss to it",
        )
    )
