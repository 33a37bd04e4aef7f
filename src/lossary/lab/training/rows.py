"""The rows of every split as the engines take them: prepared on the split's training rows, targets scaled likewise."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lossary.lab.asking import prepare
from lossary.lab.asking.profile import Profile
from lossary.lab.asking.splits import Split
from lossary.lab.asking.task import Kind, Task
from lossary.lab.data.table import Table
from lossary.lab.training.trial import SplitData


class Rows:
    """A table with its task and its splits. A split is prepared when it is first asked for, and kept."""

    def __init__(self, table: Table, task: Task, profile: Profile, splits: tuple[Split, ...]) -> None:
        self.table = table
        self.task = task
        self.profile = profile
        self.splits = splits
        self._prepared: dict[int, tuple[SplitData, prepare.TargetScale]] = {}

    def data(self, split: int) -> SplitData:
        """The rows of one split. Class codes are int64, for two classes 0.0 and 1.0; numbers are scaled."""
        return self._held(split)[0]

    def scale(self, split: int) -> prepare.TargetScale:
        """How the target of a split was scaled; the identity for classes."""
        return self._held(split)[1]

    def _held(self, split: int) -> tuple[SplitData, prepare.TargetScale]:
        if split not in self._prepared:
            self._prepared[split] = self._prepare(split)
        return self._prepared[split]

    @property
    def inputs(self) -> int:
        """How many features the network sees, in every split."""
        return int(self.data(0).x_train.shape[1])

    def truth(self, split: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Test targets in the user's unit (or class codes), and weights: (rows,) each."""
        test = self.splits[split].test
        weight = self.table.weights()
        encoded = self.task.encode(self.table.answers())[test]
        return torch.from_numpy(encoded), None if weight is None else torch.from_numpy(weight[test])

    def _prepare(self, split: int) -> tuple[SplitData, prepare.TargetScale]:
        parts = self.splits[split]
        frame = self.table.frame
        preparation = prepare.fit(self.profile, frame.iloc[parts.train])
        target = self.task.encode(self.table.answers())
        scale = prepare.TargetScale(0.0, 1.0, "none")
        if self.task.kind is Kind.REGRESSION:
            scale = prepare.target_scale(target[parts.train])
            target = scale.standardise(target)
        weight = self.table.weights()

        def x(rows: NDArray[np.int64]) -> torch.Tensor:
            return torch.from_numpy(preparation.transform(frame.iloc[rows]))

        def y(rows: NDArray[np.int64]) -> torch.Tensor:
            return torch.from_numpy(typed(target[rows], self.task.kind))

        def w(rows: NDArray[np.int64]) -> torch.Tensor | None:
            return None if weight is None else torch.from_numpy(weight[rows].astype(np.float32))

        train, valid, test = parts.train, parts.valid, parts.test
        data = SplitData(
            x(train), y(train), x(valid), y(valid), x(test), y(test), w(train), w(valid), w(test)
        )
        return data, scale


def typed(target: NDArray[Any], kind: Kind) -> NDArray[Any]:
    """Encoded answers as the losses take them: int64 codes of several classes, else float32."""
    return target.astype(np.int64 if kind is Kind.MULTICLASS else np.float32)
