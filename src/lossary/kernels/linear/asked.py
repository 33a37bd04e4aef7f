"""What a call of ``linear`` asks for, judged before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import Tensor

from lossary.core import probes, registry
from lossary.core.declaration import REQUIRED, Loss
from lossary.core.errors import OptionError, sentence
from lossary.core.function import LossFunction
from lossary.core.kinds import Form
from lossary.core.modules import LossModule, Single
from lossary.core.options import Options
from lossary.core.unit import Unit

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
        backend: "auto", "triton", "chunked" or "eager".
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
    report: str | tuple[str, ...] | None,
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
    reported = (report,) if isinstance(report, str) else tuple(report or ())
    return Call(subject, record, hyper, options, hidden, weight, bias, targets, backend, rows, reported)


_known: dict[str, LossFunction] = {}


def _named(name: str) -> LossFunction:
    """A loss by its name."""
    _find(name)
    return _known[name]


# A compiler cannot follow an import, so it runs this once instead of looking into it.
@probes.constant
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
