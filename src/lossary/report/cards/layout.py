"""A card laid out: labels on the left, what they name beside them, never wider than the terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

INDENT = 2
LABEL = 13  # characters of the column of labels
WIDEST = 100  # longer lines are hard to read
GLUE = "\u2060"  # stands for a space at which no line is broken; of no width, so never in a text of ours
_MEANING = re.compile(r" (?=with )|(?<=;) ")
_INDEX = re.compile(r"\{[^{}]*\}")
_SHORT = re.compile(r"\([^()]{1,24}\)|\[[^\[\]]{1,24}\]|\S+ [≠=<>] \S+|[Σ∫]\S* ")


@dataclass(frozen=True)
class Line:
    """One line of a screen: a label, which is drawn bold, and text.

    Attributes:
        heading: the text is drawn bold too.
        wide: the text starts where labels do.
    """

    label: str = ""
    text: str = ""
    heading: bool = False
    wide: bool = False

    def plain(self) -> str:
        """The line without style."""
        if self.wide:
            return " " * INDENT + self.text.rstrip()
        return f"{' ' * INDENT}{self.label:<{LABEL}}{self.text}".rstrip()


def block(label: str, text: str, width: int, hang: int = 0) -> list[Line]:
    """A label and its text, folded; lines after the first stand ``hang`` further in."""
    room = max(20, min(width, WIDEST) - INDENT - LABEL)
    folded = textwrap.wrap(
        text, room, subsequent_indent=" " * hang, break_on_hyphens=False, drop_whitespace=True
    ) or [""]
    return [Line(label if number == 0 else "", each) for number, each in enumerate(folded)]


def formula_block(label: str, text: str, width: int) -> list[Line]:
    """A formula on one line, or what it abbreviates on lines of its own; short brackets stay whole."""
    if len(text) + INDENT + LABEL <= min(width, WIDEST):
        return [Line(label, text)]
    parts = _MEANING.split(text, maxsplit=1)
    lines: list[Line] = []
    for part in parts:
        lines += whole_block("" if lines else label, part, width, hang=2)
    return lines


def whole_block(label: str, text: str, width: int, hang: int) -> list[Line]:
    """A block that is folded outside of short brackets and equations."""
    made = block(label, _glued(text), width, hang)
    return [Line(each.label, each.text.replace(GLUE, " ")) for each in made]


def fold_whole(text: str, width: int) -> list[str]:
    """A formula over the whole width, folded outside of short brackets and equations."""
    return [each.replace(GLUE, " ") for each in fold(_glued(text), width)]


def _glued(text: str) -> str:
    for kept in (_INDEX, _SHORT):
        text = kept.sub(lambda found: found[0].replace(" ", GLUE), text)
    return text


def fold(text: str, width: int) -> list[str]:
    """Text over the whole width."""
    return textwrap.wrap(text, min(width, WIDEST) - INDENT, break_on_hyphens=False) or [""]


def rows(label: str, each: Sequence[tuple[str, str]], width: int) -> list[Line]:
    """Pairs as two columns; where the second has no room beside the first, it stands beneath."""
    room = max(20, min(width, WIDEST) - INDENT - LABEL)
    first = max((len(name) for name, _ in each), default=0)
    lines: list[Line] = []
    for name, text in each:
        if first + 2 + min(28, len(text)) <= room:
            folded = textwrap.wrap(text, room - first - 2, break_on_hyphens=False) or [""]
            lines.append(Line("", f"{name:<{first}}  {folded[0]}"))
            lines += [Line("", " " * (first + 2) + one) for one in folded[1:]]
        else:
            lines += block("", name, width)
            lines += block("", f"  {text}", width, hang=2)
    return [Line(label, lines[0].text), *lines[1:]] if lines else []
