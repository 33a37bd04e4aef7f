"""What a worker does with a slice: train its trials at once, and keep the outputs of each block's best rate alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lossary.lab.metrics import get_metric
from lossary.lab.planning.plan import Plan, Slice
from lossary.lab.running.outputs import Outputs
from lossary.lab.training.choose import Trained, best_rate
from lossary.lab.training.engines import engine
from lossary.lab.training.engines.tie import rate_tie
from lossary.lab.training.trial import Outcome, SplitData


@dataclass(frozen=True, eq=False)
class Learned:
    """The results of one slice: every training, and the outputs of the best rate of each block."""

    trained: tuple[Trained, ...]
    outputs: tuple[Outputs, ...]


def train_slice(plan: Plan, piece: Slice, data: Mapping[int, SplitData]) -> Learned:
    """Train the trials of a slice. `data` holds the splits it names."""
    planned = [plan.trials(block) for block in piece.blocks]
    program = engine(plan.setup)
    outcomes = iter(program.run([trial for trials in planned for trial in trials], data))
    better = get_metric(plan.settings.metric).greater_is_better
    every: list[Trained] = []
    kept: list[Outputs] = []
    for block, trials in zip(piece.blocks, planned, strict=True):
        found = [next(outcomes) for _ in trials]
        ties = _ties(found, data[block.split], plan.kind)
        learned = [
            Trained(
                key=outcome.key,
                label=block.label,
                split=trial.split,
                rate=trial.rate,
                seed=trial.seed,
                score=outcome.score,
                train=outcome.train,
                tie=tie,
                epoch=outcome.epoch,
                curve=outcome.curve,
                diverged=outcome.diverged,
            )
            for trial, outcome, tie in zip(trials, found, ties, strict=True)
        ]
        rate = best_rate(learned, greater_is_better=better)
        best = [o for o, trial in zip(found, trials, strict=True) if trial.rate == rate]
        valid, test = np.stack([o.valid for o in best]), np.stack([o.test for o in best])
        every += learned
        kept.append(Outputs(block.label, block.split, rate, valid, test))
    return Learned(tuple(every), tuple(kept))


def _ties(found: Sequence[Outcome], data: SplitData, kind: str) -> list[float]:
    """What separates rates with equal scores on validation: see `rate_tie`."""
    outputs = torch.from_numpy(np.stack([outcome.valid for outcome in found]))
    scores: list[float] = rate_tie(outputs, data.y_valid, data.w_valid, kind).tolist()
    return scores
