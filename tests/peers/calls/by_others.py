"""The names that libraries of one idea have for our losses."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from lossary.doctor.draw import Case

from .calling import Array, Call, Late, Library, rows, two

coral_pytorch = Late("coral_pytorch.losses")
coral_levels = Late("coral_pytorch.dataset")
entmax = Late("entmax")
ot = Late("ot")
mining = Late("pytorch_metric_learning.miners")
measuring = Late("pytorch_metric_learning.distances")
pulling = Late("pytorch_metric_learning.losses")
reducing = Late("pytorch_metric_learning.reducers")
robust = Late("robust_loss_pytorch.general", alone=("robust_loss_pytorch",))
torchmetrics = Late("torchmetrics")
torch_uncertainty = Late(
    "torch_uncertainty.losses.regression",
    alone=("torch_uncertainty", "torch_uncertainty.losses", "torch_uncertainty.utils"),
)
focal = Late("torchvision.ops.focal_loss", alone=("torchvision", "torchvision.ops"))


def _coral(case: Case) -> Tensor:
    levels = coral_levels.levels_from_labelbatch(case.target, case.classes).double()
    found: Tensor = coral_pytorch.coral_loss(case.first, levels, reduction=None)
    return found


def _wasserstein(case: Case) -> Array:
    pairs = zip(*(each.numpy() for each in two(case)), strict=True)
    p = float(case.hyper["p"])
    return np.array([ot.wasserstein_1d(x, y, p=p) for x, y in pairs])


def _all_triplets(case: Case) -> Tensor:
    margin = case.hyper["margin"]
    made = pulling.TripletMarginLoss(
        margin=margin or 0.0,
        smooth_loss=margin is None,
        distance=measuring.LpDistance(normalize_embeddings=False),
        reducer=reducing.MeanReducer(),
    )
    found: Tensor = made(*two(case))
    return found


def _batch_hard(case: Case) -> Tensor:
    embeddings, labels = two(case)
    distance = measuring.LpDistance(normalize_embeddings=False)
    made = pulling.TripletMarginLoss(
        margin=case.hyper["margin"], distance=distance, reducer=reducing.MeanReducer()
    )
    mined = mining.BatchHardMiner(distance=distance)(embeddings, labels)
    found: Tensor = made(embeddings, labels, mined)
    return found


def _multi_similarity(case: Case) -> Tensor:
    embeddings, labels = two(case)
    alpha, beta, base, epsilon = (case.hyper[each] for each in ("alpha", "beta", "base", "epsilon"))
    mined = None if epsilon is None else mining.MultiSimilarityMiner(epsilon=epsilon)(embeddings, labels)
    found: Tensor = pulling.MultiSimilarityLoss(alpha=alpha, beta=beta, base=base)(embeddings, labels, mined)
    return found


def _of_cosines(name: str, degrees: bool = False) -> Call:
    """A loss that makes the cosines itself, of embeddings and its own centres, is given ours."""

    def call(case: Case) -> Tensor:
        cosines, target = two(case)
        margin = case.hyper["margin"]
        made = getattr(pulling, name)(
            num_classes=cosines.shape[1],
            embedding_size=cosines.shape[1],
            margin=math.degrees(margin) if degrees else margin,
            scale=case.hyper["scale"],
        )
        made.get_cosine = lambda _: cosines
        found: Tensor = made(torch.ones_like(cosines), target).detach()
        return found

    return call


def _proxy_anchor(case: Case) -> Tensor:
    cosines, target = two(case)
    made = pulling.ProxyAnchorLoss(
        num_classes=cosines.shape[1],
        embedding_size=cosines.shape[1],
        margin=case.hyper["margin"],
        alpha=case.hyper["scale"],
    )
    made.get_logits = lambda _: cosines
    found: Tensor = made(torch.ones_like(cosines), target).detach()
    return found


def _soft_triple(case: Case) -> Tensor:
    cosines, target = two(case)
    made = pulling.SoftTripleLoss(
        num_classes=case.classes,
        embedding_size=cosines.shape[1],
        centers_per_class=case.hyper["centres"],
        la=case.hyper["scale"],
        gamma=case.hyper["temperature"],
        margin=case.hyper["margin"],
    )
    made.distance.forward = lambda *_: cosines
    found: Tensor = made(torch.ones_like(cosines), target).detach()
    return found


def _general(case: Case) -> Tensor:
    first, second = two(case)
    alpha, scale = (torch.tensor(float(case.hyper[each])).double() for each in ("alpha", "scale"))
    found: Tensor = robust.lossfun(first - second, alpha=alpha, scale=scale)
    return found


def _beta_nll(case: Case) -> Tensor:
    (mean, log_scale), target = rows(case)
    made = torch_uncertainty.BetaNLL(beta=case.hyper["beta"], reduction="none")
    found: Tensor = made(mean, target, (2.0 * log_scale).exp())
    return found


def _focal(case: Case) -> Tensor:
    alpha = case.hyper["alpha"]
    found: Tensor = focal.sigmoid_focal_loss(
        *two(case), alpha=-1 if alpha is None else alpha, gamma=case.hyper["gamma"]
    )
    return found


def _metric(name: str) -> Call:
    return lambda case: getattr(torchmetrics.functional, name)(*two(case))


def _of(name: str, call: Call) -> Library:
    return Library({name: call}, packages=(name.split(".")[0],))


CORAL = _of("coral_pytorch.losses.coral_loss", _coral)
ENTMAX = Library(
    {
        "entmax.entmax15_loss": lambda case: entmax.entmax15_loss(*two(case)),
        "entmax.sparsemax_loss": lambda case: entmax.sparsemax_loss(*two(case)),
    },
    packages=("entmax",),
)
POT = _of("ot.wasserstein_1d", _wasserstein)
METRIC_LEARNING = Library(
    {
        "pytorch_metric_learning.losses.TripletMarginLoss + BatchHardMiner, LpDistance without "
        "normalize_embeddings, MeanReducer": _batch_hard,
        "pytorch_metric_learning.losses.TripletMarginLoss, LpDistance without normalize_embeddings, MeanReducer, "
        "smooth_loss and margin 0 for the soft margin": _all_triplets,
        "pytorch_metric_learning.losses.MultiSimilarityLoss, after MultiSimilarityMiner unless epsilon is None": (
            _multi_similarity
        ),
        "pytorch_metric_learning.losses.ArcFaceLoss, margin in degrees": _of_cosines("ArcFaceLoss", True),
        "pytorch_metric_learning.losses.CosFaceLoss": _of_cosines("CosFaceLoss"),
        "pytorch_metric_learning.losses.ProxyAnchorLoss": _proxy_anchor,
        "pytorch_metric_learning.losses.SoftTripleLoss": _soft_triple,
    },
    packages=("pytorch_metric_learning",),
)
ROBUST = _of("robust_loss_pytorch.general.lossfun", _general)
TORCHMETRICS = Library(
    {
        f"torchmetrics.functional.{each}": _metric(each)
        for each in (
            "mean_absolute_percentage_error",
            "mean_squared_log_error",
            "symmetric_mean_absolute_percentage_error",
        )
    }
    | {
        "torchmetrics.image.TotalVariation": lambda case: torchmetrics.functional.image.total_variation(
            case.first[:, None], reduction="none"
        )
    },
    packages=("torchmetrics",),
)
UNCERTAINTY = _of("torch_uncertainty.losses.BetaNLL", _beta_nll)
VISION = _of("torchvision.ops.sigmoid_focal_loss", _focal)
