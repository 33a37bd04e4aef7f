"""Losses over all pairs of a batch: without the table of their differences."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

import lossary

from ..contest import Claim, Contest, Inputs, cleared

OURS, EAGER, PML = "lossary, chunked", "lossary, eager", "pytorch-metric-learning"

#: By the name on our card: what it is called, and whether the peer computes the same.
LOSSES = {
    "fastap": ("FastAP", True),
    "histogram": ("histogram", False),
    "generalized_lifted": ("generalized lifted", True),
    "lifted": ("lifted structure", False),
    "multi_similarity": ("multi-similarity", True),
    "contrastive_batch": ("contrastive pairs", False),
}


def contests(size: str) -> list[Contest]:
    """Classes of 8 samples."""
    batches = {"whole": (1024,), "small": (256,), "tiny": (16,)}[size]
    names = {"whole": tuple(LOSSES), "small": ("fastap", "lifted"), "tiny": tuple(LOSSES)}[size]
    return [_contest(name, batch, size == "whole") for batch in batches for name in names]


def _contest(name: str, batch: int, claimed: bool) -> Contest:
    says, shared = LOSSES[name]
    peer = {PML: partial(_theirs, name)} if shared else {}
    return Contest(
        f"{says}, B={batch} D=128",
        partial(_inputs, batch),
        {EAGER: partial(_ours, name, "eager"), **peer, OURS: partial(_ours, name, "chunked")},
        (Claim("time", OURS, EAGER, 0.2), Claim("memory", OURS, EAGER, 0.1)) if claimed else (),
        needs={PML: "pytorch_metric_learning"},
    )


def _inputs(batch: int) -> Inputs:
    return {
        "embeddings": torch.randn(batch, 128, requires_grad=True),
        "labels": torch.arange(batch) // 8,
        "made": {},
    }


def _theirs(name: str, given: Inputs) -> None:
    cleared(given["embeddings"])
    loss = given["made"].setdefault(name, _peer(name))
    loss(given["embeddings"], given["labels"]).backward()


def _peer(name: str) -> Any:
    from pytorch_metric_learning import distances, losses

    if name == "generalized_lifted":
        plain = distances.LpDistance(normalize_embeddings=False)
        return losses.GeneralizedLiftedStructureLoss(distance=plain)
    return {"fastap": losses.FastAPLoss, "multi_similarity": losses.MultiSimilarityLoss}[name]()


def _ours(name: str, backend: str, given: Inputs) -> None:
    cleared(given["embeddings"])
    lossary.get(name)(given["embeddings"], given["labels"], backend=backend).backward()
