"""What does not count has no say, and nothing counting is a zero one can train on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...core.declaration import Input, Loss
from ...core.domains import NumberOrTensor
from ...core.kinds import Form
from ...core.unit import Unit
from ..agree import all_same, same
from ..draw import DIFFERENTIABLE, Case
from ..promise import insist, promise
from ..subject import Subject
from .refusals import exchanged

POISONS = (float("nan"), float("inf"), -float("inf"))


def poisoned(case: Case, out: Tensor, poison: float, ignored: int | None = None) -> Case:
    """A case that holds nonsense in the samples of its batch that ``out`` marks: NaN or infinities, illegal labels."""

    def spoil(tensor: Tensor, each: Input) -> Tensor:
        there = out.reshape(-1, *(1,) * (tensor.ndim - 1))
        if each.kind.form in (Form.CLASS, Form.BINARY) and ignored is not None:
            return torch.where(there, ignored, tensor)
        if tensor.is_floating_point():
            return torch.where(there, poison, tensor)
        return torch.where(there, -7 if each.kind.form is Form.CLASS else 10**6, tensor)

    return case.map(spoil)


def _ways(subject: Subject, case: Case) -> Iterator[tuple[dict[str, Tensor], int | None]]:
    """Every way to say that some samples do not count, and the label that says it."""
    mask = subject.mask(case)
    yield {"mask": mask}, None
    yield {"mask": mask, "weight": subject.weight(case)}, None
    if not case.loss.facts.coupled:
        yield {"weight": torch.where(mask, subject.weight(case), 0.0)}, None
    if "class_weight" in case.loss.options:
        yield {"mask": mask, "class_weight": subject.class_weight(case)}, None
    if case.loss.has(Form.CLASS):
        yield {"mask": mask}, -100
    if case.loss.has(Form.BINARY):
        yield {"mask": mask}, -1


@promise(4)
def what_does_not_count_has_no_say(subject: Subject) -> None:
    """NaN, infinities and illegal labels in what does not count change neither value nor gradient."""
    for turn, hyper in enumerate(subject.hypers(4)):
        case = subject.case(8, 2, hyper=hyper)
        for ways, ignored in _ways(subject, case):
            options: dict[str, Any] = dict(ways)
            kept = options["mask"] if "mask" in options else options["weight"] != 0
            wanted, clean = case.gradients(**options)
            bad = poisoned(case, ~kept, POISONS[turn % 3], ignored)
            if ignored is not None:
                # The label alone says that the unit does not count.
                del options["mask"]
                options |= {"ignore_index": ignored} if ignored == -1 else {}
            value, gradients = bad.gradients(**options)
            insist(same(value, wanted), f"{value:.6g} where silence gives {wanted:.6g}", bad, **options)
            insist(
                all_same(gradients, clean), "nonsense that does not count reaches a gradient", bad, **options
            )


@promise(4)
def silence_reaches_second_derivatives(subject: Subject) -> None:
    """The gradient of a gradient's norm is finite, however the silenced inputs look."""
    for hyper in subject.hypers(6):
        case = subject.case(6, hyper=hyper, dtype=torch.float64)
        mask = subject.mask(case)
        bad = poisoned(case, ~mask, float("nan")).leaves()
        wanted = bad.differentiable()
        first = torch.autograd.grad(bad(mask=mask), wanted, create_graph=True)
        total = torch.stack([each.square().sum() for each in (*first, *map(torch.nan_to_num, wanted))]).sum()
        second = torch.autograd.grad(total, wanted)
        finite = all(bool(each.isfinite().all()) for each in second)
        insist(finite, "a silenced NaN reaches the second derivative", bad, mask=mask)


@promise(4, applies=lambda loss: loss.unit is Unit.REGION)
def silence_reaches_inside_regions(subject: Subject) -> None:
    """Elements inside a region that do not count have no say either."""
    for hyper in subject.hypers(4):
        case = subject.case(3, 6, hyper=hyper)
        mask = torch.rand(case.samples, generator=subject.generator) < 0.6
        mask[:, 0] = True
        weight = torch.where(mask, 0.25 + torch.rand(case.samples, generator=subject.generator), 0.0)
        bad = _spoiled_inside(case, mask)
        for options in ({"mask": mask}, {"weight": weight}):
            wanted, clean = case.gradients(**options)
            value, gradients = bad.gradients(**options)
            insist(
                same(value, wanted) and all_same(gradients, clean),
                "a silenced element has a say",
                bad,
                **options,
            )


