"""Is it a tensor, of a dtype its kind admits, where the others are?"""

from __future__ import annotations

from torch import Tensor

from .declaration import Input, Loss
from .errors import DtypeError, sentence
from .kinds import Form


def check(loss: Loss, each: Input, tensor: object, first: Tensor) -> None:
    """Raise DtypeError for what is no tensor, has a dtype its kind does not admit, or is on another device."""
    name = f"{loss.name}({each.name})"
    if not isinstance(tensor, Tensor):
        raise DtypeError(
            sentence(
                name,
                expected="a tensor",
                got=type(tensor).__name__,
                remedy=f"pass torch.as_tensor({each.name})",
            )
        )
    if each.kind.floating and not tensor.is_floating_point():
        wide = first.dtype if first.is_floating_point() else "torch.float32"
        raise DtypeError(
            sentence(
                name,
                expected="a floating tensor",
                got=f"{tensor.dtype}",
                remedy=f"pass {each.name}.to({wide})",
            )
        )
    if tensor.is_complex() or (each.kind.form is Form.LABEL and tensor.is_floating_point()):
        wanted = (
            "an integer tensor" if each.kind.form is Form.LABEL else "an integer, boolean or floating tensor"
        )
        raise DtypeError(
            sentence(name, expected=wanted, got=f"{tensor.dtype}", remedy=f"pass {each.name}.long()")
        )
    if tensor.device != first.device:
        raise DtypeError(
            sentence(
                name,
                expected=f"a tensor on {first.device}, where {loss.inputs[0].name} is",
                got=f"one on {tensor.device}",
                remedy=f"move it with {each.name}.to({str(first.device)!r})",
            )
        )
