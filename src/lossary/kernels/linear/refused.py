"""What ``linear`` refuses: tensors that are no head, and settings outside their domain."""

from __future__ import annotations

from torch import Size, Tensor

from lossary.core import checks, probes, values
from lossary.core.domains import NonNegative, Positive
from lossary.core.errors import DomainError, DtypeError, OptionError, ShapeError, sentence
from lossary.core.kinds import Form
from lossary.core.unit import Unit

from .asked import Call
from .report import NAMES


def check(call: Call) -> None:
    """Refuse tensors that are no head, and settings outside their domain.

    Raises:
        DtypeError, ShapeError, DomainError, OptionError: naming the argument.
    """
    subject, hidden, weight, bias = call.subject, call.hidden, call.weight, call.bias
    for name, tensor in (("hidden", hidden), ("weight", weight), ("bias", bias)):
        if tensor is not None:
            _check_floating(subject, name, tensor, hidden)
    if hidden.ndim == 0 or weight.ndim != 2 or weight.shape[1] != hidden.shape[-1] or len(weight) == 0:
        raise ShapeError(
            sentence(
                subject,
                expected="hidden (..., D) and weight (V, D) with V of at least 1",
                got=f"hidden {tuple(hidden.shape)} and weight {tuple(weight.shape)}",
                remedy="pass weight.T"
                if weight.ndim == 2 and hidden.ndim and len(weight) == hidden.shape[-1]
                else "pass the weight of the layer behind hidden",
            )
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ShapeError(
            sentence(
                f"{subject}(bias)",
                expected=f"shape ({len(weight)},), one number per output",
                got=f"shape {tuple(bias.shape)}",
                remedy="pass the layer's bias, or None",
            )
        )
    _check_targets(call)
    _check_row_weight(call)
    _check_numbers(call)


def _check_floating(subject: str, name: str, tensor: object, hidden: Tensor) -> None:
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        got = f"{tensor.dtype}" if isinstance(tensor, Tensor) else type(tensor).__name__
        raise DtypeError(
            sentence(
                f"{subject}({name})", expected="a floating tensor", got=got, remedy="pass numbers of a layer"
            )
        )
    if tensor.device != hidden.device:
        raise DtypeError(
            sentence(
                f"{subject}({name})",
                expected=f"a tensor on {hidden.device}, where hidden is",
                got=f"one on {tensor.device}",
                remedy=f"move it with {name}.to({str(hidden.device)!r})",
            )
        )
    if tensor.dtype != hidden.dtype and not probes.autocast_is_on(hidden):
        raise DtypeError(
            sentence(
                f"{subject}({name})",
                expected=f"{hidden.dtype}, as hidden has",
                got=f"{tensor.dtype}",
                remedy=f"pass hidden.to({tensor.dtype}), or call it under torch.autocast",
            )
        )


def _check_targets(call: Call) -> None:
    """A target of rows where each output of the head is a unit: the core would have its prediction squeezed."""
    if units(call) == call.hidden.shape[:-1]:
        return
    lead, classes = tuple(call.hidden.shape[:-1]), len(call.weight)
    for each, target in zip(call.loss.inputs[1:], call.targets, strict=False):
        if isinstance(target, Tensor) and tuple(target.shape) == lead:
            raise ShapeError(
                sentence(
                    f"{call.subject}({each.name})",
                    expected=f"shape {(*lead, classes)}, a number for each output of the head",
                    got=f"shape {lead}",
                    remedy=f"pass {each.name}.unsqueeze(-1)" if classes == 1 else "give the head one output",
                )
            )


def _check_row_weight(call: Call) -> None:
    """The core calls it ``weight``, which is another argument here."""
    weight, samples = call.options.weight, units(call)
    if weight is None:
        return
    found: object = weight
    if not isinstance(found, Tensor) or found.shape != samples[: found.ndim]:
        got = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
        raise ShapeError(
            sentence(
                f"{call.subject}(row_weight)",
                expected=f"a tensor of shape {tuple(samples)} or the first axes of it",
                got=got,
                remedy="align it with the axes of hidden from the left",
            )
        )
    if checks.reads_values(weight):
        values.weights(f"{call.subject}(row_weight)", weight)


def units(call: Call) -> Size:
    """The sample axes of the call, that weights and masks follow."""
    lead = call.hidden.shape[:-1]
    whole = call.loss.unit is Unit.ELEMENT and call.loss.extra_axis is None
    return Size((*lead, len(call.weight))) if whole else lead


def _check_numbers(call: Call) -> None:
    subject, rows, cap = call.subject, call.rows, call.soft_cap
    if rows is not None and (type(rows) is not int or rows < 1):
        raise DomainError(
            sentence(
                f"{subject}(rows=...)",
                expected="an integer of at least 1",
                got=repr(rows),
                remedy="leave it out",
            )
        )
    wrong = next((name for name in call.report if name not in NAMES), None)
    if wrong is not None:
        raise OptionError(
            sentence(
                f"{subject}(report=...)",
                expected="'accuracy', 'entropy' or both",
                got=repr(wrong),
                remedy="leave it out",
            )
        )
    if call.report and call.loss.inputs[0].kind.form is not Form.LOGITS:
        raise OptionError(
            sentence(
                f"{subject}(report=...)",
                expected="a loss of class logits",
                got=call.loss.name,
                remedy="leave it out",
            )
        )
    if checks.level == "off":
        return
    if not NonNegative.holds(call.z_loss):
        raise DomainError(
            sentence(
                f"{subject}(z_loss=...)",
                expected=NonNegative.says,
                got=repr(call.z_loss),
                remedy="1e-4 is common",
            )
        )
    if cap is not None and not Positive.holds(cap):
        raise DomainError(
            sentence(
                f"{subject}(soft_cap=...)",
                expected=f"{Positive.says}, or None",
                got=repr(cap),
                remedy="30.0 is common",
            )
        )
