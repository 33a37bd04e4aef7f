"""What is refused before a value is read: shapes, dtypes, devices, options."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...core.errors import BackendError, CallError, DomainError, DtypeError, OptionError, ShapeError
from ...core.kinds import Form
from ...core.unit import Unit
from ..draw import Case
from ..promise import Broken, insist, promise
from ..subject import Subject


def refused(case: Case, kind: type[CallError | BackendError], *words: str, what: str, **options: Any) -> None:
    """Insist that the call raises ``kind``, in one sentence with an expectation, what came, a remedy and ``words``."""
    try:
        case(**options)
    except kind as error:
        sentence_is_whole(str(error), what, words, case)
    except Exception as error:  # noqa: BLE001  the wrong exception is the finding, whatever it is
        found = f"{what}: {type(error).__name__} instead of {kind.__name__}: {error}"
        raise Broken(found, case.source(**options)) from None
    else:
        raise Broken(f"{what}: nothing was refused", case.source(**options))


def sentence_is_whole(text: str, what: str, words: tuple[str, ...], case: Case) -> None:
    """Insist that an error says who, what was expected, what came and what to do, and holds ``words``."""
    whole = ": expected " in text and ", got " in text and "; " in text and text.endswith(".")
    insist(whole, f"{what}: the error is not one sentence with a remedy: {text}", case)
    missing = [word for word in words if word not in text]
    insist(not missing, f"{what}: the error does not say {missing}: {text}", case)


def exchanged(case: Case, position: int, tensor: Tensor) -> Case:
    """A case with another tensor for one of its inputs."""
    inputs = list(case.inputs)
    inputs[position] = tensor
    return replace(case, inputs=tuple(inputs))


@promise(14)
def nothing_broadcasts(subject: Subject) -> None:
    """(N, 1) against (N,) is an error that prints both shapes and the fix; so is (N,) against (M,)."""
    case = subject.case(6)
    first = case.loss.inputs[0].name
    for position in range(1, len(case.loss.required)):
        tensor, name = case.inputs[position], case.loss.inputs[position].name
        assert tensor is not None
        if case.first.shape == tensor.shape and case.loss.unit is Unit.ELEMENT:
            wide = exchanged(case, position, tensor.unsqueeze(-1))
            words = (
                f"{first} {tuple(case.first.shape)}",
                f"{name} {(*tensor.shape, 1)}",
                f"{name}.squeeze(-1)",
            )
            refused(wide, ShapeError, *words, what=f"{name} with an axis too many")
            wide = exchanged(case, 0, case.first.unsqueeze(-1))
            refused(wide, ShapeError, f"{first}.squeeze(-1)", what=f"{first} with an axis too many")
        short = exchanged(case, position, tensor[:4])
        refused(short, ShapeError, "(4", what=f"{name} for fewer samples")
        single = exchanged(case, position, tensor[:1])
        refused(single, ShapeError, "(1", what=f"{name} for one sample")


@promise(14)
def weights_are_not_aligned_from_the_right(subject: Subject) -> None:
    """A weight or mask that is no prefix of the sample axes is refused, with the shape that fits."""
    case = subject.case(4, 3)
    for shape in ((3,), (1,), (4, 1), (3, 4), (4, 3, 1)):
        fits = str(tuple(case.samples))
        weight, mask = torch.ones(shape), torch.ones(shape, dtype=torch.bool)
        refused(case, ShapeError, "weight", fits, what=f"a weight of shape {shape}", weight=weight)
        refused(case, ShapeError, "mask", fits, what=f"a mask of shape {shape}", mask=mask)


@promise(15)
def wrong_dtypes_are_refused(subject: Subject) -> None:
    """Integers for predictions, floats for labels, numbers for masks: refused, with the conversion to make."""
    case = subject.case(6)
    for position, each in enumerate(case.loss.inputs):
        tensor = case.inputs[position]
        if tensor is None:
            continue
        if each.kind.floating:
            bad = exchanged(case, position, torch.ones_like(tensor).long())
            refused(bad, DtypeError, each.name, "torch.int64", what=f"integers for {each.name}")
        elif each.kind.form in (Form.CLASS, Form.LABEL):
            bad = exchanged(case, position, tensor.float())
            refused(bad, DtypeError, each.name, "torch.float32", ".long()", what=f"floats for {each.name}")
        if each.kind.form is Form.CLASS:
            bad = exchanged(case, position, torch.zeros(case.rows_of_classes).long())
            refused(bad, DtypeError, each.name, "class axis", ".to(", what="one-hot integers")
        bad = exchanged(case, position, tensor.to(torch.complex64))
        refused(bad, DtypeError, each.name, "complex64", what=f"complex {each.name}")
    ones = torch.ones(case.samples)
    refused(case, DtypeError, "mask", "mask != 0", what="a mask of numbers", mask=ones)
    refused(case, DtypeError, "weight", what="a complex weight", weight=ones.to(torch.complex64))


@promise(15)
def two_devices_are_refused(subject: Subject) -> None:
    """Tensors on two devices are refused, whichever of them strays."""
    case = subject.case(6)
    for position in range(1, len(case.loss.inputs)):
        tensor, name = case.inputs[position], case.loss.inputs[position].name
        if tensor is not None:
            bad = exchanged(case, position, tensor.to("meta"))
            refused(bad, DtypeError, name, "meta", "cpu", what=f"{name} on another device")
    away = torch.ones(case.samples, device="meta")
    refused(case, DtypeError, "weight", "meta", what="a weight elsewhere", weight=away)
    refused(case, DtypeError, "mask", "meta", what="a mask elsewhere", mask=away != 0)


@promise(15)
def options_that_make_no_sense_are_refused(subject: Subject) -> None:
    """An unknown reduction or keyword, a denominator or group without a mean, a denominator of 0: refused."""
    case = subject.case(6)
    refused(case, OptionError, "'mean', 'sum' or 'none'", what="an unknown reduction", reduction="average")
    try:
        case(weights=torch.ones(6))
    except TypeError as error:
        insist("weights" in str(error), f"an unknown keyword is not named: {error}", case)
    else:
        insist(False, "an unknown keyword was taken", case)
    for other in ("sum", "none"):
        refused(
            case,
            OptionError,
            "denominator",
            what=f"denominator and {other}",
            reduction=other,
            denominator=3.0,
        )
        refused(case, OptionError, "group", what=f"a group with {other}", reduction=other, group=True)
    if case.loss.facts.coupled:
        refused(case, OptionError, "denominator", what="a denominator of a coupled loss", denominator=3.0)
        refused(case, OptionError, "group", what="a group of a coupled loss", group=True)
        return
    for bad in (0.0, -1.0, float("nan"), float("inf"), torch.tensor(0.0), torch.ones(3)):
        refused(case, DomainError, "denominator", "count", what=f"denominator={bad}", denominator=bad)
    refused(case, OptionError, "group", "init_process_group", what="a group without a job", group=True)
    if "label_smoothing" in case.loss.options:
        refused(case, DomainError, "label_smoothing", what="smoothing of 1", label_smoothing=1.0)
    if "inputs" in case.loss.options:
        refused(case, OptionError, "inputs", "'logits'", what="an unknown scale", inputs="logit")


@promise(16)
def no_backend_falls_back(subject: Subject) -> None:
    """A backend that cannot run is an error and never another one in silence."""
    case = subject.case(6)
    refused(case, OptionError, "backend", "'auto'", what="an unknown backend", backend="cuda")
    refused(case, BackendError, "backend", "'triton'", what="triton on a CPU", backend="triton")
    insist(
        torch.equal(case(backend="eager"), case(backend="auto")), "eager is not what auto computes here", case
    )
