"""Expressions as people write them, on one line: 2(x − t), σ(x) − t, |x − t| ≤ δ; and the same in LaTeX.

sympy's own printers order terms by their inner order (-t + x) and need several lines for a fraction.
"""

from __future__ import annotations

from typing import Any

import sympy

from .indices import MARK, Over
from .marks import GREEK, LATEX, TEXT, Marks

DIGITS = "0123456789"
SUM, PRODUCT, POWER, ATOM = range(4)  # how tightly an expression holds together
T = sympy.Symbol("t", real=True)
LETTERS = frozenset("xptyan")  # of inputs
ORDER = "xpa"  # letters of what is predicted come first, then targets, then settings, then numbers


def text(expression: Any) -> str:
    """The expression on one line of a terminal."""
    return write(_oriented(expression), TEXT)[0]


def latex(expression: Any) -> str:
    """The expression in LaTeX."""
    return write(_oriented(expression), LATEX)[0]


def _oriented(expression: Any) -> Any:
    """tanh(x - t) for -tanh(t - x): sympy keeps odd and even functions in an order of its own."""
    odd, even = (sympy.sign, sympy.tanh, sympy.sinh, sympy.erf), (sympy.cosh,)
    for each in expression.atoms(*odd, *even):
        inside = _forward(each.args[0])
        if inside != each.args[0]:
            shown = sympy.Function(type(each).__name__)(inside)
            expression = expression.xreplace({each: -shown if isinstance(each, odd) else shown})
    return expression


def write(expression: Any, marks: Marks) -> tuple[str, int]:
    """The expression in some marks, and how tightly it holds together."""
    if expression.is_Add:
        content, rest = expression.primitive()
        if content.q == 1 and content != 1:  # sympy multiplies out 2(x - t)
            return _product(sympy.Mul(content, rest, evaluate=False), marks)
        return _sum(expression, marks), SUM
    if expression.is_Mul:
        return _product(expression, marks)
    if expression.is_Pow:
        return _power(expression, marks)
    if expression.is_Symbol:
        letter, _, index = expression.name.partition(MARK)
        return marks.symbol(letter, index), ATOM
    if expression.is_Rational and not expression.is_Integer:
        sign = marks.minus if expression.p < 0 else ""
        return sign + marks.fraction(str(abs(expression.p)), str(expression.q)), PRODUCT
    if expression.is_Number:
        number = f"{abs(float(expression)):.6g}"
        return (marks.minus + number, PRODUCT) if expression < 0 else (number, ATOM)
    if isinstance(expression, sympy.Abs):
        return marks.size(write(_forward(expression.args[0]), marks)[0]), ATOM
    if isinstance(expression, Over):
        return marks.over(_inside(expression.args[0], marks, PRODUCT)), PRODUCT
    return _call(expression, marks)


def _inside(expression: Any, marks: Marks, least: int) -> str:
    """The expression, in brackets where it holds together less than ``least``."""
    return _wrapped(write(expression, marks), least, marks)


def _call(expression: Any, marks: Marks) -> tuple[str, int]:
    name = {"Max": "max", "Min": "min"}.get(type(expression).__name__, type(expression).__name__)
    inside = sorted(expression.args, key=lambda each: (not each.is_Number, _rank(each)))
    shown = ", ".join(write(each, marks)[0] for each in inside)
    bare = name == "log" and (expression.args[0].is_Symbol or expression.args[0].is_Integer)
    return marks.call(name, shown, bare), (PRODUCT if bare else ATOM)


def _sum(expression: Any, marks: Marks) -> str:
    terms = sorted(expression.args, key=_rank)
    first = next((each for each in terms if not each.could_extract_minus_sign()), terms[0])
    terms.remove(first)
    shown = _inside(first, marks, SUM)
    for each in terms:
        negative = each.could_extract_minus_sign() and not each.is_Add
        sign = marks.minus if negative else "+"
        shown += f" {sign} {_inside(-each if negative else each, marks, PRODUCT)}"
    return shown


def _product(expression: Any, marks: Marks) -> tuple[str, int]:
    number, factors, divisors = _parted(expression)
    sign = marks.minus if number < 0 else ""
    if divisors or number.q != 1:
        above = _chain(abs(number.p), factors, marks)
        below = _chain(number.q, divisors, marks)
        return sign + marks.fraction(
            _wrapped(above, marks.numerator, marks), _wrapped(below, marks.denominator, marks)
        ), PRODUCT
    return sign + _chain(abs(number.p), factors, marks)[0], PRODUCT


