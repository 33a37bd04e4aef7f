"""What a weight and a mask mean: copies of a unit, and leaving it out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...core.declaration import Input
from ...core.kinds import Form
from ...core.unit import Unit
from ..agree import all_same, same
from ..draw import Case
from ..promise import insist, promise
from ..subject import Subject


@promise(7, applies=lambda loss: not loss.facts.coupled)
def a_weight_of_k_is_k_copies(subject: Subject) -> None:
    """A weight of k is k copies, in value and gradient, and a weight of 0 is leaving out."""
    for hyper in subject.hypers(4):
        case = subject.case(6, 2, hyper=hyper, dtype=torch.float64)
        copies = torch.tensor([2, 0, 1, 3, 1, 0])
        value, gradients = case.gradients(weight=copies.double())
        repeated, parts = case.rows(torch.arange(6).repeat_interleave(copies)).gradients()
        insist(
            same(value, repeated),
            f"{value:.6g} weighted, {repeated:.6g} copied",
            case,
            weight=copies.double(),
        )
        # Each copy carries its share of the gradient.
        gathered = tuple(
            torch.zeros_like(whole).index_add(0, torch.arange(6).repeat_interleave(copies), part)
            for whole, part in zip(gradients, parts, strict=True)
        )
        insist(
            all_same(gathered, gradients), "the copies' gradients do not add up", case, weight=copies.double()
        )


@promise(7, applies=lambda loss: loss.unit in (Unit.REGION, Unit.DISTRIBUTION))
def an_inner_weight_of_k_is_k_copies(subject: Subject) -> None:
    """Inside a region or a distribution too, a weight of k is k copies."""
    for hyper in subject.hypers(4):
        case = subject.case(4, 6, hyper=hyper, dtype=torch.float64)
        copies = torch.tensor([2, 1, 1, 3, 1, 2])
        chosen = torch.arange(6).repeat_interleave(copies)
        if subject.loss.unit is Unit.REGION:
            weighted = case(weight=copies.double().expand(case.samples))
            copied = case.map(lambda tensor, each, where=chosen: tensor.index_select(tensor.ndim - 1, where))
        else:
            first = case.loss.inputs[0].name
            mass = copies.double().expand_as(case.first)
            weighted = _with(case, f"{first}_weight", mass)()
            even = _with(case, f"{first}_weight", torch.ones_like(mass))
            copied = even.map(lambda tensor, each, where=chosen, name=first: tensor.index_select(tensor.ndim - 1, where)
                              if each.name.startswith(name) else tensor)  # fmt: skip
        insist(same(weighted, copied()), f"{weighted:.6g} weighted, {copied():.6g} copied", case)


def _with(case: Case, name: str, value: Tensor) -> Case:
    names = [each.name for each in case.loss.inputs]
    inputs = list(case.inputs)
    inputs[names.index(name)] = value
    return replace(case, inputs=tuple(inputs))


@promise(7)
def a_mask_is_leaving_out(subject: Subject) -> None:
    """What is masked is left out of every role: same value, same gradient, and 0 for what is masked."""
    for hyper in subject.hypers(4):
        case = subject.case(8, 2, hyper=hyper, dtype=torch.float64)
        mask = subject.mask(case)
        value, gradients = case.gradients(mask=mask)
        left, parts = case.rows(mask).gradients()
        insist(same(value, left), f"{value:.6g} masked, {left:.6g} left out", case, mask=mask)
        insist(all_same([each[mask] for each in gradients], parts), "gradients differ", case, mask=mask)
        insist(
            not any(bool(each[~mask].any()) for each in gradients),
            "a masked unit has a gradient",
            case,
            mask=mask,
        )


@promise(1, applies=lambda loss: "ignore_index" in loss.options)
def an_ignored_index_is_a_mask(subject: Subject) -> None:
    """``ignore_index`` is a mask: -100 by default for indices, any index on request, nothing when None."""
    for hyper in subject.hypers(3):
        case = subject.case(8, 2, hyper=hyper)
        mask = torch.rand(case.samples, generator=subject.generator) < 0.7
        wanted, wanted_gradients = case.gradients(mask=mask)
        indices = case.loss.has(Form.CLASS)
        for ignored in (-100, -7, 255) if indices else (-1,):
            labelled = _relabelled(case, mask, ignored)
            options: dict[str, Any] = {} if ignored == -100 else {"ignore_index": ignored}
            value, gradients = labelled.gradients(**options)
            insist(same(value, wanted), f"{value:.6g} ignored, {wanted:.6g} masked", labelled, **options)
            insist(
                all_same(gradients, wanted_gradients), "gradients differ from the mask's", labelled, **options
            )
        if indices:
            kept = case.target != 1
            insist(
                same(case(ignore_index=1), case(mask=kept)),
                "a class that is ignored still counts",
                case,
                ignore_index=1,
            )
        insist(same(case(ignore_index=None), case()), "None ignores something", case, ignore_index=None)


def _relabelled(case: Case, mask: Tensor, label: int) -> Case:
    """A case whose target holds ``label`` wherever the mask does not."""

    def change(tensor: Tensor, each: Input) -> Tensor:
        return torch.where(mask, tensor, label) if each.kind.form in (Form.CLASS, Form.BINARY) else tensor

    return case.map(change)
