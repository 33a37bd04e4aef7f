"""`lossary compare DATA`: which loss should I train with? The work is the laboratory's; here it is asked and shown.

Results go to standard output, progress to standard error. Exit codes: 0 done, 1 a defect, 2 a mistake in the data or
the options, or a disk that refuses, said in one sentence, 130 an interruption.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lossary.cli.ending import ending

if TYPE_CHECKING:
    from lossary.lab.planning.options import Options


def compare(
    context: typer.Context,
    data: Annotated[
        str | None,
        typer.Argument(help="A table, a folder of pictures, or an embedded set such as breast_cancer."),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="The column to predict; several of 0 and 1 are labels: 'a,b,c'.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="Such as ordinal, count, anomaly, retrieval; else read off the target.")
    ] = None,
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
    tune_losses: Annotated[
        bool, typer.Option("--tune-losses", help="Also choose each loss's settings, with an equal budget.")
    ] = False,
    positive: Annotated[str | None, typer.Option(help="The level that is looked for, of two.")] = None,
    order: Annotated[
        str | None, typer.Option(help="Grades from low to high, such as 'low,mid,high'.")
    ] = None,
    weight: Annotated[str | None, typer.Option(help="A column that says how much each row counts.")] = None,
    group: Annotated[str | None, typer.Option(help="A column whose equal rows are never parted.")] = None,
    time: Annotated[str | None, typer.Option(help="A column that says which rows came first.")] = None,
    text: Annotated[str | None, typer.Option(help="A column of text to learn from.")] = None,
    words: Annotated[str, typer.Option(help="How words get their numbers: counted or hashed.")] = "counted",
    class_weight: Annotated[
        str, typer.Option(help="balanced: training rows of every class weigh alike.")
    ] = "none",
    cost: Annotated[
        str | None, typer.Option(help="Such as 'fn=10,fp=1': the expected cost becomes the metric.")
    ] = None,
    noise: Annotated[
        str | None, typer.Option(help="Also with wrong labels: shares such as '0,0.1,0.4', or 'default'.")
    ] = None,
    outliers: Annotated[
        str | None, typer.Option(help="Also with gross outliers: shares such as '0,0.05', or 'default'.")
    ] = None,
    imbalance: Annotated[
        str | None, typer.Option(help="Also with the rarest class thinned out to shares, or 'default'.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Give verdicts on small data too.")] = False,
    model: Annotated[str | None, typer.Option(help="Your own network: file.py:Net.")] = None,
    dropout: Annotated[float, typer.Option(help="The share of hidden units a step leaves out.")] = 0.0,
    optimizer: Annotated[str, typer.Option(help="adamw or sgd.")] = "adamw",
    engine: Annotated[str, typer.Option(help="stacked, or plain: one training at a time.")] = "stacked",
    budget: Annotated[
        str | None, typer.Option(help="The time all trainings may take, such as 5m: plans what fits.")
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Another seed draws other splits, initial weights and batches.")
    ] = 0,
    splits: Annotated[
        int | None, typer.Option(help="Random splits of the rows; by default 20, for pictures 10.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Trainings a loss, rate and split; by default 5, for pictures 2.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of a training; by default what the rows need.")
    ] = None,
    rates: Annotated[
        str | None,
        typer.Option(help="Learning rates such as '0.001,0.01'; by default six from 0.0003 to 0.1."),
    ] = None,
    batch: Annotated[int, typer.Option(help="Rows of a training step.")] = 32,
    patience: Annotated[
        int | None, typer.Option(help="Stop after so many epochs without a better one; else run them all.")
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes that train, one thread each; 1 trains in this one.")
    ] = 2,
    out: Annotated[Path | None, typer.Option(help="The run folder; by default runs/<name>-<digest>.")] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the run in this folder; needs no other argument.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print results.json instead of tables.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print the verdict and the path alone.")
    ] = False,
) -> None:
    """Train one network under every sensible loss, fairly, and say which loss your data need."""
    from rich.console import Console

    from lossary.core.errors import DataError

    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    with ending(errors, folder="run folder", kept="slice"):
        from lossary.cli.conducting import run, show
        from lossary.lab.planning.options import Options, grid, levels
        from lossary.lab.planning.plan import RATES

        options = Options(
            target=target,
            metric=metric,
            reference=reference,
            rope=rope,
            losses=() if losses is None else (losses,),
            task=task,
            tune_losses=tune_losses,
            positive=positive,
            order=() if order is None else tuple(each.strip() for each in order.split(",")),
            weight=weight,
            group=group,
            time=time,
            text=text,
            words=words,
            class_weight=class_weight,
            cost=cost,
            noise=levels("noise", noise),
            outliers=levels("outliers", outliers),
            imbalance=levels("imbalance", imbalance),
            force=force,
            model=model,
            dropout=dropout,
            optimizer=optimizer,
            engine=engine,
            budget=budget,
            rates=RATES if rates is None else grid(rates),
            batch=batch,
            patience=patience,
            seed=seed,
            splits=splits,
            seeds=seeds,
            epochs=epochs,
            workers=workers,
        )
        if resume is not None:
            source, options = _resumed(resume, data, workers, _beside(context))
        elif data is not None:
            source = data
        else:
            raise DataError(
                "data: expected a file, a folder or an embedded set, got nothing; see `lossary data`."
            )
        tables = not (quiet or as_json)
        found, folder = run(source, options, resume or out, errors, quiet=quiet, tables=tables)
    if as_json:
        typer.echo(found.to_json(), nl=False)
    else:
        show(found, folder, tables=not quiet)


def _beside(context: typer.Context) -> list[str]:
    """The options on the command line that a run folder has its own answer to."""
    free = ("context", "data", "resume", "workers", "as_json", "quiet")
    names = [name for name in context.params if name not in free]
    return [name for name in names if str(context.get_parameter_source(name)).endswith("COMMANDLINE")]


def _resumed(folder: Path, data: str | None, workers: int, beside: list[str]) -> tuple[str, Options]:
    """Data and options of a run folder, which nothing beside it may contradict."""
    from dataclasses import replace

    from lossary.core.errors import DataError
    from lossary.lab.conduct import resumed

    if data is not None:
        raise DataError(
            f"resume: expected the folder {folder} alone, which knows its data, got {data!r} too; leave it out."
        )
    if beside:
        raise DataError(
            f"resume: expected the folder {folder} alone, which knows what was asked, got "
            f"--{beside[0].replace('_', '-')} too; leave it out, or run the first command again with it."
        )
    source, options = resumed(folder)
    return source, replace(options, workers=workers)
