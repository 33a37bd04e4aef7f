"""Losses x seeds x rates x splits of one small network, trained as one batched program.

Loss, rate, weights, moments, best epoch and divergence are each member's own. Rows and their order belong to
the stream, (split, seed), exactly as in the plain engine. Nothing a member computes is read by another.

What holds, on one machine and one version of torch: the same list of trials, in any order, gives the same bytes;
and a member's bytes do not depend on the others' numbers, diverged ones included. In a list of another make-up the
products have other widths and may round otherwise: then a member agrees with itself as two correct engines agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch

from lossary.lab.metrics import get_metric
from lossary.lab.training.engines import plain
from lossary.lab.training.engines.adam import Adam
from lossary.lab.training.engines.batches import Batches
from lossary.lab.training.engines.best import Best
from lossary.lab.training.engines.judged import judged, part
from lossary.lab.training.engines.program import Program, programs
from lossary.lab.training.engines.slopes import Slopes
from lossary.lab.training.engines.stack import Stack
from lossary.lab.training.engines.stacking import stackable
from lossary.lab.training.networks import Mlp
from lossary.lab.training.trial import Outcome, SplitData, Trial


def run(
    trials: Sequence[Trial],
    data: Mapping[int, SplitData],
    *,
    progress: Callable[[int], None] | None = None,
) -> list[Outcome]:
    """Train all trials; outcomes come in their order. `progress` is told how many trainings have just ended.

    Trials that cannot be stacked (`stackable` says why) are trained by the plain engine.
    """
    outcomes: dict[int, Outcome] = {}
    chosen = [i for i, trial in enumerate(trials) if stackable(trial) is None]
    for program in programs(trials, chosen, data):
        members = program.members
        outcomes |= zip(members, train(program, [trials[i] for i in members], data), strict=True)
        if progress:
            progress(len(members))
    for i, trial in enumerate(trials):
        if i not in outcomes:
            [outcomes[i]] = plain.run([trial], data, progress=progress)
    return [outcomes[i] for i in range(len(trials))]


def train(program: Program, trials: Sequence[Trial], data: Mapping[int, SplitData]) -> list[Outcome]:
    """The outcomes of one program's trials, which are given in its order."""
    setup = program.setup
    dtype: torch.dtype = getattr(torch, setup.dtype)
    metric = get_metric(setup.metric)
    splits = [data[split].to(dtype) for split, _ in program.streams]
    assert isinstance(setup.network, Mlp)
    stack = Stack(setup.network, program.streams, len(program.losses), dtype)
    adam = Adam(stack, torch.tensor([trial.rate for trial in trials], dtype=torch.float64), setup)
    slopes = Slopes(program.losses)
    batches = Batches(program.streams, splits, setup)
    valid = part(splits, "valid")
    best = Best(stack, judged(stack, valid, metric), metric, setup.patience)
    for epoch in range(1, setup.epochs + 1):
        for x, y, share in batches.of(epoch):
            activations = stack.forward(x)
            stack.backward(x, activations, slopes(activations[-1], y, share))
            adam.step()
        best.update(judged(stack, valid, metric))
        if not best.running.any():
            break
    stack.weights.copy_(best.weights)
    on = {name: judged(stack, part(splits, name), metric) for name in ("train", "valid", "test")}
    return [
        Outcome(
            key=trial.key,
            score=record.score,
            tie=record.tie,
            train=float(on["train"].scores[i]),
            epoch=record.epoch,
            curve=record.curve,
            diverged=record.diverged,
            valid=on["valid"].outputs[i].float().numpy(),
            test=on["test"].outputs[i].float().numpy(),
        )
        for i, (trial, record) in enumerate(zip(trials, best.records(), strict=True))
    ]
