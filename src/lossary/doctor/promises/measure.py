"""Units, and how much each of them counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Size, Tensor

from ...core.declaration import Input, Loss
from ...core.kinds import Form
from ...core.unit import Unit
from ..agree import all_same, same
from ..draw import Case
from ..promise import insist, promise
from ..subject import Subject


def weighs_classes(loss: Loss) -> bool:
    """Whether a call takes class weights."""
    return "class_weight" in loss.options


def expected_measure(case: Case, weight: Tensor | None = None, mask: Tensor | None = None,
                     class_weight: Tensor | None = None) -> Tensor:  # fmt: skip
    """How much each unit counts, written down a second time: weight x class weight where the mask allows.

    Args:
        weight: of the batch axis, as ``mask``.
    """
    shape = units_shape(case)
    measure = torch.ones(shape, dtype=torch.float64)
    if case.loss.unit is Unit.ANCHOR:
        kept = torch.ones(shape, dtype=torch.bool) if mask is None else mask
        alone = not case.loss.has(Form.LABEL) and case.loss.facts.counts is None
        measure = kept.double() if alone else _anchored(case, kept)
    if class_weight is not None and case.loss.unit is Unit.REGION:
        measure = measure * class_weight.double()
    elif class_weight is not None:
        target = case.target
        if case.loss.classed:
            measure = measure * class_weight.double()[target]
        else:
            measure = measure * (
                class_weight[1].double() * target + class_weight[0].double() * (1 - target.double())
            )
    for factor in (weight, mask):
        if factor is not None:
            measure = measure * factor.double().reshape(-1, *(1,) * (len(shape) - 1))
    return measure


def _anchored(case: Case, kept: Tensor) -> Tensor:
    """How many pairs or triplets each sample is the anchor of, among those that take part.

    Without labels no two samples belong together, as if each had a label of its own.
    """
    labels = next(
        (
            tensor
            for each, tensor in zip(case.loss.inputs, case.inputs, strict=True)
            if each.kind.form is Form.LABEL
        ),
        torch.arange(len(kept)),
    )
    assert labels is not None
    places = kept.nonzero().flatten().tolist()
    theirs = labels[kept].tolist()
    counts = case.loss.facts.counts or _one_of_each
    found = torch.zeros(len(kept), dtype=torch.float64)
    for here, place in enumerate(places):
        found[place] = counts(theirs, here)
    return found


def _one_of_each(labels: Sequence[int], i: int) -> int:
    """One where a sample has a partner of its label and one of another, without either it is no anchor."""
    return int(labels.count(labels[i]) > 1 and labels.count(labels[i]) < len(labels))


def units_shape(case: Case) -> Size:
    """The shape of ``reduction="none"``, as each unit declares it."""
    if case.loss.unit is Unit.REGION:
        return Size((case.samples[0], case.classes) if case.loss.has(Form.LOGITS) else case.samples[:1])
    return case.samples


@promise(1)
def none_has_the_declared_shape(subject: Subject) -> None:
    """``none`` returns one value per unit, in the shape its unit declares, whatever the sample axes."""
    for samples in ((5,), (1,), (3, 2), (2, 3, 2), (0,)):
        for hyper in subject.hypers(3):
            case = subject.case(*samples, hyper=hyper)
            shape = case(reduction="none").shape
            wanted = units_shape(case)
            insist(
                shape == wanted,
                f"shape {tuple(shape)} where the unit has {tuple(wanted)}",
                case,
                reduction="none",
            )


@promise(2)
def none_is_measure_times_value(subject: Subject) -> None:
    """``none`` is measure x value per unit, and 0 where nothing counts."""
    for hyper in subject.hypers(4):
        case = subject.case(6, 2, hyper=hyper)
        for ways in subject.measures(case):
            alone = {"mask": ways["mask"]} if _coupled(case, ways) else {}
            # Where an anchor counts for all its triplets, the call without a weight has multiplied by them already.
            values = case(reduction="none", **alone).double() / expected_measure(case, **alone).clamp(min=1)
            got = case(reduction="none", **ways)
            wanted = values * expected_measure(case, **ways)
            insist(
                same(got, wanted.to(got.dtype), 16),
                "none is not measure times value",
                case,
                reduction="none",
                **ways,
            )


def _coupled(case: Case, ways: dict[str, Tensor]) -> bool:
    return case.loss.facts.coupled and "mask" in ways


def _beside(total: Tensor, terms: Tensor) -> Tensor:
    """A sum beside the size of its terms, which its rounding is counted in: they may add up to almost nothing."""
    return torch.stack([total.double(), terms.double().abs().sum()]).float()


@promise(2)
def sum_adds_measured_values(subject: Subject) -> None:
    """``sum`` is the sum of measure x value."""
    for hyper in subject.hypers(4):
        case = subject.case(6, 2, hyper=hyper)
        for ways in subject.measures(case):
            terms = case(reduction="none", **ways)
            insist(
                same(_beside(case(reduction="sum", **ways), terms), _beside(terms.double().sum(), terms)),
                "sum is not the sum of none",
                case,
                **ways,
            )


@promise(2)
def mean_divides_by_the_measure(subject: Subject) -> None:
    """``mean`` is the sum of measure x value over the sum of measure, and ``count`` returns that divisor."""
    for hyper in subject.hypers(4):
        case = subject.case(6, 2, hyper=hyper)
        for ways in subject.measures(case):
            total, count = case(reduction="sum", **ways).double(), expected_measure(case, **ways).sum()
            insist(same(case.count(**ways), count.float()), "count is not the sum of measure", case, **ways)
            terms = case(reduction="none", **ways).double() / (count if count else 1.0)
            insist(
                same(_beside(case(**ways), terms), _beside(total / (count if count else 1.0), terms)),
                "mean is not sum over count",
                case,
                **ways,
            )


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


@promise(2)
def the_measure_is_never_half(subject: Subject) -> None:
    """A measure in half precision is counted in float32: 4,000 weights of 1 are 4,000."""
    case = subject.case(40, dtype=torch.bfloat16)
    ones = torch.full((40,), 1.0, dtype=torch.bfloat16)
    plain, weighted = case.count(), case.count(weight=ones * 100.5)
    insist(
        weighted.dtype in (torch.float32, torch.float64), f"a count of {weighted.dtype}", case, weight=ones
    )
    insist(
        same(weighted, plain * (ones[0] * 100.5).float(), 4),
        f"{weighted:.6g} counted in half",
        case,
        weight=ones,
    )


@promise(2, applies=weighs_classes)
def class_weights_enter_the_measure(subject: Subject) -> None:
    """A class weight multiplies value and measure alike, so equal class weights change no mean."""
    for hyper in subject.hypers(3):
        case = subject.case(8, hyper=hyper)
        even = torch.full((case.classes,), 2.5)
        terms = case(reduction="none") / max(case.samples.numel(), 1)
        insist(
            same(_beside(case(class_weight=even), terms), _beside(case(), terms)),
            "equal class weights change the mean",
            case,
            class_weight=even,
        )
        # Where a single class has weight, the mean is that of its units.
        single = torch.zeros(case.classes)
        single[0] = 3.0
        if case.loss.unit is Unit.REGION:
            wanted = case(reduction="none")[:, 0].mean()
        else:
            kept = case.target == 0
            wanted = case(mask=kept)
        insist(
            same(_beside(case(class_weight=single), terms), _beside(wanted, terms)),
            "a class of weight 0 still counts",
            case,
            class_weight=single,
        )
