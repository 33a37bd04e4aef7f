"""The names that pytorch-metric-learning has for losses that compare all samples of a batch."""

from __future__ import annotations

import warnings
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lossary.doctor.draw import Case

from .calling import Call, Late, Library, two

measuring = Late("pytorch_metric_learning.distances")
pulling = Late("pytorch_metric_learning.losses")


def _over(name: str, **settings: str) -> Call:
    """A loss over plain Euclidean distances; ``settings`` are ours, by the name they have there."""

    def call(case: Case) -> Tensor:
        given = {theirs: case.hyper[ours] for theirs, ours in settings.items()}
        made: Any = getattr(pulling, name)(distance=measuring.LpDistance(normalize_embeddings=False), **given)
        found: Tensor = made(*two(case))
        return found

    return call


def _circle(case: Case) -> Tensor:
    found: Tensor = pulling.CircleLoss(m=case.hyper["margin"], gamma=case.hyper["gamma"])(*two(case))
    return found


def _angular(case: Case) -> Tensor:
    embeddings, labels = two(case)
    found: Tensor = pulling.AngularLoss(alpha=case.hyper["alpha"])(F.normalize(embeddings), labels)
    return found


def _fastap(case: Case) -> Tensor:
    found: Tensor = pulling.FastAPLoss(num_bins=case.hyper["bins"])(*two(case))
    return found


def _histogram(case: Case) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it indexes by a list, which torch advises against
        found: Tensor = pulling.HistogramLoss(n_bins=case.hyper["bins"])(*two(case))
    return found


METRIC_LEARNING = Library(
    {
        "pytorch_metric_learning.losses.CircleLoss": _circle,
        "pytorch_metric_learning.losses.AngularLoss of embeddings of length 1": _angular,
        "pytorch_metric_learning.losses.FastAPLoss": _fastap,
        "pytorch_metric_learning.losses.LiftedStructureLoss, LpDistance without normalize_embeddings": _over(
            "LiftedStructureLoss", neg_margin="margin"
        ),
        "pytorch_metric_learning.losses.GeneralizedLiftedStructureLoss, LpDistance without normalize_embeddings, every "
        "sample with both partners": _over("GeneralizedLiftedStructureLoss", neg_margin="margin"),
    },
    packages=("pytorch_metric_learning",),
)
#: It places distances in bins in float32.
METRIC_LEARNING_IN_FLOAT32 = Library(
    {"pytorch_metric_learning.losses.HistogramLoss, every sample with a partner": _histogram},
    packages=("pytorch_metric_learning",),
    tolerance=1e-6,
)
