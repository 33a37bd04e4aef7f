"""The derivative of every member's loss in its raw outputs: one call a loss, for all members that train with it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor

from lossary.lab.training.engines.objective import unit_slope
from lossary.lab.training.trial import Link


class Slopes:
    """`losses`: the loss of each member of a stream, the same in every stream, equal ones as neighbours."""

    def __init__(self, losses: Sequence[tuple[str, Link]]) -> None:
        self._width = len(losses)
        self._groups = [(unit_slope(*loss), len(list(same))) for loss, same in groupby(losses)]

    def __call__(self, outputs: Tensor, y: Tensor, share: Tensor) -> Tensor:
        """The slope of each member's mean: outputs (members, K, rows), y and share (streams, rows)."""
        streams, rows = y.shape
        # Loss by loss in memory, then stream by stream: (width, streams, rows, K), a row of outputs as one unit.
        by_loss = outputs.view(streams, self._width, -1, rows).permute(1, 0, 3, 2)
        units = by_loss.reshape(self._width * streams * rows, -1).squeeze(1)
        targets = y.expand(self._width, streams, rows).reshape(-1)
        sizes = [count * streams * rows for _, count in self._groups]
        slopes = torch.cat(
            [
                slope(own, target)
                for (slope, _), own, target in zip(
                    self._groups, torch.split(units, sizes), torch.split(targets, sizes), strict=True
                )
            ]
        )
        weighted = slopes.view(by_loss.shape) * share.unsqueeze(-1)
        return weighted.permute(1, 0, 3, 2).reshape(outputs.shape)
