"""`lossary show NAME`: the card of a loss."""

from __future__ import annotations

from typing import Annotated

import typer

from .output import console, print_json


def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A loss by any of its names, or file.py:name for your own.")
    ],
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A hyper-parameter, as in --set gamma=1; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, formulas in LaTeX too.")] = False,
) -> None:
    """Show what is known of a loss: meaning, formula, derivative, curves, settings, claims, names elsewhere."""
    from lossary.cli.find import find, settings
    from lossary.report.cards.facts import card_json, facts

    function = find(name)
    known = facts(function, settings(function, setting or []))
    if as_json:
        print_json(card_json(known))
        return
    from lossary.report.cards.draw import print_card
    from lossary.report.cards.show import card_lines

    screen = console()
    print_card(card_lines(known, screen.width), screen)
