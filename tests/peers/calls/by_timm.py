"""The names that timm has for our losses; it computes them in float32."""

from __future__ import annotations

import torch
from torch import Tensor

from lossary.doctor.draw import Case

from .calling import Late, Library, two

timm = Late("timm.loss", alone=("timm",))


def _row_by_row(case: Case) -> Tensor:
    """It offers the mean alone, which of one row is its value."""
    made = timm.ZlprLoss()
    return torch.stack([made(x[None], t[None]) for x, t in zip(case.first, case.target, strict=True)])


_T = "timm.loss."

LIBRARY = Library(
    {
        f"{_T}PolyCrossEntropy": lambda case: timm.PolyCrossEntropy(
            epsilon=case.hyper["epsilon"], reduction="none"
        )(*two(case)),
        f"{_T}PolyBinaryCrossEntropy": lambda case: timm.PolyBinaryCrossEntropy(
            epsilon=case.hyper["epsilon"], reduction="none"
        )(*two(case)),
        f"{_T}ZlprLoss": _row_by_row,
    },
    packages=("timm",),
    tolerance=2e-5,
)
