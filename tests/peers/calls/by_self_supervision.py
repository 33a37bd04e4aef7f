"""The names that programs of self-supervised and metric learning have for our losses, most of them the authors' own."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lossary.doctor.draw import Case

from .calling import Call, Late, Library, two

pulling = Late("pytorch_metric_learning.losses")
turning = Late("lightly.loss.negative_cosine_similarity", alone=("lightly", "lightly.loss", "lightly.utils"))
varying = Late("lightly.loss.vicreg_loss", alone=("lightly", "lightly.loss", "lightly.utils"))
comparing = Late(
    "lightly.loss.ntx_ent_loss",
    alone=("lightly", "lightly.loss", "lightly.utils", "lightly.models", "lightly.models.modules"),
)
assigning = Late("lightly.loss.swav_loss", alone=("lightly", "lightly.loss", "lightly.utils"))
spreading = Late("align_uniform")
supervising = Late("SupContrast.losses")

_SOLO = ("solo", "solo.losses", "solo.utils")
_ADDONS = ("tensorflow_addons", "tensorflow_addons.losses", "tensorflow_addons.utils")


def _vicreg(library: Late, *names: str, other: str) -> Call:
    """Invariance, variance and covariance by the names they have there, where the variance's term is halved."""

    def call(case: Case) -> Tensor:
        prices = (case.hyper["invariance"], 2.0 * case.hyper["variance"], case.hyper["covariance"])
        made: Any = library.VICRegLoss(**dict(zip(names, prices, strict=True)), eps=case.hyper["eps"])
        first, second = two(case)
        found: Tensor = made(first, **{other: second})
        return found

    return call


def _solo_vicreg(case: Case) -> Tensor:
    prices = (case.hyper[each] for each in ("invariance", "variance", "covariance"))
    found: Tensor = Late("solo.losses.vicreg", alone=_SOLO).vicreg_loss_func(*two(case), *prices)
    return found


def _solo_simclr(case: Case) -> Tensor:
    first, second = two(case)
    views, indices = torch.cat([first, second]), torch.arange(len(first)).repeat(2)
    found: Tensor = Late("solo.losses.simclr", alone=_SOLO).simclr_loss_func(
        views, indices, case.hyper["temperature"]
    )
    return found


def _solo(module: str, name: str) -> Call:
    def call(case: Case) -> Tensor:
        found: Tensor = getattr(Late(f"solo.losses.{module}", alone=_SOLO), name)(*two(case))
        return found

    return call


def _ntx_ent(case: Case) -> Tensor:
    found: Tensor = comparing.NTXentLoss(temperature=case.hyper["temperature"])(*two(case))
    return found


def _swav(case: Case) -> Tensor:
    made = assigning.SwaVLoss(
        temperature=case.hyper["temperature"],
        sinkhorn_epsilon=case.hyper["epsilon"],
        sinkhorn_iterations=case.hyper["iterations"],
    )
    found: Tensor = made(list(two(case)), [])
    return found.squeeze()


def _supcon(case: Case) -> Tensor:
    embeddings, labels = two(case)
    features = F.normalize(embeddings, dim=1).unsqueeze(1)
    found: Tensor = supervising.SupConLoss(temperature=case.hyper["temperature"])(features, labels)
    return found


def _align(case: Case) -> Tensor:
    first, second = (F.normalize(each, dim=1) for each in two(case))
    found: Tensor = spreading.align_loss(first, second, alpha=case.hyper["alpha"])
    return found


def _uniform(case: Case) -> Tensor:
    (embeddings,) = case.inputs[:1]
    assert embeddings is not None
    found: Tensor = spreading.uniform_loss(F.normalize(embeddings, dim=1), t=case.hyper["t"])
    return found


def _addons(module: str, name: str, **settings: Any) -> Call:
    """A loss of labels and embeddings; its masks are of float32."""

    def call(case: Case) -> Any:
        embeddings, labels = two(case)
        given = {"margin": case.hyper["margin"], **settings}
        if "distance_metric" in given:
            given["distance_metric"] = given["distance_metric"][case.hyper["distance"]]
        found = getattr(Late(f"tensorflow_addons.losses.{module}", alone=_ADDONS), name)
        return np.float64(found(labels.numpy(), embeddings.float().numpy(), **given))

    return call


def _addons_contrastive(case: Case) -> Any:
    first, second, target = case.inputs[:3]
    assert first is not None and second is not None and target is not None
    apart = {
        "euclidean": (first - second).norm(dim=-1),
        "cosine": 1 - F.cosine_similarity(first, second, dim=-1),
    }[case.hyper["distance"]]
    found = Late("tensorflow_addons.losses.contrastive", alone=_ADDONS)
    return found.contrastive_loss(target.numpy(), apart.numpy(), case.hyper["margin"]).numpy()


_METRICS = {"euclidean": "L2", "squared": "squared-L2", "cosine": "angular"}

METRIC_LEARNING = Library(
    {
        "pytorch_metric_learning.losses.VICRegLoss, its variance_mu twice the variance": _vicreg(
            pulling, "invariance_lambda", "variance_mu", "covariance_v", other="ref_emb"
        ),
    },
    packages=("pytorch_metric_learning",),
)
LIGHTLY = Library(
    {
        "lightly.loss.VICRegLoss, its mu_param twice the variance": _vicreg(
            varying, "lambda_param", "mu_param", "nu_param", other="z_b"
        ),
        "lightly.loss.NTXentLoss": _ntx_ent,
        "lightly.loss.SwaVLoss, of two views": _swav,
        "lightly.loss.NegativeCosineSimilarity, of vectors no shorter than 1e-8": lambda case: (
            turning.NegativeCosineSimilarity()(*two(case))
        ),
    },
    packages=("lightly",),
)
SOLO = Library(
    {
        "solo.losses.vicreg.vicreg_loss_func": _solo_vicreg,
        "solo.losses.simclr.simclr_loss_func, of two views": _solo_simclr,
        "solo.losses.byol.byol_loss_func, of vectors no shorter than 1e-8": _solo("byol", "byol_loss_func"),
        "solo.losses.simsiam.simsiam_loss_func, of vectors no shorter than 1e-8": _solo(
            "simsiam", "simsiam_loss_func"
        ),
    },
    packages=("solo",),
)
SUPCONTRAST = Library(
    {"SupContrast losses.SupConLoss of embeddings of length 1": _supcon}, packages=("SupContrast",)
)
ALIGN_UNIFORM = Library(
    {
        "align_uniform.align_loss of vectors of length 1": _align,
        "align_uniform.uniform_loss of vectors of length 1": _uniform,
    },
    packages=("align_uniform",),
)
# It computes in float32.
ADDONS = Library(
    {
        "tensorflow_addons.losses.lifted_struct_loss": _addons("lifted", "lifted_struct_loss"),
        "tensorflow_addons.losses.triplet_semihard_loss": _addons(
            "triplet", "triplet_semihard_loss", distance_metric=_METRICS
        ),
        "tensorflow_addons.losses.triplet_hard_loss, every sample with both partners": _addons(
            "triplet", "triplet_hard_loss", distance_metric=_METRICS
        ),
        "tensorflow_addons.losses.contrastive_loss of the distances": _addons_contrastive,
    },
    packages=("tensorflow_addons",),
    tolerance=1e-4,
)
