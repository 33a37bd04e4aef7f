"""MONAI, whose losses take (batch, channel, space)."""

from __future__ import annotations

from ..peer import Library, Peer

_ENCODED = frozenset({"targets_outside_their_domain_are_refused"})


def peers() -> tuple[Peer, ...]:
    """Losses of monai.losses that the catalogue has."""
    return (
        Peer("monai.losses.FocalLoss", "focal", "loss(logits[None, None], target[None, None])[0, 0]",
             make="monai.losses.FocalLoss(gamma=gamma, alpha=alpha, reduction='none')",
             plain="loss(logits, target)", single=True),
        Peer("monai.losses.FocalLoss(use_softmax=True)", "categorical_focal",
             "loss(logits, target[:, None]).sum(1)",
             make="monai.losses.FocalLoss(gamma=gamma, use_softmax=True, to_onehot_y=True, reduction='none')",
             single=True),
        Peer("monai.losses.DiceLoss(softmax=True)", "dice",
             "loss(logits, target[:, None])[(...,) + (0,) * (logits.ndim - 2)]",
             make="monai.losses.DiceLoss(softmax=True, to_onehot_y=True, squared_pred=squared, smooth_nr=smooth, "
             "smooth_dr=smooth, reduction='none')"),
        Peer("monai.losses.DiceLoss(sigmoid=True)", "binary_dice",
             "loss(logits[:, None], target[:, None])[(slice(None), 0) + (0,) * (logits.ndim - 1)]",
             make="monai.losses.DiceLoss(sigmoid=True, squared_pred=squared, smooth_nr=smooth, smooth_dr=smooth, "
             "reduction='none')", plain="loss(logits[:, None], target[:, None])"),
    )  # fmt: skip


LIBRARY = Library("monai", ("import math, torch, monai.losses",), peers)
