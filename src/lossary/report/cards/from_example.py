"""A network for any loss: its outputs take the place of the first input of the example that was computed by hand."""

from __future__ import annotations

import re

import torch

from lossary.core.declaration import Loss
from lossary.core.kinds import Form
from lossary.core.unit import Unit

from .example import call_of, nested, tensor_of
from .plan import LOWERED, NONE, Lesson, Numbers, Output, Plan

FEW = 2  # outputs that may have a weight each


def from_example(loss: Loss) -> Plan:
    """A plan whose other inputs are those of the example; few outputs have a weight each, many share both."""
    tensors = [tensor_of(each, one) for each, one in zip(loss.required, call_of(loss).inputs, strict=True)]
    first, others = tensors[0], tensors[1:]
    names = [each.name for each in loss.required]
    aimed = names[-1] == "target"
    usual = tuple(float(each) for each in others[-1].flatten()) if aimed else ()
    few = first.numel() == FEW
    rows = () if loss.unit in (Unit.REGION, Unit.ANCHOR) else (1,)  # those examples are whole calls
    # A correlation over a batch sees no bias and no scale, so there the second weight has an input too: the next one,
    # and after the last the first.
    views = loss.unit is Unit.ANCHOR and loss.has(Form.FEATURES) and not few

    def make(x: Numbers, target: Numbers) -> Lesson:
        letters = [f"z{number}".translate(LOWERED) for number in range(1, first.numel() + 1)]
        given = list(others)
        if aimed:
            given[-1] = (
                torch.tensor(target, dtype=torch.float64).reshape(others[-1].shape).to(others[-1].dtype)
            )
        placed = nested(torch.arange(first.numel()).reshape(first.shape).tolist())
        shown = re.sub(r"\d+", lambda found: letters[int(found[0])], placed)
        said = [f"{name} = {nested(each.tolist())}" for name, each in zip(names[1:], given, strict=True)]
        columns = loss.required[0].kind.columns
        if few and columns:
            network = f"{columns[0]} z₁ = w₁·x, {columns[1]} z₂ = w₂·x"
        else:
            made = "z₁ = w₁·x, z₂ = w₂·x" if few else "zᵢ = w₁·xᵢ + w₂·xᵢ₊₁" if views else "zᵢ = w₁·xᵢ + w₂"
            network = f"{names[0]} = {shown} with {made}"
        return Lesson(
            network,
            tuple(
                Output(
                    letter,
                    ((x[0], 0.0), (0.0, x[0]))[i] if few else (x[i], x[(i + 1) % len(x)] if views else 1.0),
                )
                for i, letter in enumerate(letters)
            ),
            ", ".join(said) or NONE,
            target,
            lambda z: (z.reshape(*rows, *first.shape), *(each.reshape(*rows, *each.shape) for each in given)),
            x,
            bias=not few and not views,
        )

    numbers = tuple(float(each) for each in first.flatten())
    # Steps of different lengths, since some losses know only how far outputs are apart.
    counted = tuple(number * (number + 1) / 2 for number in range(1, first.numel() + 1))
    return Plan((2.0,) if few else numbers if len(set(numbers)) > 1 else counted, usual, make)
