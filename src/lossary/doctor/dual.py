"""Numbers that carry their own derivatives, so that one evaluation of a definition yields its whole gradient.

A definition is written over plain scalars. Fed with these, on multiple-precision numbers, it is differentiated by the
chain rule and not by differences: there is no step to choose, and a derivative of 1e-4000 is found like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import mpmath


@dataclass(frozen=True, eq=False, repr=False)  # mpmath spells out what it cannot convert, of any size
class Dual:
    """A value and its derivatives by the inputs it was made from; inputs it does not depend on are absent."""

    value: Any
    slopes: Mapping[Hashable, Any]

    def __add__(self, other: Any) -> Dual:
        return _linear(self, 1, other, 1)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Dual:
        return _linear(self, 1, other, -1)

    def __rsub__(self, other: Any) -> Dual:
        return _linear(self, -1, other, 1)

    def __neg__(self) -> Dual:
        return self.chain(-self.value, -1)

    def __mul__(self, other: Any) -> Dual:
        if not isinstance(other, Dual):
            return self.chain(times(self.value, other), other)
        return _merge(times(self.value, other.value), self, other.value, other, self.value)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Dual:
        if not isinstance(other, Dual):
            return self.chain(self.value / other, mpmath.mpf(1) / other)
        ratio = self.value / other.value
        return _merge(ratio, self, 1 / other.value, other, -ratio / other.value)

    def __rtruediv__(self, other: Any) -> Dual:
        ratio = other / self.value
        return self.chain(ratio, -ratio / self.value)

    def __pow__(self, power: Any) -> Dual:
        if power == 0:
            return Dual(mpmath.mpf(1), {})
        if self.value == 0 and power < 1:
            return self.chain(mpmath.mpf(0), mpmath.inf)
        # The power less 1 with all digits: a float's are too few for the power of exp(-1e18).
        return self.chain(self.value**power, power * self.value ** (mpmath.mpf(power) - 1))

    def __abs__(self) -> Dual:
        return self.chain(abs(self.value), mpmath.sign(self.value))

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < plain(other))

    def __le__(self, other: Any) -> bool:
        return bool(self.value <= plain(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.value > plain(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.value >= plain(other))

    def __eq__(self, other: object) -> bool:
        return bool(self.value == plain(other))

    def __ne__(self, other: object) -> bool:
        return bool(self.value != plain(other))

    __hash__ = None  # type: ignore[assignment]

    def chain(self, value: Any, slope: Any) -> Dual:
        """f(self), given the value of f here and its derivative."""
        return Dual(value, {name: times(slope, each) for name, each in self.slopes.items()})


def plain(number: Any) -> Any:
    """The value without derivatives."""
    return number.value if isinstance(number, Dual) else number


def slopes(number: Any) -> Mapping[Hashable, Any]:
    """The derivatives; none of a constant."""
    return number.slopes if isinstance(number, Dual) else {}


def lift(function: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of one number as one that carries derivatives along."""

    def lifted(number: Any) -> Any:
        if isinstance(number, Dual):
            return number.chain(function(number.value), slope(number.value))
        return function(number)

    return lifted


def times(slope: Any, part: Any) -> Any:
    """Their product; 0 where either is 0, for what does not matter does not matter infinitely either."""
    return mpmath.mpf(0) if slope == 0 or part == 0 else slope * part


def _linear(one: Any, a: int, other: Any, b: int) -> Dual:
    value = a * plain(one) + b * plain(other)
    return _merge(value, one, a, other, b)


def _merge(value: Any, one: Any, a: Any, other: Any, b: Any) -> Dual:
    found = {name: times(a, each) for name, each in slopes(one).items()}
    for name, each in slopes(other).items():
        found[name] = found.get(name, 0) + times(b, each)
    return Dual(value, found)
