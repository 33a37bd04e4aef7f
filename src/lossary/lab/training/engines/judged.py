"""How every member does on one part of its split: outputs, metric, and what separates equal scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from lossary.lab.metrics import Metric
from lossary.lab.training.engines.stack import Stack
from lossary.lab.training.engines.tie import tie
from lossary.lab.training.engines.vmapped import Vmapped
from lossary.lab.training.readout import Reader
from lossary.lab.training.trial import SplitData


@dataclass(frozen=True)
class Part:
    """One part of every stream's split: x (streams, rows, ...), y (streams, 1, rows, ...) and w (streams, 1, rows)."""

    x: Tensor
    y: Tensor
    w: Tensor | None


def part(splits: Sequence[SplitData], name: Literal["train", "valid", "test"]) -> Part:
    """The part of this name of splits of equal shapes, one for each stream."""
    weights = [getattr(split, f"w_{name}") for split in splits]
    return Part(
        x=together([getattr(split, f"x_{name}") for split in splits]),
        y=together([getattr(split, f"y_{name}") for split in splits]).unsqueeze(1),
        w=None if weights[0] is None else together(weights).unsqueeze(1),
    )


def together(parts: Sequence[Tensor]) -> Tensor:
    """One tensor with the streams first; a single stream is not copied."""
    return parts[0].unsqueeze(0) if len(parts) == 1 else torch.stack(list(parts))


class Judged(NamedTuple):
    """Outputs after the readout (members, rows, K); scores and ties (members,) float64."""

    outputs: Tensor
    scores: Tensor
    ties: Tensor


def judged(stack: Stack | Vmapped, part: Part, metric: Metric, read: Reader, rows: int) -> Judged:
    """Every member on its stream's rows, so many of them at a time."""
    chunks = []
    for x in torch.split(part.x, rows, dim=1):
        raw = stack.forward(x).mT
        by_stream = raw.reshape(stack.streams, stack.width, *raw.shape[1:])
        # Stacking copies, so that the next rows may write over the raw outputs.
        chunks.append(torch.stack([read(own, seen) for own, seen in zip(by_stream, x, strict=True)]))
    outputs = torch.cat(chunks, 2)
    scores = metric.score(outputs, part.y, part.w)
    ties = tie(outputs, part.y, part.w, metric)
    return Judged(outputs.flatten(0, 1), scores.flatten(), ties.flatten())
