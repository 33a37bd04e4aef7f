"""A run folder: found again by what is compared, locked, its plan frozen; and taken up from itself alone."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lossary.core.errors import DataError
from lossary.lab import record
from lossary.lab.asking.corrupt import Corruption, corruptions
from lossary.lab.comparison import Ruler
from lossary.lab.design import Design, design
from lossary.lab.figures import figures
from lossary.lab.planning.budget import Choice, Cost, chosen, duration, fitted, left_out, reach
from lossary.lab.planning.options import SWEEPS, Options
from lossary.lab.planning.plan import Plan
from lossary.lab.planning.tuning import BUDGET
from lossary.lab.running.execute import Executor
from lossary.lab.running.ledger import LEDGER
from lossary.lab.running.probe import measure
from lossary.lab.running.request import request_for
from lossary.lab.running.store import Store
from lossary.lab.training.rows import Rows

RUNS = Path("runs")
WRITTEN = ("report.html", "train.py", "results.json", "model.safetensors", "timings.json")

Probe = Callable[[Plan, Rows, Executor, int], Cost]


@dataclass(frozen=True, eq=False)
class Run:
    """A folder that is open, and what will be done in it."""

    planned: Design
    rows: Rows
    store: Store
    corruptions: tuple[Corruption, ...]  # of the robustness sweeps
    forecast: (
        float | None
    )  # seconds that all trainings will take, where a probe measured it: for the terminal

    @property
    def folder(self) -> Path:
        """Where everything is kept."""
        return self.store.folder


@contextmanager
def opened(
    source: object,
    options: Options,
    executor: Executor,
    out: str | os.PathLike[str] | None = None,
    *,
    started: float | None = None,
    probe: Probe = measure,
) -> Iterator[Run]:
    """Decide everything, lock the folder, freeze the plan in it. With a budget a probe decides what fits, once.

    `started` is the `time.perf_counter()` that a budget counts from. Raises DataError for what cannot be run, and for
    a folder that holds something else.
    """
    started = time.perf_counter() if started is None else started
    if options.budget is not None:
        duration(options.budget)  # refused before anything is read
    planned, rows = design(source, options)
    spoils = corruptions(
        {"noise": options.noise, "outliers": options.outliers, "imbalance": options.imbalance},
        rows.answers,
        planned.task.kind,
        rows.splits,
        options.seed,
        usual=SWEEPS,
    )
    folder = Path(out) if out is not None else folder_for(planned, options.budget)
    fresh = not folder.exists()
    _refuse_others(folder)
    with ExitStack() as stack:
        store = stack.enter_context(Store(folder))
        request = request_for(source, options, planned.data, planned.profile.rows)
        forecast = None
        if options.budget is not None:
            _same_budget(store, options.budget)
            full, held = planned, store.plan()
            if held is None:
                cost = probe(planned.plan, rows, executor, options.workers)
                # Other settings are as many comparisons more, of the same rates.
                many = 1 + len(spoils) + (BUDGET - 1 if options.tune_losses else 0)
                try:
                    choice = _choice(full, cost, started, options, comparisons=many)
                except DataError:
                    stack.close()
                    if fresh:  # nothing was planned: no trace of it
                        shutil.rmtree(folder)
                    raise
                forecast = cost.of(choice, options.workers, many)
            else:
                choice = chosen(held)
            planned, rows = _cut(source, options, full, rows, choice)
        store.adopt(planned.plan, request)
        yield Run(planned, rows, store, spoils, forecast)


def _refuse_others(folder: Path) -> None:
    """Raises DataError for a folder without a run, but with a file that one would write over."""
    if (folder / LEDGER).exists():
        return
    for name in WRITTEN:
        if (folder / name).exists():
            raise DataError(
                f"{folder}: expected a run folder, or one without a file called {name}, got one that is no run's and "
                "would be overwritten; name another folder with --out."
            )


def folder_for(planned: Design, budget: str | None = None) -> Path:
    """runs/<name>-<digest>: the same comparison finds its folder again, another one gets another.

    With a budget `planned` is the comparison as it would be without one, which is known before anything is timed.
    """
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in planned.name)[:40].strip(".") or "data"
    content = record.digest(planned.plan if budget is None else (record.digest(planned.plan), budget))
    return RUNS / f"{name}-{content[:10]}"


def resumed(folder: str | os.PathLike[str]) -> tuple[str, Options]:
    """Data and options of the comparison in a folder. Raises DataError where there is none, or it came from memory."""
    place = Path(folder)
    if not (place / LEDGER).is_file():
        raise DataError(
            f"{place}: expected a run folder with a {LEDGER} to go on with, got "
            f"{'a folder without one' if place.is_dir() else 'no such folder'}; name the folder of a run."
        )
    with Store(place) as store:
        request = store.request()
    if request is None:
        raise DataError(
            f"{place}: expected a run that got as far as its plan, got one that was interrupted before it; "
            "run the first command again."
        )
    return request.again()


def _same_budget(store: Store, budget: str) -> None:
    request = store.request()
    if request is not None and request.options.budget != budget:
        before = "no budget" if request.options.budget is None else f"a budget of {request.options.budget}"
        raise DataError(
            f"{store.folder}: holds a comparison with {before}, now {budget}; "
            "name another folder with --out, or leave --out away."
        )


def _choice(full: Design, cost: Cost, started: float, options: Options, comparisons: int) -> Choice:
    assert options.budget is not None
    left = duration(options.budget) - (time.perf_counter() - started)
    return fitted(
        full.plan,
        cost,
        max(left, 0.0),
        n_test=full.effort.n_test,
        n_rest=full.effort.n_train + full.effort.n_valid,
        workers=options.workers,
        comparisons=comparisons,
    )


def _cut(source: object, options: Options, full: Design, rows: Rows, choice: Choice) -> tuple[Design, Rows]:
    """The design of what was chosen, and a note on what was left out; the reasons for its losses stay."""
    assert options.budget is not None
    whole = chosen(full.plan)
    planned = full
    if choice != whole:
        asked = replace(
            options,
            splits=choice.splits,
            seeds=choice.seeds,
            rates=choice.rates,
            losses=options.losses if choice.losses == whole.losses else choice.losses,
            budget=None,
        )
        planned, rows = design(source, asked)
        kept = tuple(each for each in full.plan.candidates if each.label in choice.losses)
        planned = replace(planned, plan=replace(planned.plan, candidates=kept))
    effort, ruler = full.effort, full.ruler
    multiple = reach(choice, whole, effort.n_test, effort.n_train + effort.n_valid)
    detectable = effort.detectable * multiple
    said = left_out(
        choice, whole, options.budget, _amount(effort.detectable, ruler), _amount(detectable, ruler)
    )
    return replace(
        planned, effort=replace(planned.effort, detectable=detectable), notes=(*planned.notes, said)
    ), rows


def _amount(detectable: float, ruler: Ruler) -> str:
    """A forecast difference as `Effort.detectable` holds it."""
    if ruler.relative:
        return f"{figures(100 * detectable, 2)} %"
    return f"{figures(100 * detectable, 2)} points" if ruler.is_share else figures(detectable, 2)
