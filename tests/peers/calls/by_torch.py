"""The names that torch has for our losses."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lossary.doctor.draw import Case

from .calling import Library, rows, two


def _triplet(case: Case) -> Tensor:
    a, p, n = case.inputs
    assert a is not None and p is not None and n is not None
    distances = {
        "euclidean": lambda x, y: (x - y).norm(dim=-1),
        "squared": lambda x, y: (x - y).square().sum(-1),
        "cosine": lambda x, y: 1 - F.cosine_similarity(x, y, dim=-1),
    }
    chosen = distances[case.hyper["distance"]]
    return F.triplet_margin_with_distance_loss(
        a, p, n, distance_function=chosen, margin=case.hyper["margin"], reduction="none"
    )


def _width(case: Case) -> float:
    """Where the quadratic ends, by whichever name our loss has for it."""
    return float(case.hyper["delta"] if "delta" in case.hyper else case.hyper["beta"])


def _gaussian(case: Case) -> Tensor:
    (mean, log_scale), target = rows(case)
    return F.gaussian_nll_loss(
        mean, target, (2.0 * log_scale).exp(), full=case.hyper["full"], eps=0.0, reduction="none"
    )


def _labels(case: Case) -> Tensor:
    """Rows of 0 and 1 as torch's multilabel margin takes them: the present labels, then -1."""
    found = torch.full(case.target.shape, -1)
    for row, present in zip(found, case.target, strict=True):
        chosen = present.nonzero().flatten()
        row[: len(chosen)] = chosen
    return found


_F = "torch.nn.functional."

LIBRARY = Library(
    {
        f"{_F}mse_loss": lambda case: F.mse_loss(*two(case), reduction="none"),
        f"{_F}cosine_similarity, of vectors no shorter than 1e-8": lambda case: F.cosine_similarity(
            *two(case), dim=-1
        ),
        f"{_F}l1_loss": lambda case: F.l1_loss(*two(case), reduction="none"),
        f"{_F}huber_loss": lambda case: F.huber_loss(*two(case), delta=_width(case), reduction="none"),
        f"{_F}smooth_l1_loss": lambda case: F.smooth_l1_loss(*two(case), beta=_width(case), reduction="none"),
        f"{_F}cross_entropy": lambda case: F.cross_entropy(*two(case)),
        f"{_F}binary_cross_entropy_with_logits": lambda case: F.binary_cross_entropy_with_logits(
            *two(case), pos_weight=torch.tensor(case.hyper["pos_weight"]), reduction="none"
        ),
        # Its mean is over rows and over the labels of a row, so labels that stand in one row are the batch.
        f"{_F}multilabel_soft_margin_loss": lambda case: F.multilabel_soft_margin_loss(
            case.first[None], case.target[None]
        ),
        f"{_F}multilabel_margin_loss": lambda case: F.multilabel_margin_loss(
            case.first, _labels(case), reduction="none"
        ),
        f"{_F}gaussian_nll_loss": _gaussian,
        f"{_F}poisson_nll_loss": lambda case: F.poisson_nll_loss(*two(case), reduction="none"),
        f"{_F}kl_div(reduction='batchmean')": lambda case: F.kl_div(
            case.first.log_softmax(1), two(case)[1], reduction="batchmean"
        ),
        f"{_F}triplet_margin_with_distance_loss": _triplet,
        "torch.distributions.Categorical(logits=...).entropy()": lambda case: torch.distributions.Categorical(
            logits=case.first
        ).entropy(),
    },
    packages=("torch",),
)
