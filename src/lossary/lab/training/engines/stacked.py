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
from torch import Tensor, nn

from lossary.lab.metrics import get_metric
from lossary.lab.training.engines import plain
from lossary.lab.training.engines.batches import Batches
from lossary.lab.training.engines.best import Best
from lossary.lab.training.engines.descent import Descent
from lossary.lab.training.engines.judged import judged, part
from lossary.lab.training.engines.lesson import lesson
from lossary.lab.training.engines.memory import rows_at_once
from lossary.lab.training.engines.program import Program, programs
from lossary.lab.training.engines.rowwise import telling
from lossary.lab.training.engines.slopes import Slopes
from lossary.lab.training.engines.stacking import kind_of_stack, stackable
from lossary.lab.training.networks import masks
from lossary.lab.training.networks.dropout import shapes
from lossary.lab.training.readout import reader
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
    metric, read = get_metric(setup.metric), reader(program.readout, trials[0].loss)
    splits = [data[split].to(dtype) for split, _ in program.streams]
    kind, why = kind_of_stack(setup.network)
    assert kind is not None, why
    stack = kind(setup.network, program.streams, len(program.losses), dtype)
    descent = Descent(stack, torch.tensor([trial.rate for trial in trials], dtype=torch.float64), setup)
    lessons = [lesson(split, program.learns) for split in splits]
    probe = telling(lessons[0].target)
    slopes = Slopes(program.losses, stack.streams, probe, weighted=lessons[0].weight is not None)
    batches = Batches(program.streams, lessons, setup)
    dropped = Dropping(stack.module, splits[0].x_train[:1], program.streams, dtype)
    rows = rows_at_once(setup.network)
    valid = part(splits, "valid")
    best = Best(stack, judged(stack, valid, metric, read, rows), metric, setup.patience)
    for epoch in range(1, setup.epochs + 1):
        for batch in batches.of(epoch):
            outputs = stack.forward(batch.x, dropped.next(batch.x.shape[1]), learning=True)
            stack.backward(slopes(outputs, batch))
            descent.step()
        best.update(judged(stack, valid, metric, read, rows), slopes.refused)
        if not best.running.any():
            break
    stack.weights.copy_(best.weights)
    on = {name: judged(stack, part(splits, name), metric, read, rows) for name in ("train", "valid", "test")}
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


class Dropping:
    """The masks of every step for all streams, the same that the plain engine draws."""

    def __init__(
        self, module: nn.Module, row: Tensor, streams: Sequence[tuple[int, int]], dtype: torch.dtype
    ) -> None:
        self._shapes = shapes(module.eval(), row)
        self._streams, self._dtype, self._step = streams, dtype, 0

    def next(self, rows: int) -> dict[str, Tensor] | None:
        """For every dropout layer (streams, rows, ...); None where there is none."""
        if not self._shapes:
            return None
        drawn = [masks(self._shapes, rows, *stream, self._step, self._dtype) for stream in self._streams]
        self._step += 1
        return {name: torch.stack([each[name] for each in drawn]) for name in self._shapes}
