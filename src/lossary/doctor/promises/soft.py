"""What a soft target means."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ...core.errors import CallError
from ...core.kinds import Form
from ...core.unit import Unit
from ..agree import all_same, same
from ..draw import Case
from ..promise import insist, promise
from ..subject import Subject
from .refusals import refused


def _target(case: Case, target: Tensor) -> Case:
    """The case with another target."""
    return case.map(lambda tensor, each: target if each.kind.form in (Form.CLASS, Form.BINARY) else tensor)


def one_hot(case: Case) -> Tensor:
    """Index targets as rows of probabilities on the class axis."""
    return F.one_hot(case.target, case.classes).movedim(-1, 1).to(case.first.dtype)


@promise(8, applies=lambda loss: loss.has(Form.CLASS) and loss.facts.soft is not None)
def one_hot_is_the_index(subject: Subject) -> None:
    """A row with a single 1 is the index, in value, gradient and measure."""
    for hyper in subject.hypers(4):
        case = subject.case(6, 2, hyper=hyper)
        soft = _target(case, one_hot(case))
        for ways in subject.measures(case):
            value, gradients = case.gradients(**ways)
            other, parts = soft.gradients(**ways)
            insist(same(other, value), f"{other:.6g} from rows, {value:.6g} from indices", soft, **ways)
            insist(all_same(parts, gradients), "gradients of rows and indices differ", soft, **ways)


@promise(8, applies=lambda loss: loss.facts.soft is None and loss.has(Form.CLASS, Form.BINARY))
def soft_targets_are_refused(subject: Subject) -> None:
    """A loss that gives soft targets no meaning refuses them."""
    case = subject.case(6)
    rows = case.loss.has(Form.CLASS)
    even = torch.full(case.rows_of_classes, 1 / case.classes) if rows else torch.full_like(case.first, 0.5)
    case = _target(case, even)
    refused(case, CallError, "no meaning", what="a soft target")


@promise(8, applies=lambda loss: "label_smoothing" in loss.options)
def smoothing_is_a_soft_target(subject: Subject) -> None:
    """Label smoothing is the soft target (1 - e)·q + e/C, also under class weights."""
    for hyper in subject.hypers(4):
        case = subject.case(6, 2, hyper=hyper, dtype=torch.float64)
        hard = one_hot(case) if case.loss.has(Form.CLASS) else case.target
        classes = case.classes
        smooth = _target(case, hard * 0.9 + 0.1 / classes)
        for ways in subject.measures(case, torch.float64):
            a, b = case(label_smoothing=0.1, **ways), smooth(**ways)
            insist(
                same(a, b),
                f"{a:.6g} smoothed, {b:.6g} with the soft target",
                case,
                label_smoothing=0.1,
                **ways,
            )


@promise(8, applies=lambda loss: loss.facts.soft == "mixture" and loss.unit is not Unit.REGION)
def a_mixture_is_an_expectation(subject: Subject) -> None:
    """The value, and the measure, at a soft target are their expectations over the classes it names."""
    for hyper in subject.hypers(4):
        case = subject.case(6, hyper=hyper, dtype=torch.float64, soft=True)
        for weights in (
            (None, subject.class_weight(case, torch.float64))
            if "class_weight" in case.loss.options
            else (None,)
        ):
            options = {} if weights is None else {"class_weight": weights}
            wanted = torch.zeros(case.samples, dtype=torch.float64)
            count = torch.zeros((), dtype=torch.float64)
            for each in range(case.classes):
                labels = torch.full(case.samples, each)
                rows = (
                    case.target[:, each]
                    if case.loss.has(Form.CLASS)
                    else case.target
                    if each
                    else 1 - case.target
                )
                if not case.loss.has(Form.CLASS):
                    labels = labels.to(case.target.dtype)
                wanted = wanted + rows * _target(case, labels)(reduction="none", **options)
                count = count + rows.sum() * (1.0 if weights is None else weights[each])
            got = case(reduction="none", **options)
            insist(
                same(got, wanted), "a soft target is not the expectation over its classes", case, **options
            )
            insist(
                same(case.count(**options), count),
                "the measure is not the expectation over classes",
                case,
                **options,
            )
