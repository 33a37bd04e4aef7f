"""torch.nn.functional."""

from __future__ import annotations

from ..peer import Library, Peer

_F = "torch.nn.functional."
_VARIANCE = "the variance is clamped from below at eps=1e-6"


def peers() -> tuple[Peer, ...]:
    """Every loss of torch.nn.functional that the catalogue has."""
    return (
        Peer(f"{_F}mse_loss", "mse", "F.mse_loss(prediction, target, reduction=reduction)",
             weighted="F.mse_loss(prediction, target, reduction=reduction, weight=weight)"),
        Peer(f"{_F}l1_loss", "mae", "F.l1_loss(prediction, target, reduction=reduction)",
             weighted="F.l1_loss(prediction, target, reduction=reduction, weight=weight)"),
        Peer(f"{_F}huber_loss", "huber", "F.huber_loss(prediction, target, reduction=reduction, delta=delta)",
             weighted="F.huber_loss(prediction, target, reduction=reduction, delta=delta, weight=weight)"),
        Peer(f"{_F}smooth_l1_loss", "smooth_l1",
             "F.smooth_l1_loss(prediction, target, reduction=reduction, beta=beta)"),
        Peer(f"{_F}poisson_nll_loss", "poisson_nll",
             "F.poisson_nll_loss(prediction, target, log_input=True, full=False, reduction=reduction)"),
        Peer(f"{_F}gaussian_nll_loss", "gaussian_nll",
             "F.gaussian_nll_loss(prediction[..., 0], target, torch.exp(2 * prediction[..., 1]), full=full, "
             "reduction=reduction)",
             documented={"values_are_exact_at_extremes": _VARIANCE, "gradients_are_exact_at_extremes": _VARIANCE,
                         "nothing_broadcasts": "the target may have a dimension of 1, to allow for broadcasting"}),
        Peer(f"{_F}binary_cross_entropy_with_logits", "binary_cross_entropy",
             "F.binary_cross_entropy_with_logits(logits, target, reduction=reduction)", soft=True,
             weighted="F.binary_cross_entropy_with_logits(logits, target, reduction=reduction, weight=weight)"),
        Peer(f"{_F}soft_margin_loss", "binary_cross_entropy",
             "F.soft_margin_loss(logits, 2 * target - 1, reduction=reduction)"),
        Peer(f"{_F}multilabel_soft_margin_loss", "binary_cross_entropy",
             "F.multilabel_soft_margin_loss(logits[..., None], target[..., None], reduction=reduction)",
             soft=True, plain="F.multilabel_soft_margin_loss(logits, target)"),
        Peer(f"{_F}cross_entropy", "cross_entropy", "F.cross_entropy(logits, target, reduction=reduction)",
             soft=True, ignores=True),
        Peer(f"{_F}nll_loss", "cross_entropy",
             "F.nll_loss(F.log_softmax(logits, 1), target, reduction=reduction)", ignores=True),
        Peer(f"{_F}kl_div", "kl",
             "F.kl_div(F.log_softmax(prediction, 1), target, reduction='none').sum(1)",
             fixed={"direction": "forward"}),
        Peer(f"{_F}multi_margin_loss", "multi_margin",
             "F.multi_margin_loss(scores, target, p=int(p), margin=margin, reduction=reduction) * scores.shape[1]",
             fixed={"p": 1.0}, flat=True),
        Peer(f"{_F}multi_margin_loss(p=2)", "multi_margin",
             "F.multi_margin_loss(scores, target, p=int(p), margin=margin, reduction=reduction) * scores.shape[1]",
             fixed={"p": 2.0}, flat=True),
        Peer(f"{_F}triplet_margin_with_distance_loss", "triplet",
             "F.triplet_margin_with_distance_loss(anchor, positive, negative, distance_function="
             "lambda a, b: torch.linalg.vector_norm(a - b, dim=-1), margin=margin, reduction=reduction)",
             fixed={"distance": "euclidean", "margin": 1.0}),
    )  # fmt: skip


LIBRARY = Library("torch", ("import math, torch", "import torch.nn.functional as F"), peers)
