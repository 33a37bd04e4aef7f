"""The names that MONAI has for our losses; it takes (batch, channel, space) and makes targets float32."""

from __future__ import annotations

from torch import Tensor

from lossary.doctor.draw import Case

from .calling import Late, Library

losses = Late("monai.losses")


def _dice(case: Case, **options: bool) -> Tensor:
    smooth = case.hyper["smooth"]
    made = losses.DiceLoss(
        smooth_nr=smooth, smooth_dr=smooth, squared_pred=case.hyper["squared"], reduction="none", **options
    )
    first = case.first if "softmax" in options else case.first[:, None]
    found: Tensor = made(first, case.target[:, None])
    return found.reshape(case.first.shape[: 2 if "softmax" in options else 1])


LIBRARY = Library(
    {
        "monai.losses.DiceLoss(sigmoid=True, smooth_nr=1, smooth_dr=1)": lambda case: _dice(
            case, sigmoid=True
        ),
        "monai.losses.DiceLoss(softmax=True, to_onehot_y=True, smooth_nr=1, smooth_dr=1)": lambda case: _dice(
            case, softmax=True, to_onehot_y=True
        ),
    },
    packages=("monai",),
    tolerance=1e-6,
)
