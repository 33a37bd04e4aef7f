"""The names that libraries of contrastive learning have for our losses."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lossary.doctor.draw import Case

from .calling import Call, Late, Library, two

pulling = Late("pytorch_metric_learning.losses")
clipping = Late("open_clip.loss", alone=("open_clip",))
decoupling = Late("lightly.loss.dcl_loss", alone=("lightly", "lightly.loss", "lightly.utils"))
informing = Late("info_nce")


def _nt_xent(symmetric: bool) -> Call:
    def call(case: Case) -> Tensor:
        inner = pulling.NTXentLoss(temperature=case.hyper["temperature"])
        found: Tensor = pulling.SelfSupervisedLoss(inner, symmetric=symmetric)(*two(case))
        return found

    return call


def _supcon(case: Case) -> Tensor:
    found: Tensor = pulling.SupConLoss(temperature=case.hyper["temperature"])(*two(case))
    return found


def _unit(case: Case) -> tuple[Tensor, Tensor]:
    first, second = two(case)
    return F.normalize(first, dim=1), F.normalize(second, dim=1)


def _clip(case: Case) -> Tensor:
    found: Tensor = clipping.ClipLoss()(*_unit(case), logit_scale=1 / case.hyper["temperature"])
    return found


def _siglip(case: Case) -> Tensor:
    scale, bias = 1 / case.hyper["temperature"], torch.tensor(case.hyper["bias"], dtype=torch.float64)
    found: Tensor = clipping.SigLipLoss()(*_unit(case), scale, bias)
    return found


def _decoupled(case: Case) -> Tensor:
    found: Tensor = decoupling.DCLLoss(temperature=case.hyper["temperature"])(*two(case))
    return found


def _info_nce(case: Case) -> Tensor:
    found: Tensor = informing.InfoNCE(temperature=case.hyper["temperature"])(*two(case))
    return found


METRIC_LEARNING = Library(
    {
        "pytorch_metric_learning.losses.SelfSupervisedLoss(NTXentLoss())": _nt_xent(True),
        "pytorch_metric_learning.losses.SelfSupervisedLoss(NTXentLoss(), symmetric=False)": _nt_xent(False),
        "pytorch_metric_learning.losses.SupConLoss, where no sample's loss is 0": _supcon,
    },
    packages=("pytorch_metric_learning",),
)
# Its labels are of float32.
OPEN_CLIP = Library(
    {
        "open_clip.ClipLoss, on embeddings of length 1": _clip,
        "open_clip.SigLipLoss, on embeddings of length 1": _siglip,
    },
    packages=("open_clip",),
    tolerance=1e-6,
)
LIGHTLY = Library({"lightly.loss.DCLLoss": _decoupled}, packages=("lightly",))
INFO_NCE = Library({"info_nce.InfoNCE": _info_nce}, packages=("info_nce",))
