"""One training: what it is given, all of it frozen, and what comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lossary.lab.record import digest
from lossary.lab.training.networks import Network
from lossary.lab.training.readout import Readout

Link = Literal["identity", "sigmoid", "softmax", "softplus"]
Learns = Literal["answer", "inputs", "random"]
Floats = npt.NDArray[np.float32]


# About 500 steps of Adam bring a small network to the level of logistic or ridge regression. Accuracy on test rows,
# 12 splits and 2 seeds at rate 0.003, against theirs: iris 0.960 / 0.964, wine 0.985 / 0.984, breast_cancer 0.976 /
# 0.978 (0.979 at 0.001), digits 0.968 / 0.964; RMSE on diabetes, in quartile ranges, 0.445 / 0.439 (0.440 at 0.001).
# Ten epochs at least, for tables of many rows; 200 at most, for those of few.
STEPS, FEWEST_EPOCHS, MOST_EPOCHS = 500, 10, 200


def epochs_for(rows: int, batch: int = 32) -> int:
    """The default number of epochs for so many training rows."""
    return min(max(math.ceil(STEPS / math.ceil(rows / batch)), FEWEST_EPOCHS), MOST_EPOCHS)


@dataclass(frozen=True)
class Setup:
    """What every training of a comparison shares; `epochs_for` has the default budget for a table's rows."""

    network: Network
    metric: str  # a name of lossary.lab.metrics; decides the epoch, on the validation rows
    epochs: int
    batch: int = 32
    patience: int | None = None  # stop after so many epochs without a better one; None runs them all
    weight_decay: float = 0.01  # decoupled, as in torch.optim.AdamW, whose default it is
    betas: tuple[float, float] = (0.9, 0.999)
    # With torch's 1e-8, a loss and ten times that loss part ways once gradients are small. 1e-12 is far below any
    # gradient that matters, and far above what rounding leaves in float64 where gradients cancel (about 1e-18).
    eps: float = 1e-12
    dtype: Literal["float32", "float64"] = "float32"
    engine: str = "stacked"
    optimizer: Literal["adamw", "sgd"] = "adamw"  # sgd: no momentum, the same decoupled decay


@dataclass(frozen=True)
class Trial:
    """One training, complete: on the same data, equal trials have equal outcomes.

    `loss` is an expression such as "huber(delta=2.0)" or "0.5*dice + focal". `link` is applied to the raw
    outputs before the loss: "sigmoid" for a squared error on probabilities, "softmax" with a one-hot target,
    "softplus" for one on counts.
    `readout` says how raw outputs become what the metric judges. `learns` says what the loss compares outputs
    with: the answer, or on those training rows alone whose answer is 0 the inputs themselves, flattened, or a fixed
    random function of them.
    `data` is the digest of the table and its preparation, so that a ledger never mixes two data sets.
    """

    loss: str
    rate: float
    seed: int
    split: int
    setup: Setup
    link: Link = "identity"
    data: str = ""
    readout: Readout = "identity"
    learns: Learns = "answer"

    @cached_property
    def key(self) -> str:
        """The sha256 of the trial's canonical JSON: its name in the ledger."""
        return digest(self)


@dataclass(frozen=True)
class SplitData:
    """The prepared rows of one split.

    x: (n, ...) floating, or int64 token ids (n, length). y: (n,) floating or int64 class codes; (n, labels) or
    (n, pixels) floating. w: (n,) floating and at least 0, or None where every row counts once. balance: (n,), what
    each training row is multiplied by in the losses alone, never in a metric.
    """

    x_train: Tensor
    y_train: Tensor
    x_valid: Tensor
    y_valid: Tensor
    x_test: Tensor
    y_test: Tensor
    w_train: Tensor | None = None
    w_valid: Tensor | None = None
    w_test: Tensor | None = None
    balance: Tensor | None = None

    def to(self, dtype: torch.dtype) -> SplitData:
        """The same rows with every floating tensor in `dtype`; class codes stay integers."""
        floating = {
            field.name: part.to(dtype)
            for field in fields(self)
            if (part := getattr(self, field.name)) is not None and part.is_floating_point()
        }
        return replace(self, **floating)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a training came to, at the epoch with the best validation metric; `tie` decides between equals.

    `curve` is the validation metric after each epoch, as far as it got. A training that diverges says so in
    `diverged` and keeps its best epoch before; when there is none, `epoch` is 0: the untrained network.
    """

    key: str
    score: float  # the metric on the validation rows
    tie: float  # less is better: the mean absolute error there, or the log-loss at a common scale
    train: float  # the metric on the training rows, for the gap to the test rows
    epoch: int  # counted from 1
    curve: tuple[float, ...]
    diverged: str | None
    valid: Floats  # outputs after the readout, (rows, columns)
    test: Floats
