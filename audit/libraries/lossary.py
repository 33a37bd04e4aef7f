"""Lossary itself, asked in the same words: every loss of ours that has a peer in another library's file."""

from __future__ import annotations

import lossary
from lossary.core.declaration import Loss
from lossary.core.kinds import Form

from ..peer import Library, Peer, find


def peers() -> tuple[Peer, ...]:
    """Our versions of the losses that are asked of anybody."""
    from ..run import LIBRARIES

    others = [find(name).peers() for name in LIBRARIES if name != "lossary"]
    wanted = sorted({each.ours for group in others for each in group})
    return tuple(_peer(lossary.get(name).loss) for name in wanted)


def _peer(loss: Loss) -> Peer:
    words = ", ".join([each.name for each in loss.required] + [f"{h.name}={h.name}" for h in loss.hyper])
    call = f"lossary.{loss.name}({words}, reduction=reduction)"
    return Peer(
        f"lossary.{loss.name}", loss.name, call, soft=loss.facts.soft is not None,
        weighted="" if loss.facts.coupled else f"{call[:-1]}, weight=weight)",
        ignores="ignore_index" in loss.options and loss.has(Form.CLASS) and str(loss.unit) == "row",
    )  # fmt: skip


LIBRARY = Library("lossary", ("import math, torch, lossary",), peers)
