"""The smallest network that shows what a loss does: two weights, and as many outputs as the loss needs.

Every output is a sum of the weights times inputs, so dz/dw is an input and the chain rule is a multiplication.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lossary.core.declaration import Loss
from lossary.core.errors import OptionError, sentence
from lossary.core.kinds import Form
from lossary.core.unit import Unit

from .from_example import from_example
from .plan import LOWERED, NONE, Lesson, Numbers, Output, Plan


def lesson(
    loss: Loss, settings: Mapping[str, object], x: Sequence[float] | None, target: Sequence[float] | None
) -> Lesson:
    """The lesson for a loss, with these inputs and this target where they are given.

    Raises:
        OptionError: too few or too many numbers, or a loss whose inputs no two weights can give.
    """
    plan = _plan(loss, settings)
    if plan is None:
        raise OptionError(
            sentence(
                f"step of {loss.name}", expected="a loss whose first input two weights can give", got=loss.name,
                remedy="try mse, binary_cross_entropy or cross_entropy",
            )
        )  # fmt: skip
    return plan.make(_numbers("--x", x, plan.x), _numbers("--target", target, plan.target))


def _numbers(option: str, given: Sequence[float] | None, usual: Numbers) -> Numbers:
    if given is None:
        return usual
    if not usual:
        raise OptionError(
            sentence(option, expected="none for this loss", got=str(len(given)), remedy="leave it out")
        )
    if len(given) != len(usual):
        example = ",".join(f"{each:g}" for each in usual)
        count = "1 number" if len(usual) == 1 else f"{len(usual)} numbers"
        raise OptionError(
            sentence(option, expected=count, got=str(len(given)), remedy=f"write {option} {example}")
        )
    return tuple(given)


def _plan(loss: Loss, settings: Mapping[str, object]) -> Plan | None:
    forms = tuple(each.kind.form for each in loss.required)
    if _has_levels(loss, settings):
        return None
    if loss.required[0].kind.limited:
        return from_example(loss)
    if loss.unit is Unit.ELEMENT and len(forms) <= 2:
        truth = 0.0 if forms[1:] == (Form.BINARY,) else 3.0
        return Plan((1.0, 2.0), (truth,) * (len(forms) - 1), _one_output)
    if loss.unit is Unit.ROW and forms[0] in (Form.LOGITS, Form.SCORES) and not loss.required[0].kind.fewer:
        if forms[1:] == (Form.CLASS,):
            return Plan((2.0,), (1.0,), _classes)
        if forms[1:] == (Form.DISTRIBUTION,):
            return Plan((2.0,), (0.25, 0.75), _shares)
    if loss.unit is Unit.REGION and forms[1] in (Form.BINARY, Form.CLASS):
        make = _region if forms[0] is Form.LOGIT else _regions
        return Plan((2.0, 1.0), (1.0, 0.0) if forms[0] is Form.LOGIT else (0.0, 1.0), make)
    if loss.unit is Unit.TRIPLET and len(forms) == 3:
        return Plan((1.0, 1.0, 3.0, 0.0, 1.0, 2.0), (), _triplet)
    if loss.unit is Unit.ANCHOR and forms[1:] == (Form.LABEL,):
        return Plan((1.0, 1.0, 3.0, 0.0, 1.0, 2.0), (0.0, 0.0, 1.0), _batch)
    if loss.unit is Unit.DISTRIBUTION:
        return Plan((1.0, 2.0, 4.0), (1.0, 3.0, 2.0), _samples)
    return from_example(loss)


def _has_levels(loss: Loss, settings: Mapping[str, object]) -> bool:
    return isinstance(settings.get(loss.extra_axis or ""), (list, tuple))


def _one_output(x: Numbers, target: Numbers) -> Lesson:
    truth = tuple(_tensor((each,)) for each in target)
    return Lesson(
        "z = w₁·x₁ + w₂·x₂",
        (Output("z", (x[0], x[1])),),
        f"t = {target[0]:g}" if target else NONE,
        target,
        lambda z: (z, *truth),
        x,
    )


def _classes(x: Numbers, target: Numbers) -> Lesson:
    index = torch.tensor([int(target[0])])
    if target[0] not in (0.0, 1.0):
        raise OptionError(
            sentence(
                "--target",
                expected="class 0 or class 1",
                got=f"{target[0]:g}",
                remedy="the network has a logit for each of two classes",
            )
        )
    return Lesson(
        "a logit and a weight for each of two classes: z₁ = w₁·x, z₂ = w₂·x",
        (Output("z₁", (x[0], 0.0)), Output("z₂", (0.0, x[0]))),
        f"class {index.item()}, so y = ({1 - index.item()}, {index.item()})",
        (1.0 - target[0], target[0]),
        lambda z: (z.unsqueeze(0), index),
        x,
    )


def _shares(x: Numbers, target: Numbers) -> Lesson:
    truth = _tensor(target).unsqueeze(0)
    return Lesson(
        "a logit and a weight for each of two classes: z₁ = w₁·x, z₂ = w₂·x",
        (Output("z₁", (x[0], 0.0)), Output("z₂", (0.0, x[0]))),
        f"y = ({target[0]:g}, {target[1]:g})",
        target,
        lambda z: (z.unsqueeze(0), truth),
        x,
    )


def _region(x: Numbers, target: Numbers) -> Lesson:
    truth = _tensor(target).unsqueeze(0)
    return Lesson(
        "an image of two elements, a weight and a bias: zᵢ = w₁·xᵢ + w₂",
        (Output("z₁", (x[0], 1.0)), Output("z₂", (x[1], 1.0))),
        f"t = ({target[0]:g}, {target[1]:g})",
        target,
        lambda z: (z.unsqueeze(0), truth),
        x,
        bias=True,
    )


def _regions(x: Numbers, target: Numbers) -> Lesson:
    truth = torch.tensor([[int(each) for each in target]])
    return Lesson(
        "an image of two elements, a weight for each of two classes: z = wₖ·xᵢ",
        (
            Output("z₁₁", (x[0], 0.0)),
            Output("z₁₂", (x[1], 0.0)),
            Output("z₂₁", (0.0, x[0])),
            Output("z₂₂", (0.0, x[1])),
        ),
        f"classes ({target[0]:g}, {target[1]:g}) of the two elements; the loss is the mean of both classes' regions",
        target,
        lambda z: (z.reshape(1, 2, 2), truth),
        x,
    )


def _embedding(x: Numbers) -> tuple[Output, ...]:
    return tuple(
        output
        for letter, first in zip("apn", (0, 2, 4), strict=True)
        for output in (Output(f"{letter}₁", (x[first], 0.0)), Output(f"{letter}₂", (0.0, x[first + 1])))
    )


def _three(x: Numbers) -> str:
    pairs = zip("apn", x[::2], x[1::2], strict=True)
    return ", ".join(f"({first:g}, {second:g}) for {letter}" for letter, first, second in pairs)


_EMBEDS = "an embedding in the plane, one weight an axis: (w₁·x₁, w₂·x₂)"


def _triplet(x: Numbers, target: Numbers) -> Lesson:
    return Lesson(
        _EMBEDS,
        _embedding(x),
        "the positive p should be nearer to the anchor a than the negative n",
        target,
        lambda z: tuple(z.reshape(3, 1, 2).unbind()),
        x,
        given=_three(x),
    )


def _batch(x: Numbers, target: Numbers) -> Lesson:
    labels = torch.tensor([int(each) for each in target])
    shown = ", ".join(f"{each:g}" for each in target)
    return Lesson(
        _EMBEDS,
        _embedding(x),
        f"labels ({shown}) of a, p and n; the loss is the mean over anchors: samples with a positive and a negative",
        target,
        lambda z: (z.reshape(3, 2), labels),
        x,
        given=_three(x),
    )


def _samples(x: Numbers, target: Numbers) -> Lesson:
    truth = _tensor(target).unsqueeze(0)
    shown = ", ".join(f"{each:g}" for each in target)
    return Lesson(
        "three numbers made by a weight and a bias: zᵢ = w₁·xᵢ + w₂",
        tuple(Output(f"z{number}".translate(LOWERED), (each, 1.0)) for number, each in enumerate(x, 1)),
        f"the set {{{shown}}}",
        target,
        lambda z: (z.unsqueeze(0), truth),
        x,
        bias=True,
    )


def _tensor(numbers: Numbers) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)
