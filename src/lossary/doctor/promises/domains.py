"""What is refused by its value: targets, weights and hyper-parameters outside their domains."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ... import nn
from ...core.checks import checks
from ...core.declaration import Input
from ...core.errors import CallError, DomainError, ShapeError
from ...core.kinds import Form
from ...core.modules import camel
from ..agree import same
from ..draw import Case
from ..promise import insist, promise
from ..subject import Subject
from .refusals import exchanged, refused, sentence_is_whole

#: Values of which every domain lacks some.
CANDIDATES: tuple[Any, ...] = (
    -1.0, float("nan"), float("inf"), "no such word", [], [2.0], 1.5, 0.0, None, True, -0.0001,
)  # fmt: skip


@promise(15, applies=lambda loss: loss.has(Form.CLASS, Form.BINARY, Form.DISTRIBUTION, Form.MASS))
def values_outside_their_domain_are_refused(subject: Subject) -> None:
    """A class index out of range, a target of 7, rows that do not sum to 1, a negative mass: refused."""
    case = subject.case(6)
    for position, each in enumerate(case.loss.inputs):
        tensor = case.inputs[position]
        if tensor is None:
            continue
        for bad, word in _outside(case, each, tensor):
            refused(
                exchanged(case, position, bad),
                DomainError,
                each.name,
                word,
                what=f"{each.name} outside its domain",
            )


def _outside(case: Case, each: Input, tensor: Tensor) -> list[tuple[Tensor, str]]:
    """Tensors outside the domain of one input, and a word that the error must hold."""
    form = each.kind.form
    if form is Form.CLASS:
        last = case.classes - 1
        wrong = [(_first(tensor, last + 1), f"from 0 to {last}"), (_first(tensor, -1), "-1")]
        if case.loss.facts.soft is not None:
            even = torch.full(case.first.shape, 1 / case.classes)
            wrong += [(even * 1.01, "sum to 1"), (even - 0.5, "from 0 to 1"), (even * 3, "sum(")]
        return wrong
    if form is Form.BINARY:
        signs = _first(torch.ones_like(tensor), -1.0)
        return [
            *((_first(tensor, bad), f"{bad:g}") for bad in (7.0, 1.5, -0.25)),
            (signs, f"({each.name} + 1) / 2"),
        ]
    if form is Form.DISTRIBUTION:
        return [(tensor * 0.9, "sum to 1"), (tensor - 1.0, "from 0 to 1")]
    if form is Form.MASS:
        return [(-tensor, "at least 0"), (tensor * 0, "positive mass")]
    return []


def _first(tensor: Tensor, value: float) -> Tensor:
    spoiled = tensor.clone()
    spoiled.view(-1)[0] = value
    return spoiled


@promise(15)
def weights_outside_their_domain_are_refused(subject: Subject) -> None:
    """A negative, infinite or NaN weight is refused, for units and for classes."""
    case = subject.case(6)
    classes = "class_weight" in case.loss.options
    for bad in (-0.5, float("inf"), float("nan")):
        weight = _first(torch.ones(6), bad)
        refused(case, DomainError, "weight", "at least 0", "mask", what=f"a weight of {bad}", weight=weight)
        if classes:
            each = _first(torch.ones(case.classes), bad)
            refused(case, DomainError, "class_weight", what=f"a class weight of {bad}", class_weight=each)
    if classes:
        longer = torch.ones(case.classes + 1)
        refused(case, ShapeError, f"({case.classes},)", what="a class weight too many", class_weight=longer)


@promise(15, applies=lambda loss: bool(loss.hyper))
def hyper_parameters_stay_in_their_domain(subject: Subject) -> None:
    """A hyper-parameter outside its domain is refused by function and module, and the domain is told."""
    case = subject.case(6)
    made = getattr(nn, camel(case.loss.name), None)
    for each in case.loss.hyper:
        outside = [
            one for one in CANDIDATES if not (each.domain.holds(one) or (one is None and each.nullable))
        ]
        insist(outside, f"the domain of {each.name} holds everything", case)
        for value in outside:
            bad = replace(case, hyper={**case.hyper, each.name: value})
            refused(
                bad, DomainError, each.name, each.domain.says[:12], repr(value), what=f"{each.name}={value!r}"
            )
        if made is None or made.function is not subject.function:
            continue
        try:
            made(**{each.name: outside[0]})
        except DomainError as error:
            sentence_is_whole(str(error), "a module", (each.name,), case)
        else:
            insist(False, f"a module took {each.name}={outside[0]!r}", case)


@promise(15)
def checks_off_changes_no_value(subject: Subject) -> None:
    """``checks("off")`` removes the checks and nothing else; ``"full"`` adds no meaning."""
    for hyper in subject.hypers(2):
        case = subject.case(6, hyper=hyper)
        for ways in subject.measures(case):
            wanted = case(**ways)
            with checks("off"):
                off = case(**ways)
            with checks("full"):
                full = case(**ways)
            # Unread values take the general path, whose sums may round in another order.
            alike = same(off, wanted, 4) and same(full, wanted, 4)
            insist(alike, "the checks change the value", case, **ways)


@promise(15, applies=lambda loss: "inputs" in loss.options)
def probabilities_are_never_clamped(subject: Subject) -> None:
    """Given probabilities of exactly 0 and 1 the loss is exact: 0 or infinite where that is the truth, never NaN."""
    for hyper in subject.hypers(4):
        for soft in (False, True):
            case = subject.case(8, hyper=hyper, soft=soft)
            rows = case.loss.has(Form.LOGITS)
            p = torch.softmax(case.first, 1) if rows else torch.sigmoid(case.first)
            wanted = case(reduction="none")
            for scale, first in (("probabilities", p), ("log_probabilities", p.log())):
                given = exchanged(case, 0, first)
                found = given(inputs=scale, reduction="none")
                agree = torch.allclose(found, wanted, rtol=1e-4, atol=1e-6)
                insist(agree, f"{scale} mean something else than logits", given, inputs=scale)
            certain = (
                torch.zeros_like(p).scatter(1, p.argmax(1, keepdim=True), 1.0)
                if rows
                else (p > 0.5).to(p.dtype)
            )
            ends = exchanged(case, 0, certain)
            value = ends(inputs="probabilities", reduction="none")
            insist(
                not bool(value.isnan().any()),
                "NaN from probabilities of 0 and 1",
                ends,
                inputs="probabilities",
            )
            beyond = exchanged(case, 0, p + 1.0)
            refused(beyond, CallError, "from 0 to 1", what="logits as probabilities", inputs="probabilities")
