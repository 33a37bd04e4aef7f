"""The derivative of every member's loss in its raw outputs: one call a loss, for all members that train with it.

Where a row's value depends on its own outputs alone, the rows of all members are one call. Where it does not, the
loss is called member by member, as the plain engine would; only the network is then shared work.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor

from lossary.core.errors import LossaryError
from lossary.lab.training.engines.batches import Batch
from lossary.lab.training.engines.objective import mean_loss, unit_slope
from lossary.lab.training.engines.rowwise import by_rows
from lossary.lab.training.trial import Link


class Slopes:
    """`losses`: the loss of each member of a stream, the same in every stream, equal ones as neighbours.

    probe: targets (n, ...) on which it is found out which losses may be one call. `refused` (members,) tells whose
    loss would no longer take its outputs; their slopes are NaN.
    """

    def __init__(
        self, losses: Sequence[tuple[str, Link]], streams: int, probe: Tensor, *, weighted: bool
    ) -> None:
        self._width, self._streams = len(losses), streams
        self._groups = [(loss, len(list(same))) for loss, same in groupby(losses)]
        self._probe, self._weighted = probe, weighted
        self._rowwise: list[bool] = []  # decided with the first batch
        self._unit = [unit_slope(*loss) for loss, _ in self._groups]
        self._mean = [mean_loss(*loss) for loss, _ in self._groups]
        self.refused = torch.zeros(streams * len(losses), dtype=torch.bool)

    def __call__(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The slope of each member's mean: outputs (members, K, rows) -> (members, K, rows)."""
        rows = outputs.shape[-1]
        first = not self._rowwise
        if first:
            self._rowwise = [self._has_rows(*loss, outputs.shape[1]) for loss, _ in self._groups]
        # Loss by loss in memory, then stream by stream: (width, streams, rows, K), a row of outputs as one unit.
        by_loss = outputs.view(self._streams, self._width, -1, rows).permute(1, 0, 3, 2).contiguous()
        slopes = torch.empty_like(by_loss)
        low = 0
        for number, (_, count) in enumerate(self._groups):
            own = slice(low, low + count)
            if self._rowwise[number]:
                units = by_loss[own].reshape(-1, by_loss.shape[-1])
                target = batch.y.expand(count, *batch.y.shape).flatten(0, 2)
                found = self._unit[number](units, target).view(by_loss[own].shape)
                torch.mul(found, batch.share.unsqueeze(-1), out=slopes[own])
            else:
                for member in range(low, low + count):
                    for stream in range(self._streams):
                        slopes[member, stream] = self._alone(number, member, stream, by_loss, batch, first)
            low += count
        return slopes.permute(1, 0, 3, 2).reshape(outputs.shape)

    def _alone(
        self, number: int, member: int, stream: int, by_loss: Tensor, batch: Batch, first: bool
    ) -> Tensor:
        outputs = by_loss[member, stream].detach().requires_grad_()
        weight = None if batch.weight is None else batch.weight[stream]
        try:
            value = self._mean[number](outputs, batch.y[stream], weight)
        except LossaryError:
            if first:  # what a loss cannot take from the start is a mistake, not a divergence
                raise
            self.refused[stream * self._width + member] = True
            return torch.full_like(outputs, torch.nan)
        (slope,) = torch.autograd.grad(value, outputs)
        return slope

    def _has_rows(self, expression: str, link: Link, outputs: int) -> bool:
        return by_rows(expression, link, outputs, self._probe, weighted=self._weighted) is None
