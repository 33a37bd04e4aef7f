"""Numbers that carry their own derivatives, so that one evaluation of a definition yields its whole gradient.

A definition is written over plain scalars. Fed with these, on multiple-precision numbers, it is differentiated by the
chain rule and not by differences: there is no step to choose, and a derivative of 1e-4000 is found like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import mpmath


@dataclass(frozen=True, eq=False, repr=False)  # mpmath spells out what it cannot convert, of any size
class Dual:
    """A value and its derivatives by the inputs it was made from; inputs it does not depend on are absent."""

    value: Any
    slopes: Mapping[Hashable, Any]

    def __add__(self, other: Any) -> Dual:
        if not isinstance(other, Dual):
            return Dual(self.value + other, self.slopes)
        return Dual(self.value + other.value, _added(self.slopes, other.slopes))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Dual:
        if not isinstance(other, Dual):
            return Dual(self.value - other, self.slopes)
        return Dual(self.value - other.value, _less(self.slopes, other.slopes))

    def __rsub__(self, other: Any) -> Dual:
        return Dual(other - self.value, _opposite(self.slopes))

    def __neg__(self) -> Dual:
        return Dual(-self.value, _opposite(self.slopes))

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
        return Dual(value, _scaled(self.slopes, slope))


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
    return slope * part if slope and part else mpmath.mpf(0)


def total(numbers: Iterable[Any]) -> Any:
    """Their sum, from left to right, with one table of derivatives for all of them."""
    value: Any = mpmath.mpf(0)
    found: dict[Hashable, Any] = {}
    derived = False
    for number in numbers:
        if isinstance(number, Dual):
            derived = True
            value = value + number.value
            _add(found, number.slopes)
        else:
            value = value + number
    return Dual(value, found) if derived else value


def dot(one: Iterable[Any], other: Iterable[Any]) -> Any:
    """The sum of their products, with one table of derivatives for all of them."""
    value: Any = mpmath.mpf(0)
    found: dict[Hashable, Any] = {}
    derived = False
    for v, w in zip(one, other, strict=True):
        a, b = plain(v), plain(w)
        value = value + times(a, b)
        derived = derived or isinstance(v, Dual) or isinstance(w, Dual)
        _add(found, _scaled(slopes(v), b))
        _add(found, _scaled(slopes(w), a))
    return Dual(value, found) if derived else value


def _scaled(slopes: Mapping[Hashable, Any], factor: Any) -> dict[Hashable, Any]:
    """Each by the factor, as ``times`` has it."""
    if not factor:
        return dict.fromkeys(slopes, mpmath.mpf(0))
    return {name: factor * each if each else each for name, each in slopes.items()}


def _less(one: Mapping[Hashable, Any], other: Mapping[Hashable, Any]) -> Mapping[Hashable, Any]:
    if not other:
        return one
    found = dict(one)
    for name, each in other.items():
        found[name] = found[name] - each if name in found else -each
    return found


def _opposite(slopes: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
    return {name: -each for name, each in slopes.items()}


def _added(one: Mapping[Hashable, Any], other: Mapping[Hashable, Any]) -> Mapping[Hashable, Any]:
    if not one or not other:
        return one or other
    found = dict(one)
    _add(found, other)
    return found


def _add(found: dict[Hashable, Any], more: Mapping[Hashable, Any]) -> None:
    for name, each in more.items():
        found[name] = found[name] + each if name in found else each


def _merge(value: Any, one: Dual, a: Any, other: Dual, b: Any) -> Dual:
    found = _scaled(one.slopes, a)
    _add(found, _scaled(other.slopes, b))
    return Dual(value, found)
