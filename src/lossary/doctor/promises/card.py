"""The facts of a card, each compared with what the loss does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...core import registry
from ...core.card import Relative
from ...core.declaration import Loss
from ...core.kinds import Form
from ...core.loss import card as read_card
from ...core.unit import Unit
from ..agree import same
from ..draw import Case
from ..promise import insist, promise
from ..subject import Subject


@promise(20)
def the_example_is_right(subject: Subject) -> None:
    """The example computed by hand is what the loss computes, and what its definition says."""
    import mpmath

    from ..judge import NUMBERS
    from ..scalars import per_call, units

    loss, example = subject.loss, subject.loss.facts.example
    hyper = {**loss.defaults, **example.hyper}
    required = len(loss.required)
    tensors, place = _batch(subject, example.inputs[:required], example.inputs[required:])
    value = subject.function(*tensors, **hyper, reduction="none")[place]
    told = per_call(loss, lambda *_, **__: example.value)
    assert told is not None
    wanted = told(*(each.tolist() for each in tensors), *place, NUMBERS)
    insist(abs(value.item() - wanted) <= 1e-12 * max(1.0, abs(wanted)),
           f"the loss says {value.item():.12g}, the example {wanted:.12g}")  # fmt: skip
    if loss.definition is None:
        return
    case = Case(
        subject.function,
        (*tensors, *(None for _ in loss.inputs[required:])),
        hyper,
        _samples(subject, tensors),
    )
    for unit in units(case):
        if unit.place == place or loss.unit is Unit.REGION:
            with mpmath.workdps(40):
                found = loss.definition(*unit.arguments, NUMBERS, **hyper)
            insist(
                abs(getattr(found, "value", found) - example.value) < 1e-12, f"the definition says {found}"
            )
            return


def _batch(
    subject: Subject, inputs: tuple[Any, ...], place: tuple[Any, ...]
) -> tuple[list[Tensor], tuple[int, ...]]:
    """One unit as a batch of one, and where its value stands. The example of an anchor is a batch already."""
    tensors = []
    whole = subject.loss.unit is Unit.ANCHOR
    for each, value in zip(subject.loss.required, inputs, strict=True):
        dtype = torch.int64 if each.kind.form in (Form.CLASS, Form.LABEL) else torch.float64
        if each.kind.form is Form.CLASS and not _integers(value):
            dtype = torch.float64
        tensor = torch.tensor(value, dtype=dtype)
        tensors.append(tensor if whole else tensor.unsqueeze(0))
    if subject.loss.unit is Unit.REGION and subject.loss.has(Form.LOGITS):
        # An example lists its elements with their classes; a call has the classes on axis 1.
        tensors[0] = tensors[0].movedim(-1, 1)
        return tensors, (0, *place)
    return tensors, (0,) if not whole else place


def _integers(value: Any) -> bool:
    return all(map(_integers, value)) if isinstance(value, (list, tuple)) else isinstance(value, int)


def _samples(subject: Subject, tensors: list[Tensor]) -> torch.Size:
    if subject.loss.unit is Unit.REGION:
        return torch.Size(tensors[-1].shape)
    return tensors[0].shape[:1]


@promise(20, applies=lambda loss: bool(loss.facts.relatives))
def relatives_coincide(subject: Subject) -> None:
    """Where the card says that another loss is this one, it is, times the factor, or but for a term of the target."""
    for relative in subject.loss.facts.relatives:
        other = registry.get(relative.name)
        ours = {**subject.loss.defaults, **relative.ours}
        rows = other.loss.has(Form.DISTRIBUTION)
        case = subject.case(8, hyper=ours, dtype=torch.float64, soft=rows)
        theirs = {**other.loss.defaults, **relative.theirs, **_shared(other.loss, relative, case.hyper)}
        inputs = [each for each in case.inputs if each is not None]
        leaves = case.leaves()
        value = leaves(reduction="none")
        (gradient,) = torch.autograd.grad(value.sum(), [leaves.first])
        leaf = inputs[0].clone().requires_grad_()
        others = relative.factor * other(leaf, *inputs[1:], **theirs, reduction="none")
        (pull,) = torch.autograd.grad(others.sum(), [leaf])
        insist(
            same(pull, gradient, 10**4),
            f"the gradient is not {relative.factor:g} x that of {relative.name}",
            case,
        )
        if not relative.up_to_target:
            insist(
                same(others, value, 10**4),
                f"it is not {relative.factor:g} x {relative.name} at {relative.theirs}",
                case,
            )


def _shared(other: Loss, relative: Relative, ours: Mapping[str, Any]) -> dict[str, Any]:
    """Hyper-parameters of one name that neither side fixes are equal on both."""
    free = set(ours) & {each.name for each in other.hyper} - set(relative.ours) - set(relative.theirs)
    return {name: ours[name] for name in free}


@promise(20, applies=lambda loss: _stated(loss.facts.constant) is not None)
def the_stated_constant_minimises(subject: Subject) -> None:
    """The constant that the card states for the targets 0, 0, 1, 10 has the least mean loss over them."""
    low, high, hyper = _stated(subject.loss.facts.constant) or (0.0, 0.0, {})
    targets = torch.tensor([0.0, 0.0, 1.0, 10.0], dtype=torch.float64)
    settled = {**subject.loss.defaults, **hyper}

    def mean(constants: Tensor) -> Tensor:
        rows = constants.unsqueeze(1).expand(-1, 4)
        return subject.function(rows, targets.expand(rows.shape), **settled, reduction="none").mean(1)

    everywhere = torch.arange(-1.0, 12.0, 0.005, dtype=torch.float64)
    domain = subject.loss.inputs[0].kind.domain
    admitted = [domain is None or domain.holds(each) for each in everywhere.tolist()]
    everywhere = mean(everywhere[torch.tensor(admitted)]).min()
    stated = torch.tensor([low, (low + high) / 2, high], dtype=torch.float64)
    worse = (mean(stated) - everywhere).max().item()
    insist(worse <= 1e-7, f"another constant costs {worse:.3g} less than the one stated, {low:g} to {high:g}")


def _stated(text: str) -> tuple[float, float, dict[str, float]] | None:
    """The number, or the ends of the range, that a card's sentence on 0, 0, 1, 10 names."""
    if "0, 0, 1, 10" not in text:
        return None
    rest = text.split("0, 0, 1, 10")[1]
    hyper = {name: float(value) for name, value in re.findall(r"(?:with|at) (\w+) =? ?([\d.]+\d)", rest)}
    rest = re.sub(r"(?:with|at) \w+ =? ?[\d.]+\d", "", rest)
    span = re.search(r"from ([\d.]+) to ([\d.]+)", rest)
    if span:
        return float(span[1]), float(span[2]), hyper
    number = re.search(r"(\d+)/(\d+)", rest)
    if number:
        found = float(number[1]) / float(number[2])
        return found, found, hyper
    number = re.search(r"\d+(?:\.\d+)?", rest)
    return (float(number[0]), float(number[0]), hyper) if number else None


@promise(20)
def the_card_is_whole(subject: Subject) -> None:
    """There is a definition, a formula, and a sentence that says when, and one that says when not."""
    loss, facts = subject.loss, subject.loss.facts
    insist(loss.definition is not None, "there is no definition")
    for name in ("title", "constant", "use_when", "avoid_when", "outputs", "decode"):
        insist(getattr(facts, name).strip(), f"{name} is empty")
    insist(facts.symbolic or (facts.formula and facts.derivative), "neither symbolic nor a formula by hand")
    insist(read_card(loss).name == loss.name, "the card has another name")
    unknown = set(facts.exempt) - set(_names())
    insist(not unknown, f"exempt from promises that do not exist: {sorted(unknown)}")


def _names() -> list[str]:
    from ..promise import PROMISES

    return list(PROMISES)
