"""Value and slope in one kernel, beside the eager math and beside ``torch.compile`` of the eager call."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

import lossary

from ..contest import Claim, Contest, Inputs, cleared

OURS, EAGER, COMPILED = "lossary, compile", "lossary, eager", "torch.compile of eager"


def contests(size: str) -> list[Contest]:
    """The sizes of the floors; the small ones are an eighth of them."""
    part = {"whole": 1, "small": 8, "tiny": 256}[size]
    elements = 8_388_608 // part
    rows = [(838_860, 10, 0.25), (8192, 1000, 0.35), (256, 32768, 0.5)]
    made = [
        _contest("focal", f"focal, {elements:,} elements", partial(_elements, (elements,)), 0.10, size),
        _contest(
            "binary_dice",
            f"Dice, {32 // part} x 512 x 512",
            partial(_elements, (32 // part, 512, 512)),
            0.5,
            size,
        ),
    ]
    for count, classes, at_most in rows:
        name = f"cross-entropy, {count // part:,} x {classes:,}"
        made.append(_contest("cross_entropy", name, partial(_rows, count // part, classes), at_most, size))
    return made


def _contest(name: str, title: str, make: Callable[[], Inputs], at_most: float, size: str) -> Contest:
    return Contest(
        title,
        make,
        {
            EAGER: partial(_call, name, "eager"),
            COMPILED: partial(_compiled, name),
            OURS: partial(_call, name, "compile"),
        },
        () if size != "whole" else (Claim("time", OURS, EAGER, at_most), Claim("time", OURS, COMPILED, 1.0)),
    )


def _elements(shape: tuple[int, ...]) -> Inputs:
    return {
        "logits": torch.randn(shape, requires_grad=True),
        "target": torch.randint(2, shape).float(),
        "made": {},
    }


def _rows(rows: int, classes: int) -> Inputs:
    return {
        "logits": torch.randn(rows, classes, requires_grad=True),
        "target": torch.randint(classes, (rows,)),
        "made": {},
    }


def _call(name: str, backend: str, given: Inputs) -> None:
    cleared(given["logits"])
    lossary.get(name)(given["logits"], given["target"], backend=backend).backward()


def _compiled(name: str, given: Inputs) -> None:
    cleared(given["logits"])
    made = given["made"]
    if name not in made:
        made[name] = torch.compile(partial(lossary.get(name), backend="eager"), fullgraph=True)
    made[name](given["logits"], given["target"]).backward()
