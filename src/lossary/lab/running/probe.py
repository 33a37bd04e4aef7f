"""How long a training takes here and now: a few epochs of the first split's slices, on every worker at once."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from lossary.lab.planning.budget import Cost
from lossary.lab.planning.plan import Block, Plan, Slice
from lossary.lab.running.execute import Executor, Job
from lossary.lab.running.slice import train_slice
from lossary.lab.training.anchors import anchor_outputs
from lossary.lab.training.engines import stackable
from lossary.lab.training.rows import Rows
from lossary.lab.training.trial import SplitData

FEW, MORE = 1, 4  # epochs: two points, since a training has costs that its epochs have no part in


def measure(plan: Plan, rows: Rows, executor: Executor, workers: int) -> Cost:
    """What one training of each loss takes, and the simple models of a split. Nothing of it is kept."""
    data = {0: rows.data(0)}
    pieces = _pieces(plan)
    pieces += pieces[: max(0, workers - len(pieces))]  # no worker idle: idle ones would flatter the others
    jobs = [_job(plan, number, piece, data) for number, piece in enumerate(pieces)]
    found: dict[str, list[float]] = defaultdict(list)
    for answer in executor.run(jobs):
        for label, seconds in answer.value.items():
            found[label].append(seconds)
    asked = (rows.task.kind.value, len(rows.task.levels), plan.settings.metric)
    simple = Job(("anchors", 0), anchor_outputs, (data[0], *asked))
    [anchors] = executor.run([lambda: simple])
    return Cost({label: max(seconds) for label, seconds in found.items()}, anchors.seconds)


def _job(plan: Plan, number: int, piece: Slice, data: Mapping[int, SplitData]):  # type: ignore[no-untyped-def]
    return lambda: Job(("probe", number), timed, (plan, piece, data))


def timed(plan: Plan, piece: Slice, data: Mapping[int, SplitData]) -> dict[str, float]:
    """Seconds of one training over all epochs, by label, from a slice trained for one epoch and for four."""
    few, more = (
        replace(plan, setup=replace(plan.setup, epochs=min(epochs, plan.setup.epochs)))
        for epochs in (FEW, MORE)
    )
    train_slice(few, piece, data)  # what a process does once is no part of it
    spent = []
    for short in (few, more):
        start = time.perf_counter()
        train_slice(short, piece, data)
        spent.append(time.perf_counter() - start)
    once = _projected(few.setup.epochs, more.setup.epochs, plan.setup.epochs, *spent) / piece.size
    return {block.label: once for block in piece.blocks}


def _projected(few: int, more: int, epochs: int, first: float, second: float) -> float:
    if more == few:
        return second
    slope = max(0.0, second - first) / (more - few)
    return first + slope * (epochs - few)


def _pieces(plan: Plan) -> list[Slice]:
    """The first split's slices; a loss that the plain engine trains alone, by a single training."""
    found = []
    for piece in plan.first_stage().slices:
        blocks = [block for block in piece.blocks if block.split == 0]
        alone = [block for block in blocks if _plainly(plan, block)]
        together = tuple(block for block in blocks if block not in alone)
        found += [Slice(0, together)] if together else []
        found += [
            Slice(0, (replace(block, rates=block.rates[:1], seeds=block.seeds[:1]),)) for block in alone
        ]
    return found


def _plainly(plan: Plan, block: Block) -> bool:
    return plan.setup.engine == "plain" or stackable(plan.trials(block)[0]) is not None
