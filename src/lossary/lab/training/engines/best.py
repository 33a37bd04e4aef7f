"""Early stopping, member by member: the best epoch so far and its weights, and who no longer takes part."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from lossary.lab.metrics import Metric
from lossary.lab.training.engines.judged import Judged
from lossary.lab.training.engines.stack import Weights


def divergence(epoch: int) -> str:
    """Why a training was given up, in the words of the report."""
    return f"the outputs were no longer finite after epoch {epoch}"


def refusal(epoch: int) -> str:
    """The same where the loss itself would not take the outputs."""
    return f"the loss could no longer take the outputs in epoch {epoch}"


class Record(NamedTuple):
    """One member's way: the fields of `Outcome` that tell it."""

    score: float
    tie: float
    epoch: int
    curve: tuple[float, ...]
    diverged: str | None


class Best:
    """Keeps each member's weights at its best validation score; of equal scores the least tie, then the first.

    A member whose outputs are no longer finite is given up: from then on its numbers are never read again.
    """

    def __init__(self, stack: Weights, untrained: Judged, metric: Metric, patience: int | None) -> None:
        self._stack, self._greater, self._patience = stack, metric.greater_is_better, patience
        self.weights = stack.weights.clone()
        self._blocks = stack.by_member(self.weights)
        self._rank = torch.full_like(untrained.scores, -torch.inf)
        self._tie = untrained.ties
        self._history = [untrained.scores]
        self._epoch = torch.zeros(stack.members, dtype=torch.int64)
        self._last = torch.zeros_like(self._epoch)  # the last epoch of the curve
        self._lost = torch.zeros_like(self._epoch)  # the epoch in which the member diverged; 0: it did not
        self._refused = torch.zeros(stack.members, dtype=torch.bool)
        self.running = torch.ones(stack.members, dtype=torch.bool)

    def update(self, now: Judged, refused: Tensor) -> None:
        """Take in how the members do on the validation rows after one more epoch.

        refused: (members,) whose loss would no longer take their outputs.
        """
        epoch = len(self._history)
        self._history.append(now.scores)
        self._refused |= self.running & refused
        finite = now.outputs.flatten(1).isfinite().all(1) & ~refused
        self._lost[self.running & ~finite] = epoch
        self.running &= finite
        self._last[self.running] = epoch
        rank = ranked(now.scores, greater=self._greater)
        better = (rank > self._rank) | ((rank == self._rank) & (now.ties < self._tie)) | (self._epoch == 0)
        better &= self.running
        self._epoch[better] = epoch
        self._rank = torch.where(better, rank, self._rank)
        self._tie = torch.where(better, now.ties, self._tie)
        for kept, new in zip(self._blocks, self._stack.blocks, strict=True):
            torch.where(better.unsqueeze(1), new, kept, out=kept)
        if self._patience is not None:
            self.running &= epoch - self._epoch < self._patience

    def records(self) -> list[Record]:
        """What became of each member."""
        history = torch.stack(self._history, 1).tolist()
        columns = (self._tie, self._epoch, self._last, self._lost, self._refused)
        parts = zip(history, *(each.tolist() for each in columns), strict=True)
        return [
            Record(scores[epoch], tie, epoch, tuple(scores[1 : last + 1]), _why(lost, refused=refused))
            for scores, tie, epoch, last, lost, refused in parts
        ]


def _why(lost: int, *, refused: bool) -> str | None:
    return (refusal(lost) if refused else divergence(lost)) if lost else None


def ranked(scores: Tensor, *, greater: bool) -> Tensor:
    """Scores so that greater is better and one that is not defined is worst."""
    return torch.where(scores.isnan(), -torch.inf, scores if greater else -scores)
