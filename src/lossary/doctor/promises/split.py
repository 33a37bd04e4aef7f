"""Any split of a batch, one gradient."""

from __future__ import annotations

import torch

from ...core.card import Facts
from ...core.declaration import Loss
from ...core.unit import Unit
from ..agree import all_same, same
from ..promise import insist, promise
from ..subject import Subject


def apart(loss: Loss) -> bool:
    """Whether a unit's value depends on that unit alone."""
    facts: Facts = loss.facts
    return not facts.coupled


@promise(9, applies=apart)
def micro_batches_sum_to_the_whole(subject: Subject) -> None:
    """With a common denominator, gradients summed over micro-batches are those of the whole batch."""
    for hyper in subject.hypers(3):
        case = subject.case(7, 2, hyper=hyper, dtype=torch.float64)
        for ways in subject.measures(case, torch.float64):
            value, gradients = case.gradients(**ways)
            count = case.count(**ways)
            values, parts = [], []
            # The second micro-batch is empty; that must be harmless.
            for chosen in (slice(0, 3), slice(3, 3), slice(3, 4), slice(4, 7)):
                mine = {name: each if name == "class_weight" else each[chosen] for name, each in ways.items()}
                part, gradient = case.rows(chosen).gradients(denominator=count, **mine)
                values.append(part)
                parts.append(gradient)
            # Values of either sign may nearly cancel; what the order of a sum changes is counted in their sizes.
            size = case(reduction="none", **ways).abs().sum() / count
            whole, together = torch.stack([value, size]), torch.stack([torch.stack(values).sum(), size])
            insist(same(together, whole, 32), "the parts' values do not add up", case, **ways)
            joined = [torch.cat(each) for each in zip(*parts, strict=True)]
            insist(all_same(joined, gradients, 32), "the parts' gradients are not the whole's", case, **ways)


@promise(9, applies=apart)
def a_denominator_divides_the_sum(subject: Subject) -> None:
    """``denominator`` is what the sum is divided by, a number or a 0-d tensor, and receives no gradient."""
    case = subject.case(6)
    for ways in subject.measures(case):
        total = case(reduction="sum", **ways)
        for denominator in (
            5.0,
            2,
            torch.tensor(5.0, requires_grad=True),
            torch.tensor(3.0, dtype=torch.float64),
        ):
            value = case.leaves()(denominator=denominator, **ways)
            wanted = total / (denominator.item() if isinstance(denominator, torch.Tensor) else denominator)
            insist(
                same(value.float(), wanted),
                f"{value:.6g} where sum / {denominator} is {wanted:.6g}",
                case,
                **ways,
            )
            if isinstance(denominator, torch.Tensor) and denominator.requires_grad:
                (found,) = torch.autograd.grad(value, denominator, allow_unused=True)
                insist(found is None, "a gradient runs through the denominator", case, **ways)


@promise(9, applies=lambda loss: len(loss.required) == 2 and loss.unit in (Unit.ELEMENT, Unit.ROW))
def the_target_alone_can_be_counted(subject: Subject) -> None:
    """For elements and rows the target says how many units there are, and ``count`` needs nothing else."""
    case = subject.case(7, 2)
    target = case.inputs[1]
    assert target is not None
    for name, weight in (("weight", subject.weight(case)), ("mask", subject.mask(case))):
        alone = subject.function.count(target, **{name: weight}, **case.hyper)
        insist(
            same(alone.double(), case.count(**{name: weight}).double()),
            "the target alone counts otherwise",
            case,
        )
