"""Promises whose words only Lossary could keep, restated so that any library can.

The doctor wants our error classes and our sentences; here any error is a refusal, and so is a warning about shapes.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from lossary.core.checks import checks
from lossary.core.kinds import Form
from lossary.core.unit import Unit
from lossary.doctor.agree import same
from lossary.doctor.draw import Case
from lossary.doctor.promise import insist
from lossary.doctor.promises.refusals import exchanged

from .guest import Guest

#: Roundings of the half dtype itself that a value or gradient may be off.
HALF_ROUNDINGS = 4


def arguments(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters)


def told(case: Case, aligned: Case | None = None) -> bool:
    """Whether a call is refused, answered with a warning about sizes, or with what the aligned call gives."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            value = case(reduction="mean", plain=True)
        except Exception:  # noqa: BLE001  any error is a refusal
            return True
        if aligned is not None and same(value, aligned(reduction="mean", plain=True)):
            return True
    return any("size" in str(each.message) or "shape" in str(each.message) for each in heard)


def nothing_broadcasts(subject: Guest) -> None:
    """(N, 1) against (N,), one sample against N, and N samples against M are refused, or warned of."""
    case = subject.case(3)
    for position in range(1, len(case.loss.required)):
        tensor, name = case.inputs[position], case.loss.inputs[position].name
        assert tensor is not None
        others = [(position, tensor[:2], "for fewer samples"), (position, tensor[:1], "for one sample")]
        if case.loss.unit is Unit.ELEMENT:
            others.insert(0, (position, tensor.unsqueeze(-1), "with an axis too many"))
        for place, other, what in others:
            wrong = exchanged(case, place, other)
            aligned = case if other.ndim > tensor.ndim else None
            insist(
                told(wrong, aligned),
                f"{name} {what}, {tuple(other.shape)}: computed",
                wrong,
                reduction="mean",
                plain=True,
            )


def targets_outside_their_domain_are_refused(subject: Guest) -> None:
    """A class index out of range, a probability of 7, a distribution that does not sum to 1: refused."""
    case = subject.case(3)
    for position, each in enumerate(case.loss.inputs):
        tensor = case.inputs[position]
        if tensor is None:
            continue
        for bad, what in _outside(case, each.kind.form, tensor):
            wrong = exchanged(case, position, bad)
            insist(told(wrong), f"{each.name} {what}: computed", wrong, reduction="mean", plain=True)


def _outside(case: Case, form: Form, tensor: Tensor) -> Iterator[tuple[Tensor, str]]:
    if form is Form.CLASS and not tensor.is_floating_point():
        yield _first(tensor, case.classes), "of a class that does not exist"
        yield _first(tensor, -1), "of -1"
    elif form in (Form.BINARY, Form.LABELS):
        yield _first(tensor, 7.0), "of 7"
    elif form is Form.DISTRIBUTION:
        yield tensor * 0.9, "that sums to 0.9"
        yield tensor - 1.0, "below 0"


def _first(tensor: Tensor, value: float) -> Tensor:
    spoiled = tensor.clone()
    spoiled.view(-1)[0] = value
    return spoiled


def an_empty_batch_is_a_zero(subject: Guest) -> None:
    """The sum over no samples is 0, with a gradient of no entries."""
    case = subject.case(0)
    # In this mode torch marks memory that nothing was written to with NaN, so that reading it is found out.
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        shape = tuple(case(reduction="sum").shape)
        insist(shape == (), f"the sum over nothing has the shape {shape}", case, reduction="sum")
        value, gradients = case.gradients(reduction="sum")
        insist(value.item() == 0, f"the sum over nothing is {value.item()!r}", case, reduction="sum")
        insist(all(not each.numel() for each in gradients), "its gradient has entries", case, reduction="sum")
    finally:
        torch.use_deterministic_algorithms(before)


def half_precision_is_near(subject: Guest) -> None:
    """In half precision value and gradient are those of the same numbers in float32, to four roundings of the half."""
    for dtype in (torch.bfloat16, torch.float16):
        for hyper in subject.hypers(3):
            case = subject.case(6, hyper=hyper, dtype=dtype)
            for what, got, reference in halves(case):
                error, size = (got.float() - reference).abs().max(), reference.abs().max()
                allowed = (
                    torch.finfo(dtype).eps / 2 * HALF_ROUNDINGS * size + torch.finfo(dtype).smallest_normal
                )
                insist(
                    bool(error <= allowed),
                    f"the {what} from {dtype} is off by {error:.2g} of {size:.2g}",
                    case,
                )


def halves(case: Case) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Value and gradient in half precision, each with that of the same numbers in float32."""
    value, (gradient, *_) = case.gradients()
    with checks("off"):  # rows that sum to 1 in half precision need not in float32
        wanted, (reference, *_) = case.to(torch.float32).gradients()
    yield "value", value, wanted
    # At a kink a rounding of the half dtype decides between two gradients, and both are right.
    smooth = case.loss.facts.claims.smooth
    if smooth(**case.hyper) if callable(smooth) and set(case.hyper) == arguments(smooth) else smooth is True:
        yield "gradient", gradient, reference


def compiles_whole(subject: Guest) -> None:
    """``torch.compile(fullgraph=True)`` with one backward gives the eager value and gradient."""
    case = subject.case(6)
    function = subject.bare(case)
    torch._dynamo.reset()
    leaf = case.first.clone().requires_grad_()
    value = torch.compile(function, fullgraph=True, backend="aot_eager")(leaf)
    (gradient,) = torch.autograd.grad(value, leaf)
    wanted = function(leaf)
    (reference,) = torch.autograd.grad(wanted, leaf)
    torch._dynamo.reset()
    insist(same(value, wanted, 256), "compiled it has another value", case)
    insist(same(gradient, reference, 256), "compiled it has another gradient", case)


def ignored_rows_have_no_say(subject: Guest) -> None:
    """Rows labelled -100 change neither sum nor gradients, also where they hold NaN."""
    case = subject.case(6)
    kept = torch.tensor([True, False, True, True, False, True])
    wanted, clean = case.rows(kept).gradients(reduction="sum")
    labels = torch.where(kept, case.target, -100)
    first = case.first.clone()
    first[~kept] = float("nan")
    poisoned = exchanged(exchanged(case, case.loss.target, labels), 0, first)
    value, (gradient, *_) = poisoned.gradients(reduction="sum")
    for kept_is, what in (
        (same(value, wanted), f"{value.item()!r} where the others add to {wanted.item()!r}"),
        (same(gradient[kept], clean[0]), "the other rows' gradient changes"),
        (not bool(gradient[~kept].isnan().any()), "a NaN in an ignored row reaches its gradient"),
    ):
        insist(kept_is, what, poisoned, reduction="sum")
