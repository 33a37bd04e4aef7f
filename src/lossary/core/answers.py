"""From a network's raw outputs to the answer, and back: what a loss's link means.

``probabilities`` and ``decode`` are what a user calls on the outputs of a trained network; ``raw`` is the way back,
from class shares or a mean to the outputs that say them, with which a network's last layer starts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from . import axes, dtypes
from .card import Link
from .declaration import REQUIRED, Loss
from .errors import OptionError, sentence
from .kinds import Form

#: Class probabilities, or the probability of 1, of raw outputs with the classes last.
_PROBABILITIES: Mapping[Link, Callable[[Tensor], Tensor]] = {
    Link.LOGIT: lambda raw: torch.sigmoid(raw),
    Link.SOFTMAX: lambda raw: torch.softmax(raw, -1),
}

_RAW: Mapping[Link, Callable[[Tensor], Tensor]] = {
    Link.IDENTITY: lambda answer: answer,
    Link.EXP: lambda answer: answer.log(),
    Link.LOGIT: lambda answer: answer.logit(),
    Link.SOFTMAX: lambda answer: answer.log(),
}


def probabilities(loss: Loss, raw: Tensor, hyper: Mapping[str, Any], class_dim: int = 1) -> Tensor:
    """Probabilities of the classes on ``class_dim``, or of class 1, from a network's raw outputs.

    Raises:
        OptionError: the loss gives its outputs no meaning as probabilities.
    """
    made = loss.facts.probabilities or _PROBABILITIES.get(loss.facts.link)
    if made is None:
        raise OptionError(
            sentence(
                f"{loss.name}.probabilities",
                expected="a loss whose outputs stand for probabilities",
                got=f"the link {loss.facts.link.value!r}",
                remedy=f"call {loss.name}.decode for the answer itself",
            )
        )
    check(loss, raw, hyper, class_dim)
    return _along(loss, raw, class_dim, lambda rows: made(rows, **named(loss, made, hyper)))


def check(loss: Loss, raw: Tensor, hyper: Mapping[str, Any], class_dim: int) -> None:
    """Refuse what are no raw outputs of this loss: their dtype, their own axis, a hyper-parameter it does not have.

    Raises:
        DtypeError, ShapeError, OptionError, DomainError: as the call itself would.
    """
    settled = settle(loss, hyper)
    dtypes.check(loss, loss.inputs[0], raw, raw)
    if loss.inputs[0].kind.extra_axis is None:
        axes.own(loss, loss.inputs[0], raw, settled, class_dim, raw)


def settle(loss: Loss, hyper: Mapping[str, Any], complete: bool = False) -> dict[str, Any]:
    """Hyper-parameters given by name beside the defaults; ``complete`` asks for those without a default too.

    Raises:
        OptionError: one that the loss does not have, or one that is missing. DomainError: one outside its domain.
    """
    for each in loss.hyper:
        if each.name in hyper or (complete and each.default is REQUIRED):
            each.check(loss.name, hyper.get(each.name, REQUIRED))
    unknown = next((name for name in hyper if name not in {each.name for each in loss.hyper}), None)
    if unknown is not None:
        raise OptionError(
            sentence(
                f"{loss.name}({unknown}=...)",
                expected=f"one of {', '.join(each.name for each in loss.hyper)}" if loss.hyper else "nothing",
                got=repr(unknown),
                remedy="leave it out",
            )
        )
    return {**loss.defaults, **hyper}


def decode(loss: Loss, raw: Tensor, hyper: Mapping[str, Any], class_dim: int = 1) -> Tensor:
    """The answer that raw outputs stand for: the class, the labels, the number; as ``card.decode`` says in words."""
    facts, decoded = loss.facts, loss.facts.decoded
    check(loss, raw, hyper, class_dim)
    if decoded is not None:
        return _along(loss, raw, class_dim, lambda rows: decoded(rows, **named(loss, decoded, hyper)), True)
    if loss.has(Form.LABELS) or loss.inputs[0].kind.form in (Form.LOGIT, Form.SCORE):
        return (raw > 0).long()
    if loss.classed:
        return raw.argmax(0 if raw.ndim == 1 and class_dim == 1 else class_dim)
    if facts.law is not None and loss.has(Form.COLUMNS):
        mean: Tensor = facts.law(raw, **named(loss, facts.law, hyper)).mean
        return mean
    return raw.exp() if facts.link is Link.EXP else raw


def raw(loss: Loss, answer: Tensor, hyper: Mapping[str, Any]) -> Tensor | None:
    """Outputs, classes last, that say ``answer``: class probabilities (..., C), a probability of 1 or a mean.

    None where the loss has no way back.
    """
    made = loss.facts.raw or _RAW.get(loss.facts.link)
    return None if made is None else made(answer, **named(loss, made, hyper))


def _along(
    loss: Loss, raw: Tensor, class_dim: int, change: Callable[[Tensor], Tensor], drops: bool = False
) -> Tensor:
    """``change`` with the classes last; ``drops`` says that it takes the class axis away."""
    if not loss.classed:
        return change(raw)
    axis = axes.classes(loss, loss.inputs[0], raw, class_dim)
    found = change(raw.movedim(axis, -1))
    return found if drops and found.ndim < raw.ndim else found.movedim(-1, axis)


def named(loss: Loss, function: Callable[..., Any], hyper: Mapping[str, Any]) -> dict[str, Any]:
    """Those hyper-parameters that a fact asks for by name.

    Raises:
        OptionError: it asks for one that has no default and was not given.
    """
    names = inspect.signature(function).parameters
    for each in loss.hyper:
        if each.default is REQUIRED and each.name in names and each.name not in hyper:
            each.check(loss.name, REQUIRED)
    return {name: value for name, value in {**loss.defaults, **hyper}.items() if name in names}
