"""The shortest way to write an expression: of what algebra offers, the one with the fewest characters."""

from __future__ import annotations

import re
from typing import Any

import sympy

from .indices import COUNT, MARK, entry
from .notation import text

SIGMOID = sympy.Function("σ")
REST = (
    "q "  # the letter of 1 - p while a definition runs; the blank keeps it from every hyper-parameter's name
)


_RAISED = "²³⁴"  # after a bracket, where they are words of their own


def plain(expression: Any) -> Any:
    """A definition's outcome in its own structure, rid of what only computing needs.

    Decimals become fractions, a sum of quotients such as 1 + q/p is brought together, logarithms of quotients are
    opened, and of entries that add up to 1 two are one less the third.
    """
    found = sympy.nsimplify(expression, rational=True)
    found = found.replace(_is_quotient_sum, sympy.together)
    found = found.replace(lambda each: each.is_Add, _complement)
    found = found.replace(
        lambda each: isinstance(each, sympy.log) and (each.args[0].is_Mul or each.args[0].is_Pow),
        lambda each: sympy.expand_log(each, force=True),
    )
    found = found.replace(_is_share, lambda each: SIGMOID(-(each.base - 1).args[0]))
    return found.xreplace(
        {each: 1 - rest_of(each) for each in found.free_symbols if each.name.startswith(REST)}
    )


def _is_share(each: Any) -> bool:
    """Whether this is 1/(1 + exp(u)) of settings alone, which no derivative meets."""
    if not each.is_Pow or each.exp != -1 or not isinstance(each.base - 1, sympy.exp):
        return False
    return all(len(_letter(one)) > 1 for one in each.free_symbols)


def rest_of(p: Any) -> Any:
    """The symbol q of 1 - p, or back."""
    letter, mark, index = p.name.partition(MARK)
    return sympy.Symbol((REST if letter == "p" else "p") + mark + index, positive=True)


def shortest(expression: Any) -> Any:
    """The expression's usual form with the fewest letters and numbers."""
    x, t, gap = (sympy.Symbol(letter, real=True) for letter in ("x", "t", "υ"))
    apart = expression.subs(x, gap + t) if expression.has(x, t) else expression
    if expression.has(t) and not apart.has(t):
        # What knows only how far apart two numbers are keeps them together: (x - t)² + 1.
        return _shortest(apart).subs(gap, x - t)
    return _shortest(expression)


def _shortest(expression: Any) -> Any:
    expression = expression.replace(lambda each: each.is_Mul, _logistic)
    forms = [expression, _signs(expression), sympy.powsimp(_signs(expression))]
    if any(not each.exp.is_integer and each.exp.is_number for each in expression.atoms(sympy.Pow)):
        return min(
            forms, key=_effort
        )  # with roots in it algebra takes long and finds nothing that is easier to read
    for change in (sympy.cancel, sympy.factor, sympy.expand, _shared, _gathered, _hyperbolic):
        changed = change(expression)
        forms += [changed, _signs(changed), _upright(changed)]
    operations = [each.count_ops() for each in forms]
    few = (
        min(operations) + 4
    )  # writing is slow, and a form with many more operations is never the shorter one
    return min({each for each, count in zip(forms, operations, strict=True) if count <= few}, key=_effort)


def _effort(expression: Any) -> tuple[float, int, str, str]:
    shown = text(expression)
    words = re.findall(r"\w+", shown)
    effort = sum(
        0.5 if word in _RAISED else 1.0 if word == "1" or not word.isdigit() else 1.5 for word in words
    )
    return effort + 0.1 * shown.count(" − 1)"), len(shown), shown, str(expression)


def _upright(expression: Any) -> Any:
    """A product of (p - 1) and another sum with both signs turned: a probability's complement is written 1 - p."""
    if not expression.is_Mul:
        return expression
    turned = [each for each in expression.args if each.is_Add and len(each.args) == 2 and -1 in each.args]
    others = [each for each in expression.args if each.is_Add and each not in turned]
    if len(turned) == 1 and expression.as_coeff_Mul()[0] < 0:
        return sympy.Mul(-expression / turned[0], -turned[0])
    if len(turned) != 1 or not others:
        return expression
    rest = sympy.Mul(*(each for each in expression.args if each not in (turned[0], others[0])))
    return sympy.Mul(rest, -turned[0], sympy.expand(-others[0]))


def _is_quotient_sum(each: Any) -> bool:
    """Whether this is 1 + q/p: a sum of quotients by probabilities."""
    below = [part.base for part in each.atoms(sympy.Pow) if part.exp.could_extract_minus_sign()]
    return (
        each.is_Add and bool(below) and all(base.is_Symbol and _letter(base) in ("p", REST) for base in below)
    )


def _letter(symbol: Any) -> str:
    return str(symbol.name.partition(MARK)[0])


def _complement(total: Any) -> Any:
    """p + q is 1, Σ p is 1, and the sum without one entry is 1 less that entry."""
    if not all(part.is_Symbol for part in total.args):
        return total
    if len(total.args) == 2 and any(
        part.name.startswith(REST) and rest_of(part) in total.args for part in total.args
    ):
        return sympy.Integer(1)
    entries = [entry("p", k, positive=True) for k in range(1, COUNT + 1)]
    missing = [each for each in entries if each not in total.args]
    if len(total.args) + len(missing) != COUNT:
        return total
    return sympy.Integer(1) if not missing else 1 - missing[0]


def _signs(expression: Any) -> Any:
    """|u|·sign(u) is u."""
    return expression.replace(
        lambda each: each.is_Mul and any(isinstance(part, sympy.sign) for part in each.args), _unsigned
    )


def _unsigned(product: Any) -> Any:
    for part in product.args:
        if isinstance(part, sympy.sign) and sympy.Abs(part.args[0]) in product.args:
            return product / part / sympy.Abs(part.args[0]) * part.args[0]
    return product


def _shared(expression: Any) -> Any:
    """What all terms share in front, with powers of one base as one."""
    return sympy.powsimp(sympy.factor_terms(sympy.powsimp(sympy.expand(expression))))


def _logistic(product: Any) -> Any:
    """exp(u)/(1 + exp(u)) is σ(u)."""
    for each in product.args:
        if isinstance(each, sympy.exp) and 1 / (1 + each) in product.args:
            rest = [part for part in product.args if part not in (each, 1 / (1 + each))]
            return sympy.Mul(*rest, SIGMOID(each.args[0]))
    return product


def _gathered(expression: Any) -> Any:
    """A power with a letter as exponent in front, the rest collected by its logarithms."""
    powers = [each for each in expression.atoms(sympy.Pow) if not each.exp.is_number]
    if not powers:
        return expression
    front = min((each.base ** each.exp.as_coeff_Add()[1] for each in powers), key=str)
    inner = sympy.expand(sympy.powsimp(sympy.expand(expression) / front))
    return front * sympy.factor_terms(sympy.collect(inner, list(inner.atoms(sympy.log)), sympy.factor))


def _hyperbolic(expression: Any) -> Any:
    """sinh/cosh is tanh; the search for such rules is long, so it is made only where there is something to find."""
    return sympy.simplify(expression) if expression.has(sympy.cosh, sympy.sinh, sympy.tanh) else expression
