"""The derivative of a definition in its first input, side by side of every kink, with names for long parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy

from .cases import Case, cases
from .indices import Over, at, entry, fold
from .letters import Letters
from .notation import latex, text
from .shorten import SIGMOID, shortest
from .written import Name, Written, written

LONG = 42  # characters from which the parts of a derivative get names
BRIEF = 24  # characters up to which σ(x) is written out, and both values of a target share one expression


@dataclass(frozen=True)
class Derived:
    """A derivative and what it abbreviates."""

    written: Written
    names: tuple[Name, ...] = ()


def derive(raw: Any, scene: Letters) -> Derived | None:
    """The derivative of ``raw``, or None where it is not symmetric in the entries of a row."""
    if scene.pulls is not None:
        return _row(raw, scene)
    if scene.indexed:
        return _entries(raw, scene)
    return Derived(written(_numbers(raw, scene)))


def _numbers(raw: Any, scene: Letters) -> tuple[Case, ...]:
    def slope(smooth: Any) -> Any:
        return shortest(scene.slope(smooth))

    if scene.binary is None:
        return tuple(cases(raw, slope))
    found = [
        cases(raw.subs(scene.binary, truth), slope, (sympy.Eq(scene.binary, truth),)) for truth in (1, 0)
    ]
    if [len(each) for each in found] == [1, 1] and _linear(raw, scene.binary):
        # Losses on labels are linear in them, so that both cases may be one expression: σ(x) - t.
        one, zero = (each[0].expression for each in found)
        joint = sympy.expand(scene.binary * one + (1 - scene.binary) * zero)
        if len(text(joint)) < BRIEF:
            return _sigmoid([Case(joint, sympy.true)])
    return _sigmoid(_merged([case for each in found for case in each]))


def _sigmoid(found: list[Case]) -> tuple[Case, ...]:
    """σ(x) in place of p where all cases are brief enough to bear it."""
    if any(len(text(case.expression)) > BRIEF for case in found):
        return tuple(found)
    p, x = sympy.Symbol("p", positive=True), sympy.Symbol("x", real=True)
    return tuple(Case(each.expression.xreplace({p: SIGMOID(x)}), each.condition) for each in found)


def _linear(raw: Any, t: Any) -> bool:
    return bool(sympy.diff(raw, t, 2) == 0)


def _merged(found: list[Case]) -> list[Case]:
    """Cases with the same answer as one."""
    alike: dict[Any, list[Any]] = {}
    for case in found:
        alike.setdefault(case.expression, []).append(case.condition)
    return [Case(shown, sympy.Or(*conditions)) for shown, conditions in alike.items()]


def _row(raw: Any, scene: Letters) -> Derived | None:
    assert scene.pulls is not None
    pulls = [_pull(each, entry("y", k + 1, positive=True)) for k, each in enumerate(scene.pulls(raw))]
    total = fold(sympy.Add(*pulls), scene.simplex)
    if total is None:
        return None
    own, p = at(pulls[0], 1, "i"), entry("p", "i", positive=True)
    whole = shortest(own - p * total)
    if len(text(whole)) <= LONG:
        return Derived(written((Case(whole, sympy.true),)))
    short = entry("g", "i") - p * Over(entry("g", "j"))
    pull = at(pulls[0], 1, "j")
    names = (Name("gⱼ", text(pull), latex(pull), pull),)
    return Derived(written((Case(short, sympy.true),)), names)


def _pull(pull: Any, truth: Any) -> Any:
    """The shortest form, with the target's share in front where all of it is a multiple of that."""
    rest = sympy.expand(pull / truth)
    return shortest(pull) if rest.has(truth) else truth * shortest(rest)


def _entries(raw: Any, scene: Letters) -> Derived | None:
    found = []
    for case in cases(raw, scene.slope):
        parts = fold(case.expression, scene.simplex), fold(case.condition, scene.simplex)
        if parts[0] is None or parts[1] is None:
            return None
        found.append(Case(*parts))
    short = [Case(shortest(case.expression), case.condition) for case in found]
    if len(short) == 1 and len(text(short[0].expression)) > LONG:
        return _named(found[0].expression)
    return Derived(written(tuple(short)))


def _named(expression: Any) -> Derived:
    """Sums over j within a long expression, called A, B and so on."""
    sums = [each for each in sympy.preorder_traversal(expression) if each.is_Add and _directly_sums(each)]
    parts = {
        part: sympy.Symbol(letter, positive=True)
        for letter, part in zip("ABCD", dict.fromkeys(sums), strict=False)
    }
    names = tuple(Name(letter.name, text(part), latex(part), part) for part, letter in parts.items())
    return Derived(written((Case(shortest(expression.xreplace(parts)), sympy.true),)), names)


def _directly_sums(total: Any) -> bool:
    """Whether a sum over j, with at most a number before it, is one of the terms."""
    return any(isinstance(term.as_coeff_Mul()[1], Over) for term in total.args)
