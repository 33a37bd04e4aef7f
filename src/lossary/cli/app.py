"""All commands in one place. Nothing heavy is imported before one runs, so that `lossary --help` answers at once."""

from __future__ import annotations

from typing import Annotated

import typer

import lossary
from lossary.cli.compare import compare
from lossary.cli.data import data
from lossary.cli.derivatives import derivatives
from lossary.cli.doctor import doctor
from lossary.cli.list import list_losses
from lossary.cli.show import show
from lossary.cli.step import step
from lossary.cli.study import study

# Plain help: drawing it with rich would take longer than all the rest of `lossary --help`.
app = typer.Typer(
    name="lossary",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def opened(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """The glossary of losses that runs: look one up, or find out which one your data need."""
    if version:
        typer.echo(lossary.__version__)
        raise typer.Exit()


app.command("list", short_help="The losses: name, task, unit and title.")(list_losses)
app.command(short_help="The card of a loss, with formula and curves.")(show)
app.command(short_help="Formula and derivative of every loss.")(derivatives)
app.command(short_help="One training step, number by number.")(step)
app.command(short_help="Which promises a loss keeps, ours or yours.")(doctor)
app.command(short_help="Which loss your data need, by a fair experiment.")(compare)
app.command(short_help="The tables of introductory texts, measured.")(study)
app.command(short_help="The data sets that ship inside packages, by name.")(data)
