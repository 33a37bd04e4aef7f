"""Where commands print: JSON as it is, lines and tables on a console that obeys NO_COLOR and the terminal's width."""

from __future__ import annotations

import json
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console


def console() -> Console:
    """The console of standard output. A terminal without the letters of a formula shows "?" for them."""
    from rich.console import Console

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console(highlight=False, markup=False, emoji=False)


def print_json(value: Any) -> None:
    """One JSON document, letters and signs unescaped."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))
