"""Units, and how much each of them counts."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Size, Tensor

from ...core.declaration import Loss
from ...core.kinds import Form
from ...core.unit import Unit
from ..agree import same
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
