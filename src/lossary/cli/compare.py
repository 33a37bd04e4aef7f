"""`lossary compare DATA`: which loss should I train with? The work is the laboratory's; here it is asked and shown.

Results go to standard output, progress to standard error. Exit codes: 0 done, 1 a defect, 2 a mistake in the data or
the options, or a disk that refuses, said in one sentence, 130 an interruption.
"""

from __future__ import annotations

import errno
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from lossary.lab.comparison import Comparison
    from lossary.lab.design import Design
    from lossary.lab.planning.options import Options
    from lossary.lab.running.execute import Executor
    from lossary.lab.running.store import Store
    from lossary.lab.training.rows import Rows

# What a disk says that is full, over its quota, gone or read-only; any other OSError is a defect.
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG)
INTERRUPTED = 130  # 128 + SIGINT, as a shell says it


def compare(
    data: Annotated[
        str, typer.Argument(help="A CSV, TSV or Parquet file, or an embedded set such as breast_cancer.")
    ],
    target: Annotated[str | None, typer.Option(help="The column to predict.")] = None,
    metric: Annotated[
        str | None, typer.Option(help="The metric that decides; by default the data's.")
    ] = None,
    reference: Annotated[str | None, typer.Option(help="The loss all others are tested against.")] = None,
    rope: Annotated[
        float | None,
        typer.Option(help="Half the region of practical equivalence: 0.01 is 1 point, or 1 % of an error."),
    ] = None,
    losses: Annotated[
        str | None, typer.Option(help='Such as "huber(delta=2), mse + 0.5*mae"; else the adviser chooses.')
    ] = None,
    positive: Annotated[str | None, typer.Option(help="The level that is looked for, of two.")] = None,
    weight: Annotated[str | None, typer.Option(help="A column that says how much each row counts.")] = None,
    seed: Annotated[
        int, typer.Option(help="Another seed draws other splits, initial weights and batches.")
    ] = 0,
    splits: Annotated[int, typer.Option(help="Random splits into training, validation and test rows.")] = 20,
    seeds: Annotated[int, typer.Option(help="Trainings of every loss and rate on each split.")] = 5,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of a training; by default what the rows need.")
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes that train, one thread each; 1 trains in this one.")
    ] = 2,
    out: Annotated[Path | None, typer.Option(help="The run folder; by default runs/<name>-<digest>.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print results.json instead of tables.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print the verdict and the path alone.")
    ] = False,
) -> None:
    """Train one network under every sensible loss, fairly, and say which loss your data need."""
    import sqlite3

    from rich.console import Console

    from lossary.core.errors import LossaryError

    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        from lossary.lab.planning.options import Options

        options = Options(
            target=target,
            metric=metric,
            reference=reference,
            rope=rope,
            losses=() if losses is None else (losses,),
            positive=positive,
            weight=weight,
            seed=seed,
            splits=splits,
            seeds=seeds,
            epochs=epochs,
            workers=workers,
        )
        found, folder = _run(data, options, out, errors, quiet=quiet, tables=not (quiet or as_json))
    except LossaryError as error:
        from lossary.lab.running.execute import WorkerError

        errors.print(f"Error: {error}", markup=False)
        raise typer.Exit(1 if isinstance(error, WorkerError) else 2) from None
    except KeyboardInterrupt:
        errors.print(
            "Interrupted. Every finished slice is kept: run the same command again, and it goes on from there."
        )
        raise typer.Exit(INTERRUPTED) from None
    except (OSError, sqlite3.OperationalError) as error:
        if isinstance(error, OSError) and error.errno not in DISK:
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        errors.print(
            f"Error: run folder: expected a disk that can be written to, got {reason}; make room, then run the same "
            "command again: it goes on from its last finished slice.",
            markup=False,
        )
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(found.to_json(), nl=False)
    else:
        _show(found, folder, tables=not quiet)


def _run(
    data: str, options: Options, out: Path | None, errors: Console, *, quiet: bool, tables: bool
) -> tuple[Comparison, Path]:
    started = time.perf_counter()
    from lossary.lab.running.execute import executor_for

    with executor_for(options.workers) as executor:  # its processes start while the rest is imported here
        from lossary.cli.progress import Bars
        from lossary.lab.conduct import conduct, folder_for, timings
        from lossary.lab.design import design
        from lossary.lab.running.store import Store
        from lossary.report.whole import write_whole

        planned, rows = design(data, options)
        folder = out if out is not None else folder_for(planned)
        with Store(folder) as store:
            store.adopt(planned.plan)
            store.spend("design", time.perf_counter() - started)
            if tables:
                _show_design(planned)
            with Bars(errors, enabled=not quiet) as bars:
                found = conduct(planned, rows, store, executor, bars)
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
    from lossary.report.page import write_report
    from lossary.report.script import write_script
    from lossary.report.whole import write_whole

    started = time.perf_counter()
    job, facts = final_job(found, planned.plan.setup, rows)
    training = executor.run([lambda: job])
    write_whole(folder / "results.json", found.to_json().encode())
    write_script(found, folder, data)
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


def _show(found: Comparison, folder: Path, *, tables: bool) -> None:
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
