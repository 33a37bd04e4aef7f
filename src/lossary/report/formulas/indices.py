"""From three of a kind to all of them: p₁·t₁ + p₂·t₂ + p₃·t₃ is drawn as Σⱼ pⱼ·tⱼ.

A definition runs over lists, so it is run on lists of three symbols; what comes out is symmetric in them, and is
folded back. ``i`` is the entry that is differentiated, ``j`` the one a sum runs over.
"""

from __future__ import annotations

from typing import Any

import sympy

COUNT = 3  # the least at which "one", "another" and "the others" are told apart
MARK = "@"  # between a symbol's letter and its index; no hyper-parameter's name has it


class Over(sympy.Function):  # type: ignore[misc]
    """A sum over j of a term that names entries by j."""

    nargs = 1

    @classmethod
    def eval(cls, term: Any) -> Any:
        """Constant factors stand before the sum."""
        constant, rest = term.as_independent(*running(term), as_Add=False)
        return None if constant == 1 else constant * cls(rest)


def entry(letter: str, index: object, **assumptions: bool) -> Any:
    """The symbol of one entry: ``entry("p", "j")`` is pⱼ."""
    return sympy.Symbol(f"{letter}{MARK}{index}", **assumptions)


def at(expression: Any, old: object, new: object) -> Any:
    """The expression with every entry ``old`` replaced by the entry ``new``."""
    ending = f"{MARK}{old}"
    swaps = {
        each: sympy.Symbol(each.name.removesuffix(ending) + f"{MARK}{new}", **each.assumptions0)
        for each in expression.free_symbols
        if each.name.endswith(ending)
    }
    return expression.xreplace(swaps)


def running(term: Any) -> list[Any]:
    """The symbols of a term that a sum runs over."""
    return [each for each in term.free_symbols if each.name.endswith(f"{MARK}j")]


def numbered(expression: Any) -> set[str]:
    """The numbers of the entries that an expression names."""
    names = (each.name.partition(MARK)[2] for each in expression.free_symbols)
    return {index for index in names if index.isdigit()}


def fold(expression: Any, simplex: tuple[str, ...] = ()) -> Any | None:
    """The expression with sums over j in place of sums of three, and entry 1 called i; None if it is not symmetric.

    Args:
        expression: in entries 1 to 3.
        simplex: letters whose entries add up to 1.
    """
    folded = at(_fold(expression, simplex), 1, "i")
    return None if numbered(folded) else folded


def _fold(expression: Any, simplex: tuple[str, ...]) -> Any:
    if expression.is_Atom or not numbered(expression):
        return expression
    inner = expression.func(*(_fold(each, simplex) for each in expression.args))
    if not inner.is_Add:
        return inner
    shapes: dict[Any, dict[str, Any]] = {}
    rest = []
    for each in inner.args:
        found = numbered(each)
        if len(found) == 1:
            number = found.pop()
            shapes.setdefault(at(each, number, "j"), {})[number] = each
        else:
            rest.append(each)
    terms = []
    for shape, members in shapes.items():
        if len(members) == COUNT:
            terms.append(shape)
        else:
            rest.extend(members.values())
    return sympy.Add(total(sympy.Add(*terms), simplex), *rest)


def total(term: Any, simplex: tuple[str, ...]) -> Any:
    """The sum over j of a term: what adds up to 1 is counted, the rest stands under one sign."""
    if term == 0:
        return term
    known, kept = sympy.Integer(0), sympy.Integer(0)
    for each in sympy.Add.make_args(term):
        factor, rest = each.as_independent(*running(each), as_Add=False)
        if rest.is_Symbol and rest.name.partition(MARK)[0] in simplex:
            known += factor
        else:
            kept += each
    return known + Over(kept) if kept != 0 else known
