"""A formula at the numbers of one training step: the case that holds, and the numbers for its letters."""

from __future__ import annotations

from collections.abc import Mapping

import sympy

from lossary.report.formulas.cases import Case
from lossary.report.formulas.marks import GREEK
from lossary.report.formulas.notation import text
from lossary.report.formulas.written import Written

from .arithmetic import filled, number, renamed, sigmoid
from .facts import Facts
from .step import Step

ZERO_OR_ONE = (0.0, 1.0)


def instance(written: Written | None, taken: Step, known: Facts, found: float) -> list[str]:
    """From a formula to its number: ``2(z − t)``, ``2(1 − 3)``, ``−4``; of many outputs, formula and number alone."""
    if written is None or known.formula is None:
        return [number(found)]
    if len(taken.outputs) > 1:
        return [*([written.lines[0][0]] if len(written.lines) == 1 else []), number(found)]
    letters = values(taken, known)
    line = _line(written, letters, binary=_is_binary(known))
    steps = [renamed(line, {"x": "z"}), filled(line, letters), number(found)]
    return list(dict.fromkeys(steps))


def values(taken: Step, known: Facts) -> dict[str, float]:
    """The number for each letter of a formula with one output."""
    settings = {
        GREEK.get(name, name): float(each)
        for name, each in known.hyper.items()
        if isinstance(each, (int, float)) and not isinstance(each, bool)
    }
    z, truth = taken.outputs[0], taken.lesson.truth
    return {"x": z, **({"t": truth[0]} if truth else {}), "p": sigmoid(z), **settings}


def _is_binary(known: Facts) -> bool:
    return known.function.loss.required[-1].kind.form.value == "binary"


def _line(written: Written, letters: Mapping[str, float], *, binary: bool) -> str:
    """The case that holds at these numbers; a target of 0 or 1 leaves one half of the formula."""
    case, shown = written.cases[-1], written.lines[-1][0]
    for each, (line, _) in zip(written.cases, written.lines, strict=True):
        if _holds(each, letters):
            case, shown = each, line
            break
    t = sympy.Symbol("t", real=True)
    if binary and letters["t"] in ZERO_OR_ONE and case.expression.has(t) and case.condition == sympy.true:
        halved = text(case.expression.subs(t, int(letters["t"])))
        return halved if len(halved) < len(shown) and any(each.isalpha() for each in halved) else shown
    return shown


def _holds(case: Case, letters: Mapping[str, float]) -> bool:
    symbols = {each: letters[GREEK.get(each.name, each.name)] for each in case.condition.free_symbols}
    return bool(case.condition.subs(symbols))