def _parted(product: Any) -> tuple[Any, list[Any], list[Any]]:
    """A product's number, its factors, and what it is divided by."""
    number, factors, divisors = sympy.Rational(1), [], []
    for each in sympy.Mul.make_args(product):
        base, exponent = each.as_base_exp()
        if each.is_Rational:
            number *= each
        elif each.is_Add and each.primitive()[0].q == 1:
            content, rest = each.primitive()  # sympy multiplies out 2(x - t)
            number *= content
            factors.append(rest)
        elif each.is_Pow and exponent.could_extract_minus_sign() and not exponent.is_Add:
            divisors.append(base**-exponent)
        else:
            factors.append(each)
    # Predicted times true, as in p·t; with logarithms and powers about, what is short comes first.
    rank = _rank if all(_letter(each) in LETTERS for each in factors) else _factor_rank
    return number, sorted(factors, key=rank), sorted(divisors, key=_factor_rank)


def _letter(factor: Any) -> str:
    """The letter of a bare symbol, "" for anything else."""
    return factor.name.partition(MARK)[0] if factor.is_Symbol else ""


def _chain(number: int, factors: list[Any], marks: Marks) -> tuple[str, int]:
    """A number and factors side by side."""
    if not factors:
        return str(number), ATOM
    if number == 1 and len(factors) == 1:
        return write(factors[0], marks)
    # What a sum or a bare logarithm reaches must not seem to reach a factor after it.
    least = [POWER if i < len(factors) - 1 else PRODUCT for i in range(len(factors))]
    shown = marks.times.join(
        _inside(each, marks, each_least) for each, each_least in zip(factors, least, strict=True)
    )
    if number != 1:
        shown = str(number) + ("" if _sticks(factors[0]) and shown[0] not in DIGITS else marks.times) + shown
    return shown, PRODUCT


def _sticks(first: Any) -> bool:
    """Whether a number may stand right before it: 2x, 2(x − t), but 2·sign(x − t)."""
    if first.is_Function:
        return isinstance(first, (Over, sympy.Abs))
    if first.is_Symbol:
        return len(first.name.partition(MARK)[0]) == 1 or first.name in GREEK
    return not first.is_Pow or _sticks(first.base)


def _wrapped(shown: tuple[str, int], least: int, marks: Marks) -> str:
    return shown[0] if shown[1] >= least else marks.brackets(shown[0])


def _power(expression: Any, marks: Marks) -> tuple[str, int]:
    base, exponent = expression.as_base_exp()
    if exponent.could_extract_minus_sign() and not exponent.is_Add:
        return marks.fraction("1", _inside(base**-exponent, marks, marks.denominator)), PRODUCT
    if exponent == sympy.Rational(1, 2):
        ends = _between(base)
        if ends is not None:
            return marks.length(f"{ends[0]} {marks.minus} {ends[1]}"), ATOM
        return marks.root(write(base, marks)[0]), ATOM
    return marks.power(
        _inside(_forward(base) if exponent == 2 else base, marks, ATOM), write(exponent, marks)[0]
    ), POWER


def _between(square: Any) -> tuple[str, str] | None:
    """The two vectors whose squared distance this is."""
    if not isinstance(square, Over) or not (square.args[0].is_Pow and square.args[0].exp == 2):
        return None
    parts = sorted(square.args[0].base.args, key=_rank)
    if (
        len(parts) != 2
        or not (parts[0] + parts[1]).is_Add
        or not all((-each).is_Symbol or each.is_Symbol for each in parts)
    ):
        return None
    first, second = (str(next(iter(each.free_symbols))).partition(MARK)[0] for each in parts)
    return first, second


def _forward(expression: Any) -> Any:
    """Of an expression and its opposite, the one whose first term is positive."""
    if not expression.is_Add:
        return -expression if expression.could_extract_minus_sign() else expression
    leading = min(expression.args, key=_rank)
    return -expression if leading.could_extract_minus_sign() and not leading.is_Number else expression


def _rank(term: Any) -> tuple[int, int, int, str]:
    names = {each.name.partition(MARK)[0] for each in term.free_symbols}
    kind = 3 if not names else 0 if names & set(ORDER) or term.has(Over) else 1 if names & set("tyn") else 2
    return kind, int(term.has(sympy.log)) + 2 * term.has(1 - T), term.count_ops(), str(term)


def _factor_rank(factor: Any) -> tuple[int, bool, str]:
    names = {each.name.partition(MARK)[0] for each in factor.free_symbols}
    if isinstance(factor, Over):
        kind = 8
    elif names and names <= set("ty"):
        kind = 1 if factor.is_Symbol else 2
    elif names and not names & set(ORDER) and factor.is_Symbol:
        kind = 3
    elif factor.is_Symbol:
        kind = 4
    elif factor.is_Pow:
        kind = 5
    elif factor.is_Add:
        kind = 6
    else:
        kind = 7
    return kind, not names & set(ORDER), str(factor)
