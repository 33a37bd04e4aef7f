"""What a call of ``linear`` asks for, judged before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Size, Tensor

from lossary.core import checks, probes, registry
from lossary.core.declaration import REQUIRED, Loss
from lossary.core.domains import NonNegative, Positive
from lossary.core.errors import DomainError, DtypeError, OptionError, ShapeError, sentence
from lossary.core.function import LossFunction
from lossary.core.kinds import Form
from lossary.core.modules import LossModule, Single
from lossary.core.options import Options
from lossary.core.unit import Unit

from .report import NAMES

#: What a linear layer's outputs can be.
_OUTPUTS = (Form.LOGITS, Form.SCORES, Form.LOGIT, Form.SCORE, Form.REAL, Form.COLUMNS)
#: What stands beside them and comes from no layer.
_TARGETS = (Form.CLASS, Form.BINARY, Form.LABELS, Form.DISTRIBUTION, Form.REAL)
#: Options that a linear head settles: its outputs are logits, and the classes lie on the last axis.
_SETTLED = ("class_dim", "inputs", "gather")


class Call(NamedTuple):
    """A call, with nothing left open.

    Attributes:
        subject: the function's name, for errors.
        loss: the loss, with its ``hyper`` and ``options``; the options' backend is that of the loss's own math.
        targets: every input of the loss but the first.
        backend: "auto", "chunked" or "eager".
        rows: how many rows a chunk has; None: what fits.
        report: what else is asked for.
        z_loss: of cross-entropy alone, as ``soft_cap`` and ``class_group``.
    """

    subject: str
    loss: Loss
    hyper: Mapping[str, Any]
    options: Options
    hidden: Tensor
    weight: Tensor
    bias: Tensor | None
    targets: tuple[Tensor | None, ...]
    backend: str = "auto"
    rows: int | None = None
    report: tuple[str, ...] = ()
    z_loss: float = 0.0
    soft_cap: float | None = None
    class_group: object = None


def call(
    subject: str,
    loss: str | Callable[..., Any],
    hidden: Tensor,
    weight: Tensor,
    target: Tensor | tuple[Tensor, ...],
    bias: Tensor | None,
    row_weight: Tensor | None,
    mask: Tensor | None,
    given: Mapping[str, Any],
    rows: int | None,
    report: str | tuple[str, ...],
    settings: Mapping[str, Any],
) -> Call:
    """Put a call together.

    Args:
        given: reduction, denominator, group and backend; those that are None are the module's, or at their defaults.
        settings: hyper-parameters and other options by name.

    Raises:
        OptionError: something that is no single loss, an option that it does not have or that the head settles.
    """
    held: dict[str, Any] = {}
    if isinstance(loss, Single):
        held, loss = loss.settings, loss.function
    function: Any = _named(loss) if isinstance(loss, str) else loss
    record = getattr(function, "loss", None)
    if not isinstance(record, Loss) or isinstance(loss, LossModule):
        raise OptionError(
            sentence(
                f"{subject}(loss)",
                expected="one loss: its function, its name or its module",
                got=repr(loss),
                remedy="call linear once for every part of a sum",
            )
        )
    _check_kind(subject, record)
    settled = {**held, **settings, **{name: value for name, value in given.items() if value is not None}}
    hyper = {each.name: settled.pop(each.name, each.default) for each in record.hyper}
    for each in record.hyper:
        if hyper[each.name] is REQUIRED:
            each.check(record.name, REQUIRED)
    backend = settled.pop("backend", "auto")
    _check_settings(subject, record, hyper, settled)
    options = Options(weight=row_weight, mask=mask, class_dim=-1, **settled)
    targets = target if isinstance(target, tuple) else (target,)
    if len(targets) != len(record.inputs) - 1:
        names = [each.name for each in record.inputs[1:]]
        raise OptionError(
            sentence(
                f"{subject}(target)",
                expected=names[0] if len(names) == 1 else f"a tuple of {', '.join(names)}",
                got="one tensor" if len(targets) == 1 else f"{len(targets)} tensors",
                remedy=f"pass what lossary.{record.name} is called with after {record.inputs[0].name}",
            )
        )
    reported = (report,) if isinstance(report, str) else tuple(report)
    return Call(subject, record, hyper, options, hidden, weight, bias, targets, backend, rows, reported)


_known: dict[str, LossFunction] = {}


def _named(name: str) -> LossFunction:
    """A loss by its name."""
    _find(name)
    return _known[name]


# A compiler cannot follow an import, so it runs this once instead of looking into it.
@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _find(name: str) -> bool:
    if name not in _known:
        _known[name] = registry.get(name)
    return True


def _check_settings(subject: str, loss: Loss, hyper: Mapping[str, Any], settled: Mapping[str, Any]) -> None:
    """Refuse options that the loss does not have, or that the head settles."""
    known = [name for name in loss.options if name not in _SETTLED]
    for name, value in settled.items():
        if name in known or name in ("reduction", "denominator", "group"):
            continue
        ours = name in _SETTLED
        raise OptionError(
            sentence(
                f"{subject}({name}=...)",
                expected="logits with the classes last" if ours else _any_of([*hyper, *known], loss),
                got=repr(value) if ours else repr(name),
                remedy="leave it out",
            )
        )


def _any_of(names: list[str], loss: Loss) -> str:
    return f"one of {', '.join(names)}" if names else f"nothing, as {loss.name} has no settings"


def _check_kind(subject: str, loss: Loss) -> None:
    """Refuse a loss whose first input no linear layer gives, or which needs more of a network than one layer."""
    forms = [each.kind.form for each in loss.inputs]
    if loss.unit in (Unit.ROW, Unit.ELEMENT) and forms[0] in _OUTPUTS and not loss.facts.coupled:
        if len(forms) > 1 and all(form in _TARGETS for form in forms[1:]):
            return
        got = f"{loss.name} of {', '.join(each.name for each in loss.inputs)}"
    else:
        got = f"{loss.name}, {loss.unit.says}"
    raise OptionError(
        sentence(
            f"{subject}(loss)",
            expected="a loss with one value per row or element of a layer's outputs, compared with targets",
            got=got,
            remedy=f"call lossary.{loss.name} on the outputs",
        )
    )


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
