"""`lossary list`: every loss, or those with a task, a family, a unit or a claim."""

from __future__ import annotations

from typing import Annotated

import typer

from .output import console, print_json


def list_losses(
    task: Annotated[str | None, typer.Option(help="Such as regression, binary or multiclass.")] = None,
    family: Annotated[str | None, typer.Option(help="The folder of the catalogue a loss is in.")] = None,
    unit: Annotated[
        str | None, typer.Option(help="What has one value: element, row, region, triplet ...")
    ] = None,
    claim: Annotated[
        list[str] | None,
        typer.Option(help="Such as convex, proper, smooth, bounded or lipschitz; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the losses by family: name, task, unit and title. Filters combine: all of them must hold."""
    from lossary.report.cards.catalogue import catalogue, catalogue_json, catalogue_lines

    found = catalogue(task=task, family=family, unit=unit, claim=claim or [])
    if as_json:
        print_json(catalogue_json(found))
        return
    from lossary.report.cards.draw import print_card

    screen = console()
    print_card(catalogue_lines(found, screen.width), screen)
    screen.print()
    count = "1 loss" if len(found) == 1 else f"{len(found)} losses"
    screen.print(f"  {count}. `lossary show NAME` tells all about one.", style="dim")
