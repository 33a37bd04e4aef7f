"""Formula and derivative of a loss, drawn from its definition and short enough to be recognised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy

from lossary.core.declaration import Hyper, Loss
from lossary.core.domains import Interval, NumberOrTensor, OneOrMany

from .cases import Case, cases
from .derive import LONG, Derived, derive
from .indices import fold
from .letters import Letters, letters
from .shorten import plain
from .symbols import NAMESPACE
from .written import Name, Written, name, written


@dataclass(frozen=True)
class Formula:
    """What a card shows of a definition.

    Attributes:
        variable: the letter of the input that is differentiated, with its index.
        value: the loss of one unit.
        derivative: its derivative in ``variable``.
        special: (settings, derivative) at defaults that make it much simpler, as pos_weight = 1.
        names: what the formulas abbreviate.
        says: each letter and the name of the input it stands for.
    """

    variable: str
    value: Written
    derivative: Written
    special: tuple[tuple[str, Written], ...]
    names: tuple[Name, ...]
    says: tuple[tuple[str, str], ...]


def formula(loss: Loss, settings: Mapping[str, object] | None = None) -> Formula | None:
    """The formula of a loss, or None where its definition has none in symbols.

    Args:
        loss: a declared loss.
        settings: hyper-parameters that were chosen. Words, None and the numbers 0 and 1 change the formula; any other
            number stays the letter that the card gives the value of.
    """
    scene = letters(loss)
    if loss.definition is None or not loss.facts.symbolic or scene is None:
        return None
    symbols = {each.name: _symbol(each) for each in loss.hyper if _is_number(each)}
    hyper = {**loss.defaults, **symbols}
    for each in loss.hyper:
        if settings and each.name in settings:
            hyper[each.name] = _fixed(each, settings[each.name])
    raw = _run(loss, scene, hyper)
    if raw is None:
        return None
    value = _value(raw, scene)
    derived = derive(raw, scene)
    if value is None or derived is None:
        return None
    free = [each for each in loss.hyper if each.name in symbols and hyper[each.name] == symbols[each.name]]
    special = [_special(raw, scene, symbols[each.name], each.default, derived) for each in free]
    return Formula(
        f"{scene.variable}ᵢ" if scene.indexed else scene.variable,
        value,
        derived.written,
        tuple(each for each in special if each is not None),
        (*_probability(scene, value, derived.written), *derived.names),
        scene.says,
    )


def _run(loss: Loss, scene: Letters, hyper: Mapping[str, object]) -> Any:
    """What the definition gives over symbols, or None where it needs numbers."""
    assert loss.definition is not None
    try:
        return plain(loss.definition(*scene.arguments, NAMESPACE, **hyper))
    except (TypeError, AttributeError):
        # It compares values, loops over a list of levels, or has a word of ``m`` that symbols lack: a definition may.
        return None


def _value(raw: Any, scene: Letters) -> Written | None:
    if isinstance(raw, sympy.Piecewise):
        return written(tuple(Case(value, condition) for value, condition in raw.args))
    if raw.has(sympy.Piecewise):
        return written(tuple(cases(raw, lambda each: each)))
    folded = fold(raw, scene.simplex) if scene.indexed else raw
    return None if folded is None else written((Case(folded, sympy.true),))


def _special(
    raw: Any, scene: Letters, symbol: Any, default: Any, general: Derived
) -> tuple[str, Written] | None:
    """The derivative at a default of 0 or 1, where that makes it less than half as long."""
    if default not in (0, 1):
        return None  # the letter would become a number, and nothing simpler
    found = derive(raw.xreplace({symbol: sympy.nsimplify(default)}), scene)
    if found is None or found.names or 2 * len(found.written.text) >= len(general.written.text):
        return None
    return f"{symbol.name} = {default:g}", found.written


def _probability(scene: Letters, *shown: Written) -> tuple[Name, ...]:
    if scene.probability is None:
        return ()
    letter, meaning = scene.probability
    used = any(
        each.name.partition("@")[0] == letter
        for one in shown
        for case in one.cases
        for each in case.expression.free_symbols
    )
    return (name(letter, meaning),) if used else ()


def _is_number(each: Hyper) -> bool:
    return isinstance(each.domain, (Interval, OneOrMany, NumberOrTensor)) and each.default is not None


def _fixed(each: Hyper, setting: object) -> object:
    numeric = isinstance(each.domain, (Interval, OneOrMany, NumberOrTensor))
    plain_number = isinstance(setting, (int, float)) and setting not in (0, 1)
    if numeric and plain_number:
        return _symbol(each)
    return sympy.Integer(int(setting)) if numeric and isinstance(setting, (int, float)) else setting


def _symbol(each: Hyper) -> Any:
    domain = each.domain.each if isinstance(each.domain, (OneOrMany, NumberOrTensor)) else each.domain
    assert isinstance(domain, Interval)
    low = domain.low if domain.closed_low else domain.low + 1e-300
    return sympy.Symbol(each.name, real=True, nonnegative=low >= 0 or None, positive=low > 0 or None)


__all__ = ["LONG", "Formula", "formula"]
