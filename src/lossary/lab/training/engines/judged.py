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
from lossary.lab.training.trial import SplitData

ROWS = 256  # rows evaluated at a time: the activations of a hundred members stay in the cache


@dataclass(frozen=True)
class Part:
    """One part of every stream's split: x (streams, rows, features), y and w (streams, 1, rows)."""

    x: Tensor
    y: Tensor
    w: Tensor | None


def part(splits: Sequence[SplitData], name: Literal["train", "valid", "test"]) -> Part:
    """The part of this name of splits of equal shapes, one for each stream."""
    weights = [getattr(split, f"w_{name}") for split in splits]
    return Part(
        x=torch.stack([getattr(split, f"x_{name}") for split in splits]),
        y=torch.stack([getattr(split, f"y_{name}") for split in splits]).unsqueeze(1),
        w=None if weights[0] is None else torch.stack(weights).unsqueeze(1),
    )


class Judged(NamedTuple):
    """Raw outputs (members, rows, K); scores and ties (members,) float64."""

    outputs: Tensor
    scores: Tensor
    ties: Tensor


def judged(stack: Stack, part: Part, metric: Metric) -> Judged:
    """Every member on its stream's rows."""
    chunks = [stack.forward(x)[-1].mT.clone() for x in torch.split(part.x, ROWS, dim=1)]
    outputs = torch.cat(chunks, 1)
    by_stream = outputs.view(stack.streams, stack.width, *outputs.shape[1:])
    scores = metric.score(by_stream, part.y, part.w)
    return Judged(outputs, scores.flatten(), tie(by_stream, part.y, part.w, metric).flatten())
