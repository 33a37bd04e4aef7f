"""Triplets mined in a batch: without the cube of all of them."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

import lossary

from ..contest import Claim, Contest, Inputs, cleared

OURS, EAGER, PML = "lossary, chunked", "lossary, eager", "pytorch-metric-learning"


def contests(size: str) -> list[Contest]:
    """Classes of 32 samples; the small batches are a quarter of the whole ones."""
    every, hard = {"whole": (1024, 4096), "small": (256, 1024), "tiny": (12, 12)}[size]
    needs = {PML: "pytorch_metric_learning"}
    made = [
        Contest(
            f"all triplets, B={every} D=128",
            partial(_inputs, every),
            {PML: partial(_theirs, "all"), OURS: partial(_ours, "triplet_all", "chunked")},
            () if size != "whole" else (Claim("time", OURS, PML, 0.05), Claim("memory", OURS, PML, 0.05)),
            needs=needs,
        ),
        Contest(
            f"batch-hard triplets, B={hard} D=128",
            partial(_inputs, hard),
            {PML: partial(_theirs, "hard"), OURS: partial(_ours, "triplet_batch_hard", "chunked")},
            () if size != "whole" else (Claim("time", OURS, PML, 0.2), Claim("memory", OURS, PML, 0.1)),
            needs=needs,
        ),
    ]
    return made


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
