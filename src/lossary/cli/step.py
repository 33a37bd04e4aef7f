"""`lossary step LOSS`: one training step of a two-weight network, number by number."""

from __future__ import annotations

from typing import Annotated

import typer

from .output import console, print_json


def step(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A loss by any of its names, or file.py:name for your own.")
    ],
    rate: Annotated[float, typer.Option("--lr", help="The learning rate of both optimisers.")] = 0.05,
    x: Annotated[str | None, typer.Option("--x", help="The network's inputs, as in --x 1,2.")] = None,
    target: Annotated[str | None, typer.Option("--target", help="The target, as in --target 3.")] = None,
    weights: Annotated[str, typer.Option("--weights", help="Both weights before the step.")] = "0.5,0.25",
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A hyper-parameter, as in --set gamma=1; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Take one training step with two weights: prediction, loss, derivative, chain rule, SGD and Adam."""
    from lossary.cli.find import find, numbers, settings
    from lossary.report.cards.step import step as take
    from lossary.report.cards.step import step_json

    function = find(name)
    chosen = settings(function, setting or [])
    taken = take(
        function,
        chosen,
        rate=rate,
        x=None if x is None else numbers("--x", x),
        target=None if target is None else numbers("--target", target),
        weights=numbers("--weights", weights),
    )
    if as_json:
        print_json(step_json(taken, function.loss.name))
        return
    from lossary.report.cards.draw import print_card
    from lossary.report.cards.facts import facts
    from lossary.report.cards.worked import step_lines

    screen = console()
    print_card(step_lines(taken, facts(function, chosen), screen.width), screen)
