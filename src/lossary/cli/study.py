"""`lossary study NAME | all`: the textbook tables, measured. Without a name it lists the studies.

Results go to standard output, progress to standard error. Exit codes as `lossary compare` has them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lossary.cli.ending import ending

if TYPE_CHECKING:
    from rich.console import Console

    from lossary.lab.studies.study import Result

TEXTBOOK = Path("docs") / "textbook.md"


def study(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME|all]", help="A study; all of them; by default their list.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A small version: that it works, not what is true.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes that train, one thread each.")] = 2,
    out: Annotated[Path, typer.Option(help="Where the run folders go.")] = Path("runs"),
    textbook: Annotated[
        Path | None, typer.Option(help="The page that `all` writes; by default docs/textbook.md.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print outcomes alone, no progress.")] = False,
) -> None:
    """Measure what introductory texts print: fixed before it runs, ending in one of five outcomes."""
    from rich.console import Console

    from lossary.core.errors import LossaryError
    from lossary.lab.running.execute import WorkerError
    from lossary.lab.studies.known import NAMES

    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    if name is None:
        _list(as_json)
        return
    names = NAMES if name == "all" else (name,)
    results: list[Result] = []
    failed: dict[str, str] = {}
    with ending(errors, folder=str(out), kept="piece"):
        for each in names:
            try:
                results.append(_run(each, quick, workers, out, errors, quiet=quiet or as_json))
            except WorkerError:
                raise
            except LossaryError as error:  # of all, one that cannot run does not keep the others from it
                failed[each] = str(error)
                errors.print(f"Error: {error}", markup=False)
    if as_json:
        _print_json(results)
    if name == "all" and results:
        _write(results, failed, textbook or (out / TEXTBOOK.name if quick else TEXTBOOK), errors)
    if failed:
        raise typer.Exit(2)


def _run(name: str, quick: bool, workers: int, out: Path, errors: Console, *, quiet: bool) -> Result:
    """One study: its hash before it runs, its outcomes after."""
    from rich.console import Console

    from lossary.cli.progress import Bars
    from lossary.lab.studies.conduct import conduct, finished, folder_for
    from lossary.lab.studies.known import study as known
    from lossary.report.studies.page import write_page

    record, recipe = known(name)
    folder = folder_for(record, quick, out)
    console = Console(highlight=False, soft_wrap=True)
    if not quiet:
        console.print(f"{record.name}: {record.question}", style="bold", markup=False)
        console.print(f"Fixed before it runs: {record.digest(quick)}", markup=False)
        if finished(record, quick, folder) is None:
            seconds = "some seconds" if quick else f"about {record.seconds} s on two cores"
            errors.print(f"{seconds[:1].upper()}{seconds[1:]}.", markup=False)
    with Bars(errors, enabled=not quiet) as bars:
        result = conduct(record, recipe, folder, quick=quick, workers=workers, progress=bars)
    page = write_page(result, folder)
    if not quiet:
        for answer in result.found.answers:
            console.print(f"  {answer.outcome.value}: {answer.statement}", markup=False)
            console.print(f"    {answer.measured}", style="dim", markup=False)
        console.print(f"Page: {page}\n", markup=False)
    return result


def _list(as_json: bool) -> None:
    from lossary.cli.output import console
    from lossary.lab.studies.known import NAMES
    from lossary.lab.studies.known import study as known
    from lossary.report.sheet import sheet
    from lossary.report.terminal import print_sheet

    records = [known(name)[0] for name in NAMES]
    if as_json:
        typer.echo(
            json.dumps([{"name": r.name, "question": r.question, "text": r.text} for r in records], indent=1)
        )
        return
    rows = [[record.name, record.question] for record in records]
    print_sheet(
        sheet("", ["study", "question"], rows, "lossary study NAME runs one, lossary study all every one."),
        console(),
    )


def _print_json(results: list[Result]) -> None:
    from lossary.lab import record

    shown = record.plain(results[0] if len(results) == 1 else results)
    typer.echo(json.dumps(shown, indent=1, ensure_ascii=False, sort_keys=True))


def _write(results: list[Result], failed: dict[str, str], path: Path, errors: Console) -> None:
    from lossary.report.studies.textbook import write_textbook

    path.parent.mkdir(parents=True, exist_ok=True)
    errors.print(f"Written: {write_textbook(results, failed, path)}", markup=False)
