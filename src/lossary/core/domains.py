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


@dataclass(frozen=True)
class Interval:
    """Real numbers between two ends, each of them open or closed; NaN and bool never belong."""

    says: str
    low: float
    high: float
    closed_low: bool
    closed_high: bool
    examples: tuple[object, ...]

    def holds(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
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
    """

    each: Interval

    @property
    def says(self) -> str:
        return f"{self.each.says}, or a tensor of one such number per label"

    @property
    def examples(self) -> tuple[object, ...]:
        return self.each.examples

    def holds(self, value: object) -> bool:
        if isinstance(value, Tensor):
            return value.ndim <= 1 and not value.is_complex()
        return self.each.holds(value)


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
BelowOne = Interval("a number from 0 up to but not including 1", 0.0, 1.0, True, False, (0.0, 0.1, 0.4))
Levels = OneOrMany(OpenUnit)
