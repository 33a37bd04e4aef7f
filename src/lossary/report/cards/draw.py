"""Lines of a card on a terminal: labels bold, all else as it is; no meaning rests on it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from .layout import INDENT, LABEL, Line


def print_card(lines: Sequence[Line], console: Console) -> None:
    """Print laid-out lines; nothing in them is read as markup."""
    for line in lines:
        if line.wide:
            shown = Text(" " * INDENT + line.text, style="bold" if line.heading else "")
        else:
            shown = Text(" " * INDENT)
            shown.append(f"{line.label:<{LABEL}}", style="bold")
            shown.append(line.text)
        shown.rstrip()
        console.print(shown, soft_wrap=True)
