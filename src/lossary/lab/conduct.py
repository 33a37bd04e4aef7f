"""The whole comparison, stage after stage: design, trainings, simple models, wider rates at an edge, verdict."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lossary.lab import record
from lossary.lab.comparison import Comparison
from lossary.lab.design import Design, design
from lossary.lab.metrics import get_metric
from lossary.lab.planning.options import Options
from lossary.lab.planning.plan import LAST_STAGE, Plan, Slice, Stage, beyond
from lossary.lab.results.assemble import assemble
from lossary.lab.running.execute import Executor, Job, executor_for
from lossary.lab.running.progress import Progress, Silent
from lossary.lab.running.slice import Learned, train_slice
from lossary.lab.running.store import Store
from lossary.lab.training.anchors import anchor_outputs
from lossary.lab.training.choose import best_rate, grouped, still_rising
from lossary.lab.training.rows import Rows

RUNS = Path("runs")


def compare(
    data: object,
    target: str | None = None,
    *,
    metric: str | None = None,
    reference: str | None = None,
    rope: float | None = None,
    losses: str | tuple[str, ...] | list[str] = (),
    positive: str | None = None,
    weight: str | None = None,
    seed: int = 0,
    splits: int = 20,
    seeds: int = 5,
    epochs: int | None = None,
    workers: int = 2,
    out: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare losses on a table: a path, a pandas frame, or the name of an embedded set.

    `losses` are expressions such as "huber(delta=2)", in a list or separated by commas; by default the adviser
    chooses. With `out` the trainings are kept in that folder, and the same call goes on where it was interrupted.
    Raises LossaryError (DataError for what the data do not allow). The result prints itself; `to_json()` keeps it.
    """
    options = Options(
        target=target,
        metric=metric,
        reference=reference,
        rope=rope,
        losses=(losses,) if isinstance(losses, str) else tuple(losses),
        positive=positive,
        weight=weight,
        seed=seed,
        splits=splits,
        seeds=seeds,
        epochs=epochs,
        workers=workers,
    )
    with ExitStack() as stack:
        executor = stack.enter_context(executor_for(options.workers))
        planned, rows = design(data, options)
        folder = Path(out) if out is not None else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = stack.enter_context(Store(folder))
        return conduct(planned, rows, store, executor, progress or Silent())


def folder_for(planned: Design) -> Path:
    """runs/<name>-<digest>: the same comparison finds its folder again, another one gets another."""
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in planned.name)[:40].strip(".") or "data"
    return RUNS / f"{name}-{record.digest(planned.plan)[:10]}"


def conduct(planned: Design, rows: Rows, store: Store, executor: Executor, progress: Progress) -> Comparison:
    """Run what the ledger does not hold yet, then judge. Interrupted anywhere, it goes on from the last commit."""
    store.adopt(planned.plan)
    number = 0
    while True:
        stage = store.stages()[number]
        _run_stage(planned, rows, store, executor, progress, stage)
        if number == 0:
            _run_anchors(planned, rows, store, executor, progress)
        number += 1
        if len(store.stages()) > number:
            continue
        wider = _wider(planned.plan, store)
        if number > LAST_STAGE or not wider:
            break
        store.freeze(planned.plan.widened(number, wider))
    start = time.perf_counter()
    found = assemble(planned, rows, store)
    store.spend("assembly", time.perf_counter() - start)
    return found


def _run_stage(
    planned: Design, rows: Rows, store: Store, executor: Executor, progress: Progress, stage: Stage
) -> None:
    done = store.done(stage.number)
    waiting = [piece for piece in stage.slices if piece.index not in done]
    title = "training" if stage.number == 0 else "wider rates"
    progress.stage(title, stage.size, stage.size - sum(piece.size for piece in waiting))
    sizes = {piece.index: piece.size for piece in waiting}
    jobs = [_slice_job(planned.plan, rows, stage.number, piece) for piece in waiting]
    start = time.perf_counter()
    for answer in executor.run(jobs):
        learned: Learned = answer.value
        index = answer.name[1]
        store.commit(stage.number, index, learned.trained, learned.outputs, answer.seconds)
        progress.advance(sizes[index])
    store.spend(f"stage {stage.number} (wall)", time.perf_counter() - start)


def _slice_job(plan: Plan, rows: Rows, stage: int, piece: Slice) -> Callable[[], Job]:
    def make() -> Job:
        data = {split: rows.data(split) for split in piece.splits}
        return Job((f"stage {stage}", piece.index), train_slice, (plan, piece, data))

    return make


def _run_anchors(planned: Design, rows: Rows, store: Store, executor: Executor, progress: Progress) -> None:
    done = store.anchored()
    asked = (planned.task.kind.value, len(planned.task.levels), planned.plan.settings.metric)

    def job(split: int) -> Callable[[], Job]:
        return lambda: Job(("anchors", split), anchor_outputs, (rows.data(split), *asked))

    progress.stage("simple models", planned.plan.settings.splits, len(done))
    start = time.perf_counter()
    jobs = [job(split) for split in range(planned.plan.settings.splits) if split not in done]
    for answer in executor.run(jobs):
        store.commit_anchors(answer.name[1], answer.value, answer.seconds)
        progress.advance(1)
    store.spend("anchors (wall)", time.perf_counter() - start)


def _wider(plan: Plan, store: Store) -> Mapping[str, tuple[float, ...]]:
    """The rates to add for the losses that are still getting better at an edge of the rates tried."""
    better = get_metric(plan.settings.metric).greater_is_better
    found: dict[str, tuple[float, ...]] = {}
    for label, members in grouped(store.trained(), lambda each: each.label).items():
        tried = sorted({each.rate for each in members})
        best = best_rate(members, greater_is_better=better)
        more = beyond(tried, best)
        if more and still_rising(members, best, greater_is_better=better):
            found[label] = more
    return found


def timings(store: Store) -> dict[str, Any]:
    """What `timings.json` holds: seconds by stage, interruptions added up. The only place for clock times."""
    return {name: round(spent, 3) for name, spent in store.seconds().items()}
