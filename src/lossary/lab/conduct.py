"""The whole comparison, stage after stage: design, trainings, simple models, wider rates at an edge, verdict."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from lossary.lab.asking.corrupt import Corruption
from lossary.lab.comparison import Comparison
from lossary.lab.design import Design, class_counts
from lossary.lab.judging.robustness import Robustness
from lossary.lab.planning.advise import recounted
from lossary.lab.planning.options import Options
from lossary.lab.planning.plan import RATES, Plan
from lossary.lab.record import digest
from lossary.lab.results.assemble import assemble
from lossary.lab.results.foresight import foreseen
from lossary.lab.results.robust import swept
from lossary.lab.results.tuned import tuned
from lossary.lab.running.execute import Executor, executor_for
from lossary.lab.running.folder import Run, folder_for, opened, resumed
from lossary.lab.running.progress import Progress, Silent
from lossary.lab.running.stages import train
from lossary.lab.running.store import Store
from lossary.lab.training.rows import Rows

__all__ = ["Run", "compare", "conduct", "folder_for", "opened", "resume", "resumed", "timings"]

Levels = tuple[float, ...] | list[float]
TUNED = "tuned"  # the folder of the other settings' ledger


def compare(
    data: object,
    target: Any = None,
    *,
    task: str | None = None,
    metric: str | None = None,
    reference: str | None = None,
    rope: float | None = None,
    losses: str | tuple[str, ...] | list[str] = (),
    tune_losses: bool = False,
    positive: str | None = None,
    weight: str | None = None,
    group: str | None = None,
    time: str | None = None,
    text: str | None = None,
    words: str = "counted",
    order: tuple[str, ...] | list[str] = (),
    class_weight: str = "none",
    cost: str | None = None,
    noise: Levels = (),
    outliers: Levels = (),
    imbalance: Levels = (),
    force: bool = False,
    budget: str | None = None,
    model: str | None = None,
    dropout: float = 0.0,
    optimizer: str = "adamw",
    seed: int = 0,
    splits: int | None = None,
    seeds: int | None = None,
    epochs: int | None = None,
    patience: int | None = None,
    batch: int = 32,
    rates: Levels = RATES,
    engine: str = "stacked",
    workers: int = 2,
    out: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare losses on data: a path, a pandas frame, the name of an embedded set, or two arrays of rows and targets.

    `target` names a column; with arrays it is the second of them, (rows,), and the first is (rows, features).
    `losses` are expressions such as "huber(delta=2)", in a list or separated by commas; by default the adviser
    chooses. `noise`, `outliers` and `imbalance` are levels of a robustness sweep; `budget` is a time such as "5m".
    The other options are those of `lossary compare`. With `out` the trainings are kept in that folder, and the same
    call goes on where it was interrupted. Raises LossaryError (DataError for what the data do not allow). The result
    prints itself; `to_json()` and `to_frame()` keep it.
    """
    given = locals()
    asked = {field.name: given[field.name] for field in fields(Options)}
    if target is not None and not isinstance(target, str):
        data, asked["target"] = (data, target), None
    asked["losses"] = tuple(_several(losses))
    asked["order"] = tuple(map(str, _several(order)))
    for name in ("noise", "outliers", "imbalance", "rates"):
        asked[name] = tuple(map(float, _several(asked[name])))
    return _run(data, Options(**asked), out, progress)


def _several(given: Any) -> Iterable[Any]:
    """One thing for several of one; nothing for None."""
    if given is None:
        return ()
    return given if isinstance(given, Iterable) and not isinstance(given, str) else (given,)


def resume(
    folder: str | os.PathLike[str], *, workers: int = 2, progress: Progress | None = None
) -> Comparison:
    """Go on with the comparison in a run folder, whatever interrupted it; done already, it is read off the ledger.

    Raises DataError where the folder holds none, its data have changed since, or they came from memory.
    """
    source, options = resumed(folder)
    return _run(source, replace(options, workers=workers), folder, progress)


def _run(
    source: object, options: Options, out: str | os.PathLike[str] | None, progress: Progress | None
) -> Comparison:
    started = time.perf_counter()
    with ExitStack() as stack:
        executor = stack.enter_context(executor_for(options.workers))
        folder = Path(out) if out is not None else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        run = stack.enter_context(opened(source, options, executor, folder, started=started))
        return conduct(run.planned, run.rows, run.store, executor, progress or Silent(), run.corruptions)


def conduct(
    planned: Design,
    rows: Rows,
    store: Store,
    executor: Executor,
    progress: Progress,
    corruptions: Sequence[Corruption] = (),
) -> Comparison:
    """Run what the ledger does not hold yet, then judge. Interrupted anywhere, it goes on from the last commit."""
    store.adopt(planned.plan)

    def early() -> None:
        difference = foreseen(planned, rows, store)
        if difference is not None:
            progress.foreseen(difference)

    train(planned.plan, rows, store, executor, progress, early=early)
    curves = tuple(
        _sweep(planned, rows, store, executor, progress, list(levels))
        for _, levels in groupby(corruptions, key=lambda each: each.way)
    )
    with ExitStack() as stack:
        others = _others(planned, rows, store, executor, progress, stack)
        start = time.perf_counter()
        found = replace(assemble(planned, rows, store), robustness=curves)
        if others is not None and planned.tuning is not None:
            found = replace(found, tuned=tuned(planned, planned.tuning, rows, (store, others), found))
        store.spend("assembly", time.perf_counter() - start)
    return found


def _others(
    planned: Design, rows: Rows, store: Store, executor: Executor, progress: Progress, stack: ExitStack
) -> Store | None:
    """The ledger of the other settings, beneath the folder, once all of them are trained; None where none was asked."""
    if planned.tuning is None:
        return None
    held = stack.enter_context(Store(store.folder / TUNED))
    plan = planned.tuning.plan(planned.plan)
    held.adopt(plan)
    start = time.perf_counter()
    # No wider rates: the budget is to be equal.
    train(plan, rows, held, executor, progress, beside="other settings", widen=False)
    store.spend("other settings", time.perf_counter() - start)
    return held


def _sweep(
    planned: Design,
    rows: Rows,
    store: Store,
    executor: Executor,
    progress: Progress,
    levels: Sequence[Corruption],
) -> Robustness:
    """Every level in a ledger of its own beneath the folder: it can be interrupted, and named again with others."""
    start = time.perf_counter()
    with ExitStack() as stack:
        runs = []
        for each in levels:
            held = stack.enter_context(Store(store.folder / each.name))
            spoilt = rows.spoilt(each)
            plan = spoilt_plan(planned.plan, each, spoilt)
            held.adopt(plan)
            train(plan, spoilt, held, executor, progress, beside=f"{each.way} {each.level:g}")
            runs.append((each, spoilt, held))
        found = swept(planned, (rows, store), runs)
    store.spend(levels[0].way, time.perf_counter() - start)
    return found


def spoilt_plan(plan: Plan, corruption: Corruption, spoilt: Rows) -> Plan:
    """The same plan for spoilt rows, whose trials no ledger mixes with those of the rows as they are.

    Losses that must know how many training rows each class has are told how many are left.
    """
    return replace(
        plan,
        data=digest({"rows": plan.data, "corruption": corruption}),
        candidates=recounted(plan.candidates, class_counts(spoilt)),
    )


def timings(store: Store) -> dict[str, Any]:
    """What `timings.json` holds: seconds by stage, interruptions added up. The only place for clock times."""
    return {name: round(spent, 3) for name, spent in store.seconds().items()}
