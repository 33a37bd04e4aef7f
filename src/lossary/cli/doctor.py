"""`lossary doctor LOSS`: the promises of the contract, tried on one loss, ours or yours.

Exit codes: 0 nothing is broken, 1 a promise is, 2 a mistake in what was asked, said in one sentence.
"""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated

import typer

from .output import console, print_json

if TYPE_CHECKING:
    from lossary.core.function import LossFunction
    from lossary.doctor import Examination


def doctor(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A loss by any of its names, or file.py:name for your own.")
    ],
    promise: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Try this promise alone; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed draws other inputs.")] = 0,
    slow: Annotated[
        bool, typer.Option("--slow", help="Try the promises that compile and export too: seconds more.")
    ] = False,
    backend: Annotated[
        str, typer.Option(help="Examine this backend of the loss: a kernel keeps what its loss keeps.")
    ] = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with the names of all promises.")
    ] = False,
) -> None:
    """Examine a loss as strictly as ours are: which promises it keeps, which it breaks, and a line that shows it."""
    with redirect_stdout(sys.stderr):  # what a file of losses prints is no part of the answer
        function = _declared(name)
        chosen, untried = _chosen(promise or [], slow)
        found = _examined(function, chosen, seed, backend)
    from lossary.report.cards.examination import examination_json, examination_lines, runnable

    found = runnable(found, name)
    if as_json:
        print_json(examination_json(found, untried=untried))
    else:
        from lossary.report.cards.draw import print_card

        screen = console()
        print_card(examination_lines(found, screen.width, source=name, untried=untried), screen)
    if not found.passed:
        raise typer.Exit(1)


def _declared(name: str) -> LossFunction:
    """The loss called ``name``.

    Raises:
        UnknownLossError: there is none; what merely has an attribute called ``loss`` is none either.
        DataError: the file cannot be run.
    """
    from lossary.cli.find import find
    from lossary.core.declaration import Loss
    from lossary.core.errors import UnknownLossError, sentence

    if name.endswith(".py"):
        raise UnknownLossError(
            sentence(
                "NAME", expected="file.py:name", got=repr(name), remedy=f"say which loss, as in {name}:ramp"
            )
        )
    found = find(name)
    if not isinstance(getattr(found, "loss", None), Loss) or not hasattr(found, "math"):
        raise UnknownLossError(
            sentence(
                name,
                expected="a loss declared with lossary.declare.loss",
                got=f"an object of type {type(found).__name__}",
                remedy="declare it as CONTRIBUTING shows",
            )
        )
    return found


def _chosen(asked: Sequence[str], slow: bool) -> tuple[list[str], list[str]]:
    """The promises that were asked for by name, or all of them; and of all, the slow ones that are left out.

    Raises:
        OptionError: there is no such promise; the message names the nearest.
    """
    from lossary.core.errors import OptionError, sentence
    from lossary.doctor import PROMISES

    for name in asked:
        if name not in PROMISES:
            words = name.lower().replace("-", "_").replace(" ", "_")
            near = [each for each in PROMISES if words and words in each]
            near = near or difflib.get_close_matches(words, PROMISES, n=1, cutoff=0.5)
            remedy = (
                f"did you mean {near[0]!r}" if near else "run without it and with --json to see all names"
            )
            raise OptionError(
                sentence("--promise", expected="the name of a promise", got=repr(name), remedy=remedy)
            )
    if asked:
        return list(dict.fromkeys(asked)), []
    untried = [each.name for each in PROMISES.values() if each.slow and not slow]
    return [name for name in PROMISES if name not in untried], untried


def _examined(function: LossFunction, chosen: Sequence[str], seed: int, backend: str) -> Examination:
    """One examination, a promise at a time so that a bar can move: each draws from a seed of its own."""
    from dataclasses import replace

    from rich.console import Console

    from lossary.cli.progress import Bars
    from lossary.doctor import examine

    found = examine(function, (), seed=seed, backend=backend)
    # torch warns about parts of itself while it traces and compiles; whatever matters in a loss is a finding.
    with warnings.catch_warnings(), Bars(Console(stderr=True, highlight=False), enabled=True) as bars:
        warnings.simplefilter("ignore")
        bars.stage(f"examining {function.loss.name}", len(chosen), 0)
        for name in chosen:
            one = examine(function, (name,), seed=seed, backend=backend)
            found = replace(
                found,
                kept=found.kept + one.kept,
                findings=found.findings + one.findings,
                absent=found.absent + one.absent,
                exempt=found.exempt + one.exempt,
                seconds=found.seconds + one.seconds,
            )
            bars.advance(1)
    return found
