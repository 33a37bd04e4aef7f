"""The judge: a loss's definition with as many digits as it takes.

A definition is the textbook formula. It cancels, overflows and underflows as textbooks do, and digits mend all three:
it is evaluated with d and with 2d digits until both agree to 30, where 2d, from 100 on, is enough to see the smallest
number of the dtype beside 1: a part may have drowned in both, and an exact 0 may be all that is left of an answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath

from .dual import Dual, dot, lift, plain, slopes, total

AGREE = 30
FIRST, CAP = 50, 4000


class Undecided(Exception):
    """The definition does not settle within the cap."""


@dataclass(frozen=True)
class Judgement:
    """An exact value, its gradient by input, and the scale that rounding is counted in where terms cancel."""

    value: Any
    slopes: Mapping[Hashable, Any]
    scale: Any


class Numbers:
    """The namespace ``m`` of a definition, over multiple-precision numbers with or without derivatives."""

    exp = staticmethod(lift(lambda x: _exp(x), lambda x: _exp(x)))
    log = staticmethod(
        lift(lambda x: -mpmath.inf if x == 0 else mpmath.log(x), lambda x: mpmath.inf if x == 0 else 1 / x)
    )
    sqrt = staticmethod(lift(mpmath.sqrt, lambda x: mpmath.inf if x == 0 else 1 / (2 * mpmath.sqrt(x))))
    cosh = staticmethod(lift(mpmath.cosh, mpmath.sinh))
    sinh = staticmethod(lift(mpmath.sinh, mpmath.cosh))
    tanh = staticmethod(lift(mpmath.tanh, lambda x: mpmath.sech(x) ** 2))
    log1p = staticmethod(lift(mpmath.log1p, lambda x: mpmath.inf if x == -1 else 1 / (1 + x)))
    expm1 = staticmethod(lift(mpmath.expm1, mpmath.exp))
    softplus = staticmethod(lift(lambda x: _softplus(x), lambda x: 1 / (1 + mpmath.exp(-x))))
    lgamma = staticmethod(lift(mpmath.loggamma, mpmath.digamma))
    erf = staticmethod(lift(mpmath.erf, lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x)))
    log_i0e = staticmethod(lift(lambda x: _log_i0e(x), lambda x: _log_i0e_slope(x)))
    still = staticmethod(plain)  # a number held constant under differentiation
    sin = staticmethod(lift(mpmath.sin, mpmath.cos))
    cos = staticmethod(lift(mpmath.cos, lambda x: -mpmath.sin(x)))
    atan = staticmethod(lift(mpmath.atan, lambda x: 1 / (1 + x * x)))
    pi = property(lambda _: mpmath.pi())

    @staticmethod
    def sign(x: Any) -> Any:
        return mpmath.sign(plain(x))

    @staticmethod
    def abs(x: Any) -> Any:
        return _kinked(abs(x), [x]) if plain(x) == 0 else abs(x)

    @staticmethod
    def where(condition: Any, yes: Any, no: Any) -> Any:
        return yes if condition else no

    @staticmethod
    def max(*numbers: Any) -> Any:
        found = max(_spread(numbers), key=plain)
        return _kinked(found, [each for each in _spread(numbers) if plain(each) == plain(found)])

    @staticmethod
    def min(*numbers: Any) -> Any:
        found = min(_spread(numbers), key=plain)
        return _kinked(found, [each for each in _spread(numbers) if plain(each) == plain(found)])

    @staticmethod
    def sum(numbers: Iterable[Any]) -> Any:
        return total(numbers)

    @staticmethod
    def dot(one: Sequence[Any], other: Sequence[Any]) -> Any:
        return dot(one, other)

    @staticmethod
    def sort(numbers: Iterable[Any]) -> list[Any]:
        return sorted(numbers)

    @staticmethod
    def argmax(numbers: Sequence[Any]) -> int:
        return max(range(len(numbers)), key=lambda i: plain(numbers[i]))

    def sigmoid(self, x: Any) -> Any:
        return 1 / (1 + self.exp(-x))

    def softmax(self, row: Sequence[Any]) -> list[Any]:
        raised = [self.exp(x) for x in row]
        total = self.sum(raised)
        return [each / total for each in raised]

    def kl_terms(self, x: Sequence[Any], y: Sequence[Any], direction: str) -> Any:
        """Σ |terms| of a divergence between softmax(x) and y: what rounding is counted in."""
        total = self.log(self.sum(self.exp(v) for v in x))
        log_p = [v - total for v in x]
        weights = y if direction == "forward" else [self.exp(v) for v in log_p]
        return self.sum(
            w * (abs(self.log(q)) + abs(v)) for w, q, v in zip(weights, y, log_p, strict=True) if w != 0
        )


def _exp(x: Any) -> Any:
    """exp(x), which 10^(10^60) standard deviations from the mean would take hours to write down."""
    return mpmath.mpf(0) if x < -1e60 else mpmath.exp(x)


def _softplus(x: Any) -> Any:
    return x + mpmath.log1p(mpmath.exp(-x)) if x > 0 else mpmath.log1p(mpmath.exp(x))


def _log_i0e(x: Any) -> Any:
    """log(exp(-x)·I_0(x)) for x >= 0, by Hankel's expansion where its terms fall below the working precision."""
    if x < 4 * mpmath.mp.dps:
        return mpmath.log(mpmath.besseli(0, x)) - x
    return mpmath.log1p(_hankel(0, x)) - mpmath.log(2 * mpmath.pi * x) / 2


