"""Where a hyper-parameter may lie: said once in a signature, read by checks, cards and tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class Domain(Protocol):
    """A set of values: can tell whether one belongs, say what it is, and name some that do."""

    @property
    def says(self) -> str:
        """The set in words, as it stands in an error: "a number above 0"."""

    @property
    def examples(self) -> tuple[object, ...]:
        """A few members, its closed ends among them; tests draw hyper-parameters from these."""

    def holds(self, value: object) -> bool:
        """Whether ``value`` belongs to the set."""


#: What a row of probabilities may miss 1 by, beside four roundings of its dtype where it is a tensor.
ROW_SLACK = 1e-6


@dataclass(frozen=True)
class Interval:
    """Real numbers between two ends, each of them open or closed; NaN and bool never belong."""

    says: str
    low: float
    high: float
    closed_low: bool
    closed_high: bool
    examples: tuple[object, ...]
    whole: bool = False

    def holds(self, value: object) -> bool:
        # NaN is not itself; torch.compile cannot ask math.isnan of a number that changes from call to call.
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
            return False
        if self.whole and not float(value).is_integer():
            return False
        above = self.low <= value if self.closed_low else self.low < value
        below = value <= self.high if self.closed_high else value < self.high
        return above and below


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    options: tuple[str, ...]

    @property
    def says(self) -> str:
        *most, last = (repr(option) for option in self.options)
        return f"{', '.join(most)} or {last}"

    @property
    def examples(self) -> tuple[object, ...]:
        return self.options

    def holds(self, value: object) -> bool:
        return isinstance(value, str) and value in self.options


@dataclass(frozen=True)
class OneOrMany:
    """A number of a set, or a non-empty list of such numbers."""

    each: Interval

    @property
    def says(self) -> str:
        return f"{self.each.says}, or a list of such numbers"

    @property
    def examples(self) -> tuple[object, ...]:
        return (*self.each.examples, self.each.examples)

    def holds(self, value: object) -> bool:
        if isinstance(value, Sequence) and not isinstance(value, str):
            return len(value) > 0 and all(self.each.holds(one) for one in value)
        return self.each.holds(value)


@dataclass(frozen=True)
class NumberOrTensor:
    """A number of a set, or a tensor of them: one value, or one per label on the last axis of the input.

    The values of a tensor are not read; its shape is judged where it meets the input.

    Attributes:
        single: whether there is no such axis, so that a tensor holds one number.
    """

    each: Interval
    single: bool = False

    @property
    def says(self) -> str:
        return f"{self.each.says}, or a tensor of one such number{'' if self.single else ' per label'}"

    @property
    def examples(self) -> tuple[object, ...]:
        return self.each.examples

    def holds(self, value: object) -> bool:
        if isinstance(value, Tensor):
            return value.ndim <= (0 if self.single else 1) and not value.is_complex()
        return self.each.holds(value)


@dataclass(frozen=True)
class PerClass:
    """One number of a set per class, or with two axes one per pair of classes: a tensor or a sequence.

    The values of a tensor are judged where they meet the input, and so are the number of classes and the inverse.

    Attributes:
        stochastic: whether the rows of a pair's table are distributions.
        invertible: whether the table must have an inverse.
    """

    each: Interval
    axes: int = 1
    stochastic: bool = False
    invertible: bool = False
    examples: tuple[object, ...] = ()

    @property
    def says(self) -> str:
        if self.axes == 1:
            return f"{self.each.says} for every class, as a tensor or a sequence"
        sums = ", every row adding up to 1" if self.stochastic else ""
        sums += ", with an inverse" if self.invertible else ""
        return f"a square table, one row and one column per class, of {self.each.says}{sums}"

    def holds(self, value: object) -> bool:
        if isinstance(value, Tensor):
            return value.ndim == self.axes and not value.is_complex()
        if not isinstance(value, Sequence) or isinstance(value, str):
            return False
        rows = [value] if self.axes == 1 else value
        if not all(isinstance(row, Sequence) and all(self.each.holds(one) for one in row) for row in rows):
            return False
        if self.axes == 1:
            return True
        if any(len(row) != len(value) for row in rows):
            return False
        return not self.stochastic or all(abs(math.fsum(row) - 1) <= ROW_SLACK for row in rows)


@dataclass(frozen=True)
class Flag:
    """True or False."""

    says: str = "True or False"
    examples: tuple[object, ...] = (False, True)

    def holds(self, value: object) -> bool:
        return isinstance(value, bool)


_INF = math.inf

NonNegative = Interval("a finite number of at least 0", 0.0, _INF, True, False, (0.0, 0.5, 1.0, 2.0, 5.0))
Positive = Interval("a finite number above 0", 0.0, _INF, False, False, (0.25, 1.0, 3.0))
AtLeastOne = Interval("a finite number of at least 1", 1.0, _INF, True, False, (1.0, 1.5, 2.0, 3.0))
Unit = Interval("a number from 0 to 1", 0.0, 1.0, True, True, (0.0, 0.25, 0.7, 1.0))
OpenUnit = Interval("a number between 0 and 1, both excluded", 0.0, 1.0, False, False, (0.1, 0.5, 0.9))
AboveMinusOne = Interval("a finite number above -1", -1.0, _INF, False, False, (-0.5, 0.0, 2.0))
AnyNumber = Interval("a finite number", -_INF, _INF, False, False, (-1.5, -0.5, 0.0, 0.5, 2.0))
Count = Interval("a whole number of at least 0", 0.0, _INF, True, False, (0, 1, 3), whole=True)
BelowOne = Interval("a number from 0 up to but not including 1", 0.0, 1.0, True, False, (0.0, 0.1, 0.4))
Levels = OneOrMany(OpenUnit)
ClassCounts = PerClass(Positive)
TransitionMatrix = PerClass(Unit, axes=2, stochastic=True)
InvertibleTransition = PerClass(Unit, axes=2, stochastic=True, invertible=True)


def Whole(low: int) -> Interval:
    """Whole numbers from ``low`` on, named like the sets it stands among."""
    says = f"a whole number of at least {low}"
    return Interval(says, float(low), _INF, True, False, (low, low + 1, low + 4), whole=True)
