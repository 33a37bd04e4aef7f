"""segmentation-models-pytorch."""

from __future__ import annotations

from functools import partial

from ..peer import Library, Peer
from .alone import alone

_S = "segmentation_models_pytorch.losses."


def peers() -> tuple[Peer, ...]:
    """Losses that the catalogue has, those that sum over the batch left out: there is no factor between them."""
    return (
        Peer(f"{_S}SoftBCEWithLogitsLoss", "binary_cross_entropy", "loss(logits, target)", soft=True,
             make="smp.SoftBCEWithLogitsLoss(reduction=reduction)"),
        Peer(f"{_S}SoftCrossEntropyLoss", "cross_entropy", "loss(logits, target)", ignores=True,
             make="smp.SoftCrossEntropyLoss(smooth_factor=0.0, reduction=reduction)"),
        Peer(f"{_S}FocalLoss(mode='binary')", "focal", "loss(logits, target).reshape(logits.shape)",
             make="smp.FocalLoss('binary', gamma=gamma, alpha=alpha, reduction='none')",
             plain="loss(logits, target)"),
    )  # fmt: skip


LIBRARY = Library(
    "segmentation_models_pytorch",
    ("import math, torch, segmentation_models_pytorch.losses as smp",),
    peers,
    distribution="segmentation-models-pytorch",
    prepare=partial(alone, "segmentation_models_pytorch"),
)
