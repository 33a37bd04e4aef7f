"""Value and slope in one kernel, beside the eager math and beside ``torch.compile`` of the eager call."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

import lossary

from ..contest import Claim, Contest, Inputs, cleared

OURS, EAGER, COMPILED = "lossary, compile", "lossary, eager", "torch.compile of eager"


def contests(size: str) -> list[Contest]:
    """The sizes of the floors; of the small ones, an eighth, focal alone, since compiling takes most of the time."""
    part = {"whole": 1, "small": 8, "tiny": 256}[size]
    made = [
        _contest(
            "focal",
            f"focal, {8_388_608 // part:,} elements",
            partial(_elements, (8_388_608 // part,)),
            0.10,
            size,
        ),
        _of_rows(8192 // part, 1000, 0.35, size),
        _of_rows(838_860 // part, 10, 0.30, size),
        _of_rows(256 // part, 32768, 0.5, size),
    ]
    pictures = max(32 // part, 1)
    dice = _contest(
        "binary_dice", f"Dice, {pictures} x 512 x 512", partial(_elements, (pictures, 512, 512)), 0.5, size
    )
    return made[:1] if size == "small" else [*made, dice]


def _of_rows(rows: int, classes: int, at_most: float, size: str) -> Contest:
    name = f"cross-entropy, {rows:,} x {classes:,}"
    return _contest("cross_entropy", name, partial(_rows, rows, classes), at_most, size)


def _contest(name: str, title: str, make: Callable[[], Inputs], at_most: float, size: str) -> Contest:
    whole = size == "whole"
    return Contest(
        title,
        make,
        {
            EAGER: partial(_call, name, "eager"),
            COMPILED: partial(_compiled, name),
            OURS: partial(_call, name, "compile"),
        },
        (Claim("time", OURS, EAGER, at_most), Claim("time", OURS, COMPILED, 1.0)) if whole else (),
        weighed=None if whole else (EAGER,),
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
