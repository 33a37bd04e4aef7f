"""`lossary derivatives`: the table of derivatives."""

from __future__ import annotations

from typing import Annotated

import typer

from .output import console, print_json


def derivatives(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Losses by any of their names; all of them by default."),
    ] = None,
    task: Annotated[str | None, typer.Option(help="Such as regression, binary or multiclass.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, formulas in LaTeX too.")] = False,
) -> None:
    """Print the formula and the derivative of every loss, in the logits where it takes logits."""
    from lossary.cli.find import find
    from lossary.report.cards.catalogue import catalogue
    from lossary.report.cards.facts import facts, formula_json

    chosen = [find(each) for each in names] if names else catalogue(task=task)
    known = [facts(each) for each in chosen]
    if as_json:
        print_json(
            [{"name": each.card.name, "task": str(each.card.task), **formula_json(each)} for each in known]
        )
        return
    from lossary.report.cards.derivatives import derivative_lines
    from lossary.report.cards.draw import print_card

    screen = console()
    print_card(derivative_lines(known, screen.width), screen)