def _log_i0e_slope(x: Any) -> Any:
    """I_1(x)/I_0(x) - 1, which for a large x is far smaller than the digits that its terms have."""
    if x < 4 * mpmath.mp.dps:
        return mpmath.besseli(1, x) / mpmath.besseli(0, x) - 1
    return (_hankel(1, x) - _hankel(0, x)) / (1 + _hankel(0, x))


def _hankel(order: int, x: Any) -> Any:
    """Hankel's expansion of exp(-x)·sqrt(2πx)·I_n(x), less its leading 1."""
    term, total = mpmath.mpf(1), mpmath.mpf(0)
    for k in range(1, 4 * mpmath.mp.dps):
        term *= -(4 * order**2 - (2 * k - 1) ** 2) / (8 * k * x)
        total += term
        if abs(term) < mpmath.eps * abs(total):
            break
    return total


NUMBERS = Numbers()


def exact(definition: Callable[..., Any], arguments: tuple[Any, ...], hyper: Mapping[str, Any], *, below: float,
          cancels: Callable[..., Any] | None = None) -> Judgement | None:  # fmt: skip
    """Judge one unit.

    Args:
        definition: the loss's definition.
        arguments: what it is called with before ``m``: numbers, duals, and lists of them.
        below: the smallest number that matters; an exact 0 is believed with enough digits to see it.
        cancels: ``Facts.cancels``, called like the definition.

    Returns:
        The judgement, or None where the definition says that the unit does not count.

    Raises:
        Undecided: no two precisions up to 4,000 digits agree.
    """
    enough = AGREE - int(math.log10(below))
    # Two precisions can agree on a number from which both have lost a part too small for either.
    digits = max(FIRST, (enough + 1) // 2)
    before = _evaluate(definition, arguments, hyper, digits)
    while digits < CAP:
        digits *= 2
        after = _evaluate(definition, arguments, hyper, digits)
        if after is None:
            return None
        assert before is not None
        if _agree(before, after, below):
            with mpmath.workdps(FIRST):
                scale = mpmath.mpf(0) if cancels is None else _size(cancels, arguments, hyper)
            return Judgement(plain(after), slopes(after), scale)
        before = after
    raise Undecided(f"precisions up to {digits} digits do not agree to {AGREE}")


def _size(cancels: Callable[..., Any], arguments: tuple[Any, ...], hyper: Mapping[str, Any]) -> Any:
    """A size has no derivative to carry along, which is faster; but bare numbers do not know that 0·log 0 is 0."""
    found = plain(cancels(*map(_bare, arguments), NUMBERS, **hyper))
    return plain(cancels(*arguments, NUMBERS, **hyper)) if mpmath.isnan(found) else found


def _bare(argument: Any) -> Any:
    """Numbers without their derivatives, in lists as they came."""
    return [_bare(each) for each in argument] if isinstance(argument, list) else plain(argument)


def _evaluate(
    definition: Callable[..., Any], arguments: tuple[Any, ...], hyper: Mapping[str, Any], digits: int
) -> Any:
    with mpmath.workdps(digits):
        return definition(*arguments, NUMBERS, **hyper)


def _agree(one: Any, other: Any, seen: float) -> bool:
    return _same(plain(one), plain(other), seen) and all(
        _same(slopes(one).get(name, 0), each, seen) for name, each in slopes(other).items()
    )


def _same(a: Any, b: Any, seen: float) -> bool:
    """Agreement to 30 digits, or on a number smaller than ``seen``: one that shrinks as digits are added is 0."""
    if abs(a) < seen and abs(b) < seen:
        return True
    if a == 0 and b == 0:
        return False
    if not (mpmath.isfinite(a) and mpmath.isfinite(b)):
        return bool(a == b or (mpmath.isnan(a) and mpmath.isnan(b)))
    return bool(abs(a - b) <= mpmath.mpf(10) ** -AGREE * abs(b))


def _kinked(found: Any, tied: Sequence[Any]) -> Any:
    """``found`` without a derivative, where it is one of several that are tied: there the judge has none to give."""
    names = {name for each in tied for name in slopes(each)}
    if not names or (len(tied) > 1 and all(slopes(each) == slopes(tied[0]) for each in tied)):
        return found
    if len(tied) == 1 and plain(tied[0]) != 0:
        return found
    return Dual(plain(found), {**slopes(found), **dict.fromkeys(names, mpmath.nan)})


def _spread(numbers: tuple[Any, ...]) -> Sequence[Any]:
    return numbers[0] if len(numbers) == 1 else numbers


__all__ = ["Dual", "Judgement", "Numbers", "Undecided", "exact"]
