"""Triplets mined in a batch: without the cube of all of them."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

import lossary

from ..contest import Claim, Contest, Inputs, cleared

OURS, EAGER, PML = "lossary, chunked", "lossary, eager", "pytorch-metric-learning"


def contests(size: str) -> list[Contest]:
    """Classes of 32 samples; the small batches are the first of the whole ones. What is claimed, is of the largest."""
    every, hard = {
        "whole": ((256, 512, 1024), (1024, 4096)),
        "small": ((256,), (1024,)),
        "tiny": ((12,), (12,)),
    }[size]
    claims = size == "whole"
    return [
        *(_contest("all", batch, 0.05, 0.05, claims and batch == every[-1]) for batch in every),
        *(_contest("hard", batch, 0.2, 0.1, claims and batch == hard[-1]) for batch in hard),
    ]


def _contest(which: str, batch: int, time: float, memory: float, claimed: bool) -> Contest:
    says, ours = {"all": ("all", "triplet_all"), "hard": ("batch-hard", "triplet_batch_hard")}[which]
    return Contest(
        f"{says} triplets, B={batch} D=128",
        partial(_inputs, batch),
        {PML: partial(_theirs, which), OURS: partial(_ours, ours, "chunked")},
        (Claim("time", OURS, PML, time), Claim("memory", OURS, PML, memory)) if claimed else (),
        needs={PML: "pytorch_metric_learning"},
    )


def _inputs(batch: int) -> Inputs:
    labels = torch.arange(batch) // min(32, batch // 3)
    return {
        "embeddings": torch.randn(batch, 128, requires_grad=True),
        "labels": labels,
        "margin": 1.0,
        "made": {},
    }


def _theirs(which: str, given: Inputs) -> None:
    cleared(given["embeddings"])
    loss, miner = given["made"].setdefault(which, _peer(which, given["margin"]))
    found = miner(given["embeddings"], given["labels"]) if miner is not None else None
    loss(given["embeddings"], given["labels"], found).backward()


def _peer(which: str, margin: float) -> tuple[Any, Any]:
    from pytorch_metric_learning import distances, losses, miners, reducers

    distance = distances.LpDistance(normalize_embeddings=False)
    loss = losses.TripletMarginLoss(margin=margin, distance=distance, reducer=reducers.MeanReducer())
    return loss, miners.BatchHardMiner(distance=distance) if which == "hard" else None


def _ours(name: str, backend: str, given: Inputs) -> None:
    cleared(given["embeddings"])
    lossary.get(name)(
        given["embeddings"], given["labels"], margin=given["margin"], backend=backend
    ).backward()
