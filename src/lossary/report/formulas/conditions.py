"""Conditions as people write them: solved for x where that is easy, and −1 < x < 1 in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy.core.relational import Relational

from .marks import Marks
from .notation import write

X = sympy.Symbol("x", real=True)


def relation(condition: Any, marks: Marks) -> str:
    """A condition, solved for x where that is easy."""
    if isinstance(condition, sympy.And):
        parts = sorted(_between_ends(condition.args), key=lambda each: not isinstance(each, sympy.Eq))
        return f" {marks.both} ".join(_ends(each, marks) for each in parts)
    if isinstance(condition, sympy.Or):
        return f" {marks.either} ".join(relation(each, marks) for each in condition.args)
    if isinstance(condition, sympy.Not):
        return relation(condition.args[0].negated, marks)
    left, right, sign = _solved(condition)
    return f"{write(left, marks)[0]} {marks.relations[sign]} {write(right, marks)[0]}"


def _between_ends(conditions: Sequence[Any]) -> list[Any]:
    """x > a and x < b as one condition, a pair."""
    above = [each for each in conditions if _is_bound(each, ">")]
    below = [each for each in conditions if _is_bound(each, "<")]
    if len(above) != 1 or len(below) != 1:
        return list(conditions)
    return [*(each for each in conditions if each not in (above[0], below[0])), (above[0], below[0])]


def _is_bound(condition: Any, sign: str) -> bool:
    if not isinstance(condition, Relational) or isinstance(condition, sympy.Eq):
        return False
    left, _, found = _solved(condition)
    return left == X and found.startswith(sign)


def _ends(condition: Any, marks: Marks) -> str:
    if not isinstance(condition, tuple):
        return relation(condition, marks)
    (_, low, above), (_, high, below) = (_solved(each) for each in condition)
    flipped = above.replace(">", "<")
    return (
        f"{write(low, marks)[0]} {marks.relations[flipped]} {write(X, marks)[0]} "
        f"{marks.relations[below]} {write(high, marks)[0]}"
    )


def _solved(condition: Any) -> tuple[Any, Any, str]:
    gap = sympy.expand(condition.lhs - condition.rhs)
    if gap.coeff(X, 1) in (1, -1) and not (gap - gap.coeff(X, 1) * X).has(X):
        turned: Any = condition if gap.coeff(X, 1) == 1 else condition.reversed
        return X, sympy.expand(X - gap * gap.coeff(X, 1)), turned.rel_op
    turned = condition.reversed if condition.rhs.has(X) and not condition.lhs.has(X) else condition
    return turned.lhs, turned.rhs, turned.rel_op
