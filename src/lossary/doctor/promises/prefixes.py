"""Shapes of weights and masks: a prefix of the sample axes, outside a region or inside it."""

from __future__ import annotations

import torch
from torch import Size, Tensor

from ...core.kinds import Form
from ...core.unit import Unit
from ..agree import same
from ..promise import insist, promise
from ..subject import Subject


@promise(3, applies=lambda loss: loss.unit is not Unit.ANCHOR)
def a_prefix_serves_what_lies_under_it(subject: Subject) -> None:
    """A weight or mask with the first sample axes serves everything under them."""
    case = subject.case(4, 3, 2)
    inside = case.loss.unit is Unit.REGION
    for name, draw in (("mask", _bits), ("weight", _numbers)):
        for depth in (2,) if inside else (1, 2):
            prefix = draw(subject, case.samples[:depth])
            full = prefix.reshape(*prefix.shape, *(1,) * (3 - depth)).expand(case.samples)
            a, b = case(**{name: prefix}), case(**{name: full})
            insist(
                same(a, b),
                f"a {name} of shape {tuple(prefix.shape)} is not the same spread out",
                case,
                **{name: prefix},
            )
        if inside and case.loss.has(Form.LOGITS):
            part = draw(subject, case.samples)
            whole = part.unsqueeze(1).expand(case.first.shape)
            insist(
                same(case(**{name: part}), case(**{name: whole})),
                f"a {name} of the input's shape differs",
                case,
            )


def _bits(subject: Subject, shape: Size) -> Tensor:
    mask = torch.rand(shape, generator=subject.generator) < 0.6
    mask[0] = True
    return mask


def _numbers(subject: Subject, shape: Size) -> Tensor:
    return 0.25 + torch.rand(shape, generator=subject.generator)


@promise(3, applies=lambda loss: loss.unit is Unit.REGION)
def a_sample_weight_stays_outside_a_region(subject: Subject) -> None:
    """A weight of the batch axis weighs regions outside; one mask over a whole sample takes its regions out."""
    case = subject.case(5, 4)
    weight = subject.weight(case)
    values = case(reduction="none")
    outside = values * weight.reshape(-1, *(1,) * (values.ndim - 1))
    insist(
        same(case(reduction="none", weight=weight), outside),
        "a sample's weight entered its sums",
        case,
        weight=weight,
    )
    mask = subject.mask(case)
    whole = mask.unsqueeze(1).expand(case.samples)
    insist(
        same(case(mask=mask), case(mask=whole)),
        "a mask over whole samples leaves something behind",
        case,
        mask=mask,
    )
