"""Pairs of views against all others of a batch: without the matrix of all similarities."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

import lossary

from ..contest import Claim, Contest, Inputs, Side, cleared

OURS, EAGER, NAIVE = "lossary, chunked", "lossary, eager", "by hand"
TEMPERATURE = 0.07


def contests(size: str) -> list[Contest]:
    """Batches of up to 8192 pairs; the small one is a quarter of that. What is claimed, is of the largest."""
    batches, features = {"whole": ((4096, 8192), 256), "small": ((2048,), 128), "tiny": ((7,), 5)}[size]
    most, few = {"whole": (65536, 64), "small": (8192, 64), "tiny": (9, 4)}[size]
    claimed = batches[-1] if size == "whole" else 0
    return [
        *(_contest("CLIP", _clip, batch, features, 0.7, batch == claimed) for batch in batches),
        *(_contest("SigLIP", _siglip, batch, features, 1.0, batch == claimed) for batch in batches),
        Contest(
            f"CLIP, B={most} D={few}",
            partial(_inputs, most, few),
            {OURS: partial(_ours, "clip", "chunked")},
            () if size != "whole" else (Claim("memory", OURS, None, 2000.0),),
            timed=(),
        ),
    ]


def _contest(name: str, naive: Side, batch: int, features: int, time: float, claimed: bool) -> Contest:
    ours = partial(_ours, name.lower())
    return Contest(
        f"{name}, B={batch} D={features}",
        partial(_inputs, batch, features),
        {NAIVE: naive, EAGER: partial(ours, "eager"), OURS: partial(ours, "chunked")},
        (Claim("time", OURS, NAIVE, time), Claim("memory", OURS, NAIVE, 0.2)) if claimed else (),
    )


def _inputs(batch: int, features: int) -> Inputs:
    return {name: torch.randn(batch, features, requires_grad=True) for name in ("image", "text")}


def _similarities(given: Inputs) -> Tensor:
    cleared(given["image"], given["text"])
    return F.normalize(given["image"], dim=-1) @ F.normalize(given["text"], dim=-1).T


def _clip(given: Inputs) -> None:
    """As open_clip computes it on one device: a product for each direction."""
    cleared(given["image"], given["text"])
    image, text = F.normalize(given["image"], dim=-1), F.normalize(given["text"], dim=-1)
    here = torch.arange(len(image))
    to_text, to_image = image @ text.T / TEMPERATURE, text @ image.T / TEMPERATURE
    ((F.cross_entropy(to_text, here) + F.cross_entropy(to_image, here)) / 2).backward()


def _siglip(given: Inputs) -> None:
    """As the paper's pseudo-code: one label of 1 on the diagonal, -1 elsewhere."""
    logits = _similarities(given) * 10.0 - 10.0
    labels = 2.0 * torch.eye(len(logits)) - 1.0
    (-F.logsigmoid(labels * logits).sum() / len(logits)).backward()


def _ours(name: str, backend: str, given: Inputs) -> None:
    cleared(given["image"], given["text"])
    lossary.get(name)(given["image"], given["text"], backend=backend).backward()
