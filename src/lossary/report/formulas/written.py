"""A formula put down: on the terminal, in LaTeX, and the cases it was written from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy

from .cases import Case
from .conditions import relation
from .marks import LATEX, TEXT
from .notation import latex, text


@dataclass(frozen=True)
class Written:
    """A formula in one or several cases.

    Attributes:
        lines: (expression, condition) as text; the condition is "" where it always holds, "otherwise" at the end.
        latex: the whole in LaTeX.
        cases: the expressions themselves.
    """

    lines: tuple[tuple[str, str], ...]
    latex: str
    cases: tuple[Case, ...]

    @property
    def text(self) -> str:
        """The whole on one line: ``a if b; c otherwise``."""
        return "; ".join(
            value
            if not condition
            else f"{value} {condition}"
            if condition == TEXT.otherwise
            else f"{value} if {condition}"
            for value, condition in self.lines
        )


@dataclass(frozen=True)
class Name:
    """What a formula abbreviates: ``p = σ(x)``. The expression is None where the first input says it all."""

    letter: str
    text: str
    latex: str
    expression: Any = None


def name(letter: str, meaning: str) -> Name:
    """A letter that follows from the input."""
    return Name(letter, meaning, r"\operatorname{softmax}(x)" if "softmax" in meaning else r"\sigma(x)")


def written(found: tuple[Case, ...]) -> Written:
    """Cases in the order they are read, the one that needs no condition last."""
    ordered = sorted(found, key=_last)
    shown = [
        (each, ordered.index(each) == len(ordered) - 1 and _is_rest(each, tuple(ordered))) for each in ordered
    ]
    lines = tuple((text(each.expression), _condition(each, rest, TEXT)) for each, rest in shown)
    if len(ordered) == 1 and not lines[0][1]:
        return Written(lines, latex(ordered[0].expression), tuple(ordered))
    rows = r" \\ ".join(f"{latex(each.expression)} & {_condition(each, rest, LATEX)}" for each, rest in shown)
    return Written(lines, rf"\begin{{cases}} {rows} \end{{cases}}", tuple(ordered))


def _condition(case: Case, rest: bool, marks: Any) -> str:
    if rest:
        return str(marks.otherwise)
    return "" if case.condition == sympy.true else relation(case.condition, marks)


def _last(case: Case) -> tuple[bool, bool, bool]:
    condition = case.condition
    return (
        condition == sympy.true,
        case.expression == 0,
        isinstance(condition, sympy.Or) or _is_negated(condition),
    )


def _is_negated(condition: Any) -> bool:
    parts = condition.args if isinstance(condition, sympy.And) else (condition,)
    return any(isinstance(each, sympy.Not) for each in parts)


def _is_rest(case: Case, found: tuple[Case, ...]) -> bool:
    """Whether the last case may be called "otherwise": it is the rest of a condition, or 0, as it is at a kink."""
    if len(found) == 1:
        return False
    others = [each.condition for each in found[:-1]]
    rest = sympy.Not(sympy.Or(*others))
    return bool(case.condition in (sympy.true, rest) or case.expression == 0)