def _spoiled_inside(case: Case, keep: Tensor) -> Case:
    def spoil(tensor: Tensor, each: Input) -> Tensor:
        there = keep if tensor.shape == case.samples else keep.unsqueeze(1)
        return torch.where(there, tensor, float("nan") if tensor.is_floating_point() else -7)

    return case.map(spoil)


@promise(4, applies=lambda loss: not loss.facts.coupled)
def a_weight_that_learns_is_not_silenced(subject: Subject) -> None:
    """A weight that requires a gradient receives it at 0 too: the value it weighs."""
    case = subject.case(6)
    weight = torch.tensor([1.0, 0.0, 2.0, 0.0, 0.5, 1.0], requires_grad=True)
    values = case(reduction="none")
    (found,) = torch.autograd.grad(case(weight=weight, reduction="sum"), weight)
    wanted = values if values.ndim == 1 else values.flatten(1).sum(1)
    insist(
        same(found, wanted), "the gradient of a weight of 0 is not the value it weighs", case, weight=weight
    )


def learns(loss: Loss) -> list[str]:
    """Hyper-parameters that may be tensors, and so may learn."""
    return [each.name for each in loss.hyper if isinstance(each.domain, NumberOrTensor)]


@promise(4, applies=lambda loss: bool(learns(loss)))
def learnable_parameters_hear_no_nonsense(subject: Subject) -> None:
    """A parameter of the loss that learns receives no NaN from what does not count."""
    case = subject.case(8)
    learned = torch.tensor(2.0, requires_grad=True)
    case = replace(case, hyper={**case.hyper, **dict.fromkeys(learns(case.loss), learned)})
    mask = subject.mask(case)
    (wanted,) = torch.autograd.grad(case(mask=mask), learned)
    (found,) = torch.autograd.grad(poisoned(case, ~mask, float("nan"))(mask=mask), learned)
    insist(same(found, wanted), "a silenced NaN reaches a learnable parameter", case, mask=mask)


@promise(5)
def nothing_counts_is_an_attached_zero(subject: Subject) -> None:
    """Where nothing counts the loss is 0, attached to its inputs, with gradient 0."""
    for hyper in subject.hypers(3):
        for batch in (5, 1, 0):
            case = subject.case(batch, 2, hyper=hyper)
            bad = poisoned(case, torch.ones(batch, dtype=torch.bool), float("nan"))
            nothing = torch.zeros(batch, dtype=torch.bool)
            ways: list[tuple[Case, dict[str, Any]]] = [(bad, {"mask": nothing})]
            if not subject.loss.facts.coupled:
                ways.append((bad, {"weight": nothing.float()}))
            if subject.loss.has(Form.CLASS):
                ways.append((poisoned(bad, ~nothing, float("nan"), -100), {}))
            if batch == 0:
                ways.append((case, {}))
            for one, options in ways:
                for reduction in ("mean", "sum"):
                    _is_attached_zero(one, reduction, options)


def _is_attached_zero(case: Case, reduction: str, options: dict[str, Any]) -> None:
    leaves = case.leaves()
    value = leaves(reduction=reduction, **options)
    insist(
        value.item() == 0, f"{reduction} of nothing is {value.item()!r}", case, reduction=reduction, **options
    )
    insist(value.requires_grad, f"{reduction} of nothing is detached", case, reduction=reduction, **options)
    firsts = [each for each in leaves.differentiable() if each is leaves.first]
    for gradient in torch.autograd.grad(value, firsts):
        silent = not bool(gradient.any()) and not bool(gradient.isnan().any())
        insist(silent, "the gradient of nothing is not 0", case, reduction=reduction, **options)


@promise(15)
def nan_in_what_counts_passes_through(subject: Subject) -> None:
    """A NaN in a prediction that counts makes the loss NaN: hiding it would hide its cause."""
    case = subject.case(6)
    if not case.count().any():
        return  # a batch of one label, in which no sample is compared with another
    for position, each in enumerate(case.loss.inputs):
        tensor = case.inputs[position]
        if tensor is None or each.kind.form not in DIFFERENTIABLE:
            continue
        bad = exchanged(case, position, _first_is_nan(tensor))
        found = bad()
        insist(bool(found.isnan()), f"{found.item()!r} from a NaN in {each.name}", bad)


def _first_is_nan(tensor: Tensor) -> Tensor:
    spoiled = tensor.clone()
    spoiled[0] = float("nan")
    return spoiled
