"""The table of derivatives: every loss with its formula and what autograd will answer."""

from __future__ import annotations

from collections.abc import Sequence

from lossary.report.formulas.written import Written

from .facts import Facts
from .layout import INDENT, WIDEST, Line, fold, fold_whole
from .show import by_hand

GAP = 2
LEGEND = (
    "ℓ is the loss of one unit; x what the network gives (a prediction, a score, a logit), t or y the target; "
    "σ(x) = 1/(1 + exp(−x)); sums run over classes or elements j."
)


def derivative_lines(known: Sequence[Facts], width: int) -> list[Line]:
    """One block a loss: its name, formula and derivative, in columns where the terminal has room for them."""
    lines = [Line(text=each, wide=True) for each in fold(LEGEND, width)]
    for each in known:
        lines += [Line(), Line(text=_headline(each), wide=True, heading=True), *_entry(each, width)]
    return lines


def _headline(known: Facts) -> str:
    settings = ", ".join(f"{name}={value}" for name, value in known.settings.items())
    return f"{known.card.name}({settings})" if settings else known.card.name


def _entry(known: Facts, width: int) -> list[Line]:
    found = known.formula
    if found is None:
        lines = []
        for _, shown in by_hand(known.function.loss):
            letter, equals, rest = shown.partition(" = ")
            lines += _folded(f"{letter:<8}= {rest}" if equals else shown, width)
        return lines
    lines = [*_written("ℓ", found.value, width), *_written(f"dℓ/d{found.variable}", found.derivative, width)]
    for settings, special in found.special:
        lines += _folded(f"{'':<8}= {special.text}   at {settings}", width)
    if found.names:
        lines += _folded(
            f"{'':<8}  where " + ", ".join(f"{each.letter} = {each.text}" for each in found.names), width
        )
    return lines


def _written(letter: str, shown: Written, width: int) -> list[Line]:
    longest = max(len(value) for value, _ in shown.lines)
    room = min(width, WIDEST) - INDENT
    beside = 10 + longest + GAP + max(len(condition) for _, condition in shown.lines) + 3 <= room
    lines: list[Line] = []
    for number, (value, condition) in enumerate(shown.lines):
        start = f"{letter if number == 0 else '':<8}{'=' if number == 0 else ' '} "
        when = condition if condition in ("", "otherwise") else f"if {condition}"
        if beside or not when:
            lines += _folded(f"{start}{value:<{longest}}{' ' * GAP}{when}".rstrip(), width)
        else:
            lines += [*_folded(start + value, width), Line(text=" " * 12 + when, wide=True)]
    return lines


def _folded(text: str, width: int) -> list[Line]:
    if len(text) <= min(width, WIDEST) - INDENT:
        return [Line(text=text, wide=True)]
    head, rest = text[:10], text[10:]
    return [
        Line(text=(head if number == 0 else " " * 12) + each, wide=True)
        for number, each in enumerate(fold_whole(rest, min(width, WIDEST) - 12))
    ]
