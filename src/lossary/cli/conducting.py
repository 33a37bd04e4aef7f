"""A comparison from the command line: what is shown before it, while it runs and after, and the files it leaves."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from lossary.lab.comparison import Comparison
    from lossary.lab.design import Design
    from lossary.lab.planning.options import Options
    from lossary.lab.running.execute import Executor
    from lossary.lab.running.store import Store
    from lossary.lab.training.rows import Rows


def run(
    data: str, options: Options, out: Path | None, errors: Console, *, quiet: bool, tables: bool
) -> tuple[Comparison, Path]:
    """Conduct the comparison, or what is left of it, and write its folder. Without `quiet` bars go to `errors`."""
    started = time.perf_counter()
    from lossary.lab.running.execute import executor_for

    with executor_for(options.workers) as executor:  # its processes start while the rest is imported here
        from lossary.cli.progress import Bars
        from lossary.lab.conduct import conduct, opened, timings
        from lossary.lab.planning.budget import spoken
        from lossary.report.about import early_words
        from lossary.report.whole import write_whole

        with opened(data, options, executor, out, started=started) as asked:
            planned, rows, store, folder = asked.planned, asked.rows, asked.store, asked.folder
            store.spend("design", time.perf_counter() - started)
            if tables:
                _show_design(planned)
            if asked.forecast is not None and not quiet:
                errors.print(f"The trainings will take about {spoken(asked.forecast)}.")
            with Bars(
                errors, enabled=not quiet, words=partial(early_words, planned.effort, planned.ruler)
            ) as bars:
                found = conduct(planned, rows, store, executor, bars, asked.corruptions)
                bars.stage("report and model", 1, 0)
                _write(found, planned, rows, folder, store, executor, data)
                bars.advance(1)
            store.spend("total", time.perf_counter() - started)
            seconds = json.dumps(timings(store), indent=1, sort_keys=True) + "\n"
            write_whole(folder / "timings.json", seconds.encode())
    return found, folder


def _write(
    found: Comparison, planned: Design, rows: Rows, folder: Path, store: Store, executor: Executor, data: str
) -> None:
    """The run folder: results.json, train.py, report.html, and the model, which a worker trains meanwhile."""
    from safetensors.torch import save

    from lossary.lab.running.final import final_job
    from lossary.lab.training.networks import Own
    from lossary.report.page import write_report
    from lossary.report.script import write_script
    from lossary.report.whole import write_whole

    started = time.perf_counter()
    job, facts = final_job(found, planned.plan.setup, rows)
    training = executor.run([lambda: job])
    write_whole(folder / "results.json", found.to_json().encode())
    network = planned.plan.setup.network
    write_script(found, folder, data, network.path if isinstance(network, Own) else None)
    write_report(found, folder, data)
    store.spend("report", time.perf_counter() - started)
    write_whole(folder / "model.safetensors", save(next(training).value, facts))
    store.spend("report and model", time.perf_counter() - started)


def _show_design(planned: Design) -> None:
    """What the data are, what will be tried and why, and what it can show: before the first training."""
    from rich.console import Console

    from lossary.report.summary import print_design

    console = Console(highlight=False)
    print_design(planned, console)
    console.print()


def show(found: Comparison, folder: Path, *, tables: bool) -> None:
    """The sorted tables, the verdict, and where the report is; without tables each sentence is one line."""
    from rich.console import Console

    from lossary.report.summary import print_comparison
    from lossary.report.terminal import print_lines
    from lossary.report.verdict import verdict_lines

    console = Console(highlight=False, soft_wrap=not tables)
    if tables:
        print_comparison(found, console)
    else:
        print_lines(verdict_lines(found), console, style="bold")
    console.print(f"Report: {folder / 'report.html'}", markup=False, soft_wrap=True)
