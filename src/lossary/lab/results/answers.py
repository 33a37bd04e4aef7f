"""What a network answers, row by row, in a form in which two losses can be set side by side, whatever the task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lossary.lab.metrics.decisions import decide
from lossary.lab.results.tested import in_units
from lossary.lab.running.store import Outputs
from lossary.lab.training.rows import Rows

Values = NDArray[np.float64]

ONE_OF_SEVERAL = frozenset({"binary", "multiclass", "ordinal"})  # one decision a row
YES_OR_NO = frozenset({"multilabel", "segmentation"})  # a decision for each label or pixel of a row
NUMBERS = frozenset({"regression", "count"})
# The scores of anomaly detection and the embeddings of retrieval have no scale that two losses share.
COMPARABLE = ONE_OF_SEVERAL | YES_OR_NO | NUMBERS


@dataclass(frozen=True, eq=False)
class Answers:
    """One loss on the test rows of one split. Classes: shares of the trainings (rows, parts, choices) that took each
    choice; numbers: predictions (trainings, rows). `right` (rows,) is the share of right answers, or the mean.
    """

    shares: Values | None
    numbers: Values | None
    right: Values
    trainings: int

    def apart(self, other: Answers) -> float:
        """Of one training of each loss, the share of answers that differ, or the mean distance between them.

        Of a loss with itself the two trainings are different ones: NaN where there is one alone.
        """
        if self is other:
            once = self.trainings
            return self._mean(self) * once / (once - 1) if once > 1 else float("nan")
        return self._mean(other)

    def _mean(self, other: Answers) -> float:
        """Over all pairs of trainings; those of a training with itself add 0."""
        if self.numbers is not None and other.numbers is not None:
            return float(np.abs(self.numbers[:, None] - other.numbers[None]).mean())
        assert self.shares is not None and other.shares is not None
        return float(1 - (self.shares * other.shares).sum(-1).mean())


def answers(each: Outputs, rows: Rows) -> Answers | None:
    """The answers of one loss on one split; None where an output is no number, or the task knows no common scale."""
    kind = rows.task.kind.value
    if kind not in COMPARABLE or not np.isfinite(each.test).all():
        return None
    if kind in NUMBERS:
        found = in_units(each.test, rows, each.split)[..., 0].numpy()
        return Answers(None, found, found.mean(0), len(found))
    truth = rows.truth(each.split)[0].numpy()
    if kind in YES_OR_NO:
        yes = each.test > 0  # (trainings, rows, parts)
        share = yes.mean(0, dtype=np.float64)
        right = (yes == (truth > 0)).mean((0, 2), dtype=np.float64)
        return Answers(np.stack([1 - share, share], -1), None, right, len(yes))
    taken = decide(torch.from_numpy(each.test)).numpy()  # (trainings, rows)
    choices = np.arange(max(2, each.test.shape[-1]))
    shares = (taken[..., None] == choices).mean(0, dtype=np.float64)[:, None]
    right = (taken == truth.astype(np.int64)).mean(0, dtype=np.float64)
    return Answers(shares, None, right, len(taken))
