"""An expression with a kink, taken apart: what it is on each side, and where that side is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy

SAMPLES = 60  # points at which a side is looked for; a side that holds none of them is taken to be empty


@dataclass(frozen=True)
class Case:
    """One side: an expression, and the condition under which it holds (``sympy.true``: everywhere, or else)."""

    expression: Any
    condition: Any


def sides(expression: Any) -> list[tuple[Any, tuple[Any, ...]]]:
    """Smooth expressions and the conditions under which each is the given one."""
    switch = next((each for each in sympy.postorder_traversal(expression) if _switches(each)), None)
    if switch is None:
        return [(expression, ())]
    found = []
    for choice, conditions in _choices(switch):
        for smooth, further in sides(expression.xreplace({switch: choice})):
            found.append((smooth, (*conditions, *further)))
    return found


def cases(expression: Any, change: Callable[[Any], Any], given: tuple[Any, ...] = ()) -> list[Case]:
    """What ``change`` (a derivative) makes of each side of an expression, sides with the same answer as one.

    Args:
        expression: with Max, Min and Piecewise in it.
        change: from the smooth expression of a side to what is shown.
        given: conditions shown with every side, such as t = 1.
    """
    points = _points(expression)
    alike: dict[Any, list[tuple[Any, ...]]] = {}
    for smooth, conditions in sides(expression):
        places = {each: _where(each, points) for each in conditions}
        if _all(places.values()):
            alike.setdefault(change(smooth), []).append(_needed(places))
    if len(alike) == 1:
        return [Case(next(iter(alike)), sympy.And(*given))]
    return [
        Case(shown, sympy.And(*given, sympy.Or(*(sympy.And(*each) for each in conditions))))
        for shown, conditions in alike.items()
    ]


def _switches(node: Any) -> bool:
    return isinstance(node, (sympy.Max, sympy.Min, sympy.Piecewise))


def _choices(switch: Any) -> list[tuple[Any, tuple[Any, ...]]]:
    if isinstance(switch, sympy.Piecewise):
        found: list[tuple[Any, tuple[Any, ...]]] = []
        refused: list[Any] = []
        for value, condition in switch.args:
            own = () if condition == sympy.true else (condition,)
            found.append((value, (*refused, *own)))
            refused.append(sympy.Not(condition))
        return found
    above = sympy.StrictGreaterThan if isinstance(switch, sympy.Max) else sympy.StrictLessThan
    return [
        (value, tuple(above(value, other, evaluate=False) for other in switch.args if other != value))
        for value in switch.args
    ]


def _points(expression: Any) -> list[dict[Any, float]]:
    draw = random.Random(0)
    symbols = sorted(expression.free_symbols, key=lambda each: each.name)
    return [
        {each: draw.uniform(0.05, 0.95) if each.is_nonnegative else draw.gauss(0.0, 1.5) for each in symbols}
        for _ in range(SAMPLES)
    ]


def _where(condition: Any, points: list[dict[Any, float]]) -> frozenset[int]:
    """The numbers of the points at which a condition holds."""
    symbols = sorted(condition.free_symbols, key=lambda each: each.name)
    judge = sympy.lambdify(symbols, condition, modules="mpmath")
    return frozenset(i for i, point in enumerate(points) if bool(judge(*(point[each] for each in symbols))))


def _all(places: Iterable[frozenset[int]]) -> frozenset[int]:
    """The points at which all conditions hold."""
    return frozenset(range(SAMPLES)).intersection(*places)


def _needed(places: Mapping[Any, frozenset[int]]) -> tuple[Any, ...]:
    """The conditions without those that the others imply."""
    kept = dict(places)
    for each in places:
        fewer = {other: place for other, place in kept.items() if other != each}
        if _all(fewer.values()) == _all(kept.values()):
            kept = fewer
    return tuple(kept)
