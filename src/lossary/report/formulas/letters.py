"""The letters that stand for a loss's inputs when its definition is run over symbols.

The math of a loss on logits receives probabilities, so its definition is run at the logits log p - log(1 - p), or
log p for a row: then it comes out in p, as one reads it, and d/dx = p·(1 - p)·d/dp brings the derivative back to
the logits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy

from lossary.core.declaration import Loss
from lossary.core.kinds import Form
from lossary.core.unit import Unit

from .indices import COUNT, entry
from .shorten import rest_of


@dataclass(frozen=True)
class Letters:
    """A loss's inputs as symbols.

    Attributes:
        arguments: what the definition is called with, before ``m``.
        variable: the letter of the input that is differentiated.
        says: each letter and the input it stands for.
        slope: from a smooth expression to its derivative in (the first entry of) the first input.
        pulls: of a row, what each entry pulls on its own logit; then ``slope`` is not used.
        indexed: whether inputs have entries, so that sums over j are drawn.
        simplex: letters whose entries add up to 1.
        binary: the target's symbol where it is 0 or 1.
        probability: (letter, how it follows from the first input) where the formula is written in probabilities.
    """

    arguments: tuple[Any, ...]
    variable: str
    says: tuple[tuple[str, str], ...]
    slope: Callable[[Any], Any]
    pulls: Callable[[Any], list[Any]] | None = None
    indexed: bool = False
    simplex: tuple[str, ...] = ()
    binary: Any = None
    probability: tuple[str, str] | None = None


def letters(loss: Loss) -> Letters | None:
    """The letters for a loss, or None where its inputs are of a shape that has no formula in symbols yet."""
    forms = tuple(each.kind.form for each in loss.required)
    second = forms[1] if len(forms) > 1 else None
    names = [each.name for each in loss.required]
    if len(forms) > 2 and loss.unit is not Unit.TRIPLET:
        return None
    if loss.unit is Unit.ELEMENT and forms[0] in (Form.REAL, Form.SCORE):
        return _numbers(names, second is Form.BINARY)
    if loss.unit is Unit.ELEMENT and forms[0] is Form.LOGIT:
        return _logit(names)
    if loss.unit is Unit.ROW and forms[0] is Form.LOGITS:
        return _row(names)
    if loss.unit is Unit.REGION and forms[0] in (Form.LOGIT, Form.LOGITS):
        return _region(names, forms[0])
    if loss.unit is Unit.TRIPLET:
        return _triplet(names)
    return None


def _numbers(names: list[str], binary: bool) -> Letters:
    x, t = sympy.Symbol("x", real=True), sympy.Symbol("t", real=True)
    return Letters(
        (x, t)[: len(names)],
        "x",
        _legend("xt", names),
        lambda value: sympy.diff(value, x),
        binary=t if binary else None,
    )


def _logit(names: list[str]) -> Letters:
    p, t = sympy.Symbol("p", positive=True), sympy.Symbol("t", real=True)
    return Letters(
        (_logit_of(p), t),
        "x",
        _legend("xt", names),
        lambda value: sympy.diff(value, p) * p * (1 - p),
        binary=t,
        probability=("p", "σ(x)"),
    )


def _row(names: list[str]) -> Letters:
    p = [entry("p", k, positive=True) for k in range(1, COUNT + 1)]
    y = [entry("y", k, positive=True) for k in range(1, COUNT + 1)]

    def pulls(value: Any) -> list[Any]:
        return [sympy.diff(value, each) * each for each in p]

    return Letters(
        ([sympy.log(each) for each in p], y)[: len(names)],
        "x",
        _legend("xy", names),
        lambda value: pulls(value)[0] - p[0] * sympy.Add(*pulls(value)),
        pulls,
        indexed=True,
        simplex=("p", "y"),
        probability=("p", "softmax(x)"),
    )


def _region(names: list[str], form: Form) -> Letters:
    p = [entry("p", k, positive=True) for k in range(1, COUNT + 1)]
    t = [entry("t", k, nonnegative=True) for k in range(1, COUNT + 1)]
    alike = [sympy.Integer(1)] * COUNT
    one = form is Form.LOGIT
    # Of several classes, the region's own is number 0 and one other stands for the rest.
    rows = [[sympy.log(each), sympy.log(rest_of(each))] for each in p]
    truths = [[each, 1 - each] for each in t]
    return Letters(
        ([_logit_of(each) for each in p], t, alike) if one else (rows, truths, alike, 0),
        "x",
        _legend("xt", names),
        lambda value: sympy.diff(value, p[0]) * p[0] * (1 - p[0]),
        indexed=True,
        probability=("p", "σ(x)" if one else "softmax(x) at the region's class"),
    )


def _triplet(names: list[str]) -> Letters:
    vectors = [[entry(letter, k, real=True) for k in range(1, COUNT + 1)] for letter in "apn"]
    return Letters(
        tuple(vectors),
        "a",
        _legend("apn", names),
        lambda value: sympy.diff(value, vectors[0][0]),
        indexed=True,
    )


def _logit_of(p: Any) -> Any:
    """log p - log q; that q is 1 - p is said once no logarithm can lose its sign over it (``shorten.plain``)."""
    return sympy.log(p) - sympy.log(rest_of(p))


def _legend(marks: str, names: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple(zip(marks, names, strict=False))  # a loss without a target has no letter for one
