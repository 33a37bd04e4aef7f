"""kornia."""

from __future__ import annotations

from ..peer import Library, Peer

_K = "kornia.losses."


def peers() -> tuple[Peer, ...]:
    """Losses of kornia.losses that the catalogue has."""
    return (
        *(
            Peer(f"{_K}{name}_loss", name, f"KL.{name}_loss(prediction, target, reduction=reduction)",
                 fixed={"scale": 1.0})
            for name in ("charbonnier", "cauchy", "geman_mcclure", "welsch")
        ),
        Peer(f"{_K}binary_focal_loss_with_logits", "focal",
             "KL.binary_focal_loss_with_logits(logits[None], target[None], alpha=alpha, gamma=gamma, "
             "reduction='none')[0]", soft=True,
             plain="KL.binary_focal_loss_with_logits(logits, target, alpha=alpha, gamma=gamma, reduction='mean')"),
        Peer(f"{_K}focal_loss", "categorical_focal",
             "KL.focal_loss(logits, target, alpha=None, gamma=gamma, reduction='none').sum(1)", ignores=True),
    )  # fmt: skip


LIBRARY = Library("kornia", ("import math, torch, kornia.losses as KL",), peers)
