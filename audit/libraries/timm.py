"""timm."""

from __future__ import annotations

from functools import partial

from ..peer import Library, Peer
from .alone import alone

_T = "timm.loss."
_FLOOR = "eps is documented as the minimum probability that a logarithm is taken of, 1e-8"
#: They give a mean and nothing else.
_MEANS = frozenset({"an_empty_batch_is_a_zero"})


def peers() -> tuple[Peer, ...]:
    """Losses of timm.loss that the catalogue has."""
    return (
        Peer(f"{_T}LabelSmoothingCrossEntropy(smoothing=0)", "cross_entropy",
             "torch.stack([loss(logits[i : i + 1], target[i : i + 1]) for i in range(len(logits))])",
             whole="loss(logits, target)", make="timm.loss.LabelSmoothingCrossEntropy(smoothing=0.0)",
             flat=True, lacks=_MEANS),
        Peer(f"{_T}BinaryCrossEntropy(smoothing=0)", "binary_cross_entropy", "loss(logits, target)", soft=True,
             make="timm.loss.BinaryCrossEntropy(smoothing=0.0, reduction=reduction)"),
        Peer(f"{_T}PolyCrossEntropy", "categorical_poly1", "loss(logits, target)",
             make="timm.loss.PolyCrossEntropy(epsilon=epsilon, reduction=reduction)", flat=True, single=True),
        Peer(f"{_T}PolyBinaryCrossEntropy", "poly1", "loss(logits, target)",
             make="timm.loss.PolyBinaryCrossEntropy(epsilon=epsilon, reduction=reduction)", single=True),
        Peer(f"{_T}AsymmetricLossMultiLabel", "asymmetric", "loss(logits, target)",
             make="timm.loss.AsymmetricLossMultiLabel(reduction=reduction)", single=True,
             documented={"values_are_exact_at_extremes": _FLOOR, "gradients_are_exact_at_extremes": _FLOOR}),
        Peer(f"{_T}AsymmetricLossMultiLabel(gamma_neg=0.5)", "asymmetric", "loss(logits, target)",
             make="timm.loss.AsymmetricLossMultiLabel(gamma_neg=0.5, reduction=reduction)", single=True,
             fixed={"gamma_neg": 0.5}, only=frozenset({"values_are_exact", "gradients_are_exact"})),
        Peer(f"{_T}ZlprLoss", "zlpr",
             "torch.stack([loss(scores[i : i + 1], target[i : i + 1]) for i in range(len(scores))])",
             whole="loss(scores, target)", make="timm.loss.ZlprLoss()", flat=True, single=True, lacks=_MEANS),
    )  # fmt: skip


LIBRARY = Library("timm", ("import math, torch, timm.loss",), peers, prepare=partial(alone, "timm"))
