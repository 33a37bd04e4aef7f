"""The rows of every split as the engines take them: prepared on the split's training rows, targets scaled likewise."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lossary.lab.asking.corrupt import Corruption, corrupted
from lossary.lab.asking.inputs import Inputs, inputs_of
from lossary.lab.asking.prepare import TargetScale, target_scale
from lossary.lab.asking.profile import Profile
from lossary.lab.asking.splits import Split
from lossary.lab.asking.task import Kind, Task
from lossary.lab.data.table import Table
from lossary.lab.training.trial import SplitData

MOST_HELD = 1 << 30  # bytes of prepared rows that are kept
UNSCALED = TargetScale(0.0, 1.0, "none")


class Rows:
    """A table with its task and its splits. A split is prepared when it is first asked for, and kept."""

    def __init__(
        self,
        table: Table,
        task: Task,
        profile: Profile,
        splits: tuple[Split, ...],
        *,
        hashed: bool = False,
        balanced: bool = False,
    ) -> None:
        """`balanced`: training rows of every class weigh alike in the losses, and in nothing else."""
        self.table = table
        self.task = task
        self.profile = profile
        self.splits = splits
        self.balanced = balanced
        self.inputs: Inputs = inputs_of(table, profile, hashed=hashed)
        self._answers = task.answers(table)
        self._corruption: Corruption | None = None
        self._prepared: dict[int, tuple[SplitData, TargetScale]] = {}

    @property
    def answers(self) -> NDArray[Any]:
        """What every row's answer is, never spoilt: as `Task.answers` gives it."""
        return self._answers

    def spoilt(self, corruption: Corruption) -> Rows:
        """The same rows, those learned from and validated on spoilt; those tested as they are."""
        found = copy(self)
        found._corruption, found._prepared = corruption, {}
        return found

    def data(self, split: int) -> SplitData:
        """The rows of one split. Class codes are int64, for two classes 0.0 and 1.0; numbers are scaled."""
        return self._held(split)[0]

    def scale(self, split: int) -> TargetScale:
        """How the target of a split was scaled; the identity for all but numbers."""
        return self._held(split)[1]

    def _held(self, split: int) -> tuple[SplitData, TargetScale]:
        if split not in self._prepared:
            made = self._prepare(split)
            # A split of many pictures or texts is large, and preparing it again is cheaper than a full memory.
            while self._prepared and (1 + len(self._prepared)) * _size(made[0]) > MOST_HELD:
                del self._prepared[next(iter(self._prepared))]
            self._prepared[split] = made
        return self._prepared[split]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row as the network sees it, in every split."""
        return tuple(self.data(0).x_train.shape[1:])

    def truth(self, split: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Test targets in the user's unit (or class codes), and weights: (rows, ...) and (rows,)."""
        test = self.splits[split].test
        weight = self.table.weights()
        found = torch.from_numpy(self._answers[test])
        return found, None if weight is None else torch.from_numpy(weight[test])

    def _prepare(self, split: int) -> tuple[SplitData, TargetScale]:
        parts = self.splits[split]
        answers = self._answers
        seen = self.inputs.fitted(parts.train)  # of the rows as they are: it is the answers that are spoilt
        if self._corruption is not None:
            answers, parts = corrupted(answers, self.task.kind, parts, self._corruption)
        target, scale = scaled(answers, self.task.kind, parts.train)
        weight = self.table.weights()

        def x(rows: NDArray[np.int64]) -> torch.Tensor:
            return torch.from_numpy(seen(rows))

        def y(rows: NDArray[np.int64]) -> torch.Tensor:
            return torch.from_numpy(typed(target[rows], self.task.kind))

        def w(rows: NDArray[np.int64]) -> torch.Tensor | None:
            return None if weight is None else torch.from_numpy(weight[rows].astype(np.float32))

        train, valid, test = parts.train, parts.valid, parts.test
        data = SplitData(
            x(train), y(train), x(valid), y(valid), x(test), y(test), w(train), w(valid), w(test)
        )
        if self.balanced:
            data = replace(data, balance=balance(data.y_train, data.w_train))
        return data, scale


def balance(codes: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
    """n / (K n_c) for every row of n, with n_c rows of its class c among the K that are there: (rows,) float32.

    Rows that have a weight count by it. Every class then weighs as much as any other, and all rows together as much
    as they did; a class that has no weight keeps none.
    """
    _, place = np.unique(codes.numpy(), return_inverse=True)
    counts = np.bincount(place, weights=None if weight is None else weight.numpy())
    there = counts > 0
    factors = counts.sum() / (max(1, there.sum()) * np.where(there, counts, 1.0))
    return torch.from_numpy(factors[place].astype(np.float32))


def _size(data: SplitData) -> int:
    return sum(part.nbytes for part in (data.x_train, data.x_valid, data.x_test))


def scaled(answers: NDArray[Any], kind: Kind, train: NDArray[np.int64]) -> tuple[NDArray[Any], TargetScale]:
    """Numbers centred and scaled by these rows; counts, whose unit is theirs, and classes as they are."""
    if kind is not Kind.REGRESSION:
        return answers, UNSCALED
    scale = target_scale(answers[train])
    return scale.standardise(answers), scale


def typed(target: NDArray[Any], kind: Kind) -> NDArray[Any]:
    """Encoded answers as the losses take them: int64 codes of several classes, else float32."""
    return target.astype(np.int64 if kind.coded else np.float32)
