"""What is refused by its value: targets, weights and hyper-parameters outside their domains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ... import nn
from ...core.checks import checks
from ...core.declaration import Input
from ...core.domains import PerClass
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


@promise(15, applies=lambda loss: loss.judged)
def values_outside_their_domain_are_refused(subject: Subject) -> None:
    """A class index out of range, a target of 7, rows that do not sum to 1, a negative count: refused."""
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
            even = torch.full(case.rows_of_classes, 1 / case.classes)
            wrong += [(even * 1.01, "sum to 1"), (even - 0.5, "from 0 to 1"), (even * 3, "sum(")]
        return wrong
    domain = each.kind.domain
    if domain is not None:
        outside = [bad for bad in (-7.0, -1.0, 0.0, 1.5, torch.inf) if not domain.holds(bad)]
        return [(_first(tensor, bad), f"{bad:g}") for bad in outside]
    if form is Form.LABELS:
        return [(_first(tensor, bad), f"{bad:g}") for bad in (7.0, -1.0)]
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
            made(**{**case.hyper, each.name: outside[0]})
        except DomainError as error:
            sentence_is_whole(str(error), "a module", (each.name,), case)
        else:
            insist(False, f"a module took {each.name}={outside[0]!r}", case)


@promise(15, applies=lambda loss: loss.per_class)
def numbers_per_class_are_judged(subject: Subject) -> None:
    """One number per class too many or too few, or one outside its domain, is refused, as a sequence and a tensor."""
    case = subject.case(6)
    for each in case.loss.hyper:
        domain = each.domain
        if not isinstance(domain, PerClass):
            continue
        good = torch.tensor(case.hyper[each.name], dtype=torch.float64)
        size = len(good)
        longer = torch.nn.functional.pad(good, (0, 1) * domain.axes, value=1.0)
        shorter = good[(slice(size - 1),) * domain.axes]
        wrong: list[tuple[Tensor, type[CallError]]] = [(shorter, ShapeError), (longer, ShapeError)]
        outside = [bad for bad in (-1.0, 0.0, torch.nan, torch.inf) if not domain.each.holds(bad)]
        wrong += [(_first(good, bad), DomainError) for bad in outside]
        if domain.stochastic:
            wrong = [*wrong[2:], (good * 0.9, DomainError)]
        if domain.invertible:
            wrong.append((torch.full_like(good, 1.0 / size), DomainError))
        for bad, error in wrong:
            for given in (bad, tuple(tuple(row) if isinstance(row, list) else row for row in bad.tolist())):
                asked = replace(case, hyper={**case.hyper, each.name: given})
                refused(asked, error, each.name, what=f"{each.name} of the wrong kind")


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


def _scaled(case: Case, change: Callable[[Tensor, Form], Tensor]) -> Case:
    """The case with every input that ``inputs=`` speaks of changed: they share one scale."""

    def changed(tensor: Tensor, each: Input) -> Tensor:
        return change(tensor, each.kind.form) if each.kind.form in (Form.LOGIT, Form.LOGITS) else tensor

    return case.map(changed)


def _probable(logits: Tensor, form: Form) -> Tensor:
    return torch.softmax(logits, 1) if form is Form.LOGITS else torch.sigmoid(logits)


def _certain(p: Tensor, form: Form) -> Tensor:
    if form is Form.LOGITS:
        return torch.zeros_like(p).scatter(1, p.argmax(1, keepdim=True), 1.0)
    return (p > 0.5).to(p.dtype)


@promise(15, applies=lambda loss: "inputs" in loss.options)
def probabilities_are_never_clamped(subject: Subject) -> None:
    """Given probabilities of exactly 0 and 1 the loss is exact: 0 or infinite where that is the truth, never NaN."""
    for hyper in subject.hypers(4):
        for soft in (False, True):
            case = subject.case(8, hyper=hyper, soft=soft)
            p = _scaled(case, _probable)
            wanted = case(reduction="none")
            for scale, given in (
                ("probabilities", p),
                ("log_probabilities", _scaled(p, lambda p, _: p.log())),
            ):
                found = given(inputs=scale, reduction="none")
                agree = torch.allclose(found, wanted, rtol=1e-4, atol=1e-6)
                insist(agree, f"{scale} mean something else than logits", given, inputs=scale)
            ends = _scaled(p, _certain)
            value = ends(inputs="probabilities", reduction="none")
            insist(
                not bool(value.isnan().any()),
                "NaN from probabilities of 0 and 1",
                ends,
                inputs="probabilities",
            )
            beyond = exchanged(case, 0, p.first + 1.0)
            refused(beyond, CallError, "from 0 to 1", what="logits as probabilities", inputs="probabilities")
