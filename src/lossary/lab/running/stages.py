"""The trainings of a comparison, stage after stage: what the ledger does not hold yet is run, and committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from lossary.lab.metrics import get_metric
from lossary.lab.planning.plan import FIRST, LAST_STAGE, Plan, Slice, Stage, beyond
from lossary.lab.running.execute import Executor, Job
from lossary.lab.running.ledger import ANCHORS
from lossary.lab.running.progress import Progress
from lossary.lab.running.slice import Learned, train_slice
from lossary.lab.running.store import Store
from lossary.lab.training.anchors import anchor_outputs
from lossary.lab.training.choose import best_rate, grouped, still_rising
from lossary.lab.training.rows import Rows


def train(
    plan: Plan,
    rows: Rows,
    store: Store,
    executor: Executor,
    progress: Progress,
    *,
    beside: str = "",
    widen: bool = True,
    early: Callable[[], None] | None = None,
) -> None:
    """Every stage of the plan in `store`, which has adopted it. Interrupted anywhere, it goes on from the last commit.

    `beside` names what is trained beside the comparison itself, which alone has simple models. Without `widen` no
    rate is added at an edge. `early` is called when the trainings of the first splits have been committed, where
    there are more splits to come.
    """
    number = 0
    while True:
        stage = store.stages()[number]
        _run_stage(plan, rows, store, executor, progress, stage, beside, None if number else early)
        if number == 0 and not beside:
            _run_anchors(plan, rows, store, executor, progress)
        number += 1
        if len(store.stages()) > number:
            continue
        wider = _wider(plan, store) if widen else {}
        if number > LAST_STAGE or not wider:
            return
        store.freeze(plan.widened(number, wider))


def _run_stage(
    plan: Plan,
    rows: Rows,
    store: Store,
    executor: Executor,
    progress: Progress,
    stage: Stage,
    beside: str,
    early: Callable[[], None] | None,
) -> None:
    done = store.done(stage.number)
    waiting = [piece for piece in stage.slices if piece.index not in done]
    title = ("training" if stage.number == 0 else "wider rates") + (f", {beside}" if beside else "")
    progress.stage(title, stage.size, stage.size - sum(piece.size for piece in waiting))
    sizes = {piece.index: piece.size for piece in waiting}
    jobs = [_slice_job(plan, rows, stage.number, piece) for piece in waiting]
    start = time.perf_counter()
    first = {piece.index for piece in waiting if min(piece.splits) < FIRST}
    more = plan.settings.splits > FIRST
    for answer in executor.run(jobs):
        learned: Learned = answer.value
        index = answer.name[1]
        store.commit(stage.number, index, learned.trained, learned.outputs, answer.seconds)
        progress.advance(sizes[index])
        if index in first:
            first.remove(index)
            if not first and more and early is not None:
                early()
    store.spend(f"stage {stage.number} (wall)", time.perf_counter() - start)


def _slice_job(plan: Plan, rows: Rows, stage: int, piece: Slice) -> Callable[[], Job]:
    def make() -> Job:
        data = {split: rows.data(split) for split in piece.splits}
        return Job((f"stage {stage}", piece.index), train_slice, (plan, piece, data))

    return make


def _run_anchors(plan: Plan, rows: Rows, store: Store, executor: Executor, progress: Progress) -> None:
    done = store.done(ANCHORS)
    settings, task = plan.settings, rows.task
    asked = (task.kind.value, len(task.levels), settings.metric)

    def job(split: int) -> Callable[[], Job]:
        return lambda: Job(("anchors", split), anchor_outputs, (rows.data(split), *asked))

    progress.stage("simple models", settings.splits, len(done))
    start = time.perf_counter()
    jobs = [job(split) for split in range(settings.splits) if split not in done]
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
