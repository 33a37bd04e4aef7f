"""How the values of a metric are shown: shares in per cent and their differences in points, errors as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lossary.lab.comparison import Comparison, Measured
from lossary.lab.metrics import get_metric
from lossary.report.numbers import decimals, fixed, interval
from lossary.report.visible import visible


@dataclass(frozen=True, slots=True)
class Unit:
    """What values are multiplied by, the units of a value and of a difference ("" for none), the decimals of both."""

    factor: float
    value: str
    gap: str
    places: int
    bounded: bool = False  # a share: its interval ends at 0 and 1

    def shown(self, value: float, *, sign: bool = False) -> str:
        """A value or a difference, without its unit."""
        return fixed(self.factor * value, self.places, sign=sign)

    def between(self, low: float, high: float, *, sign: bool = False) -> str:
        """An interval of a difference (with its sign) or of a value, without its unit."""
        if self.bounded and not sign:
            low, high = max(0.0, low), min(1.0, high)
        return interval(self.factor * low, self.factor * high, self.places, sign=sign)

    def titled(self, title: str, *, gap: bool = False) -> str:
        """A heading with its unit in brackets, where there is one."""
        unit = self.gap if gap else self.value
        return f"{title} ({unit})" if unit else title


def unit_of(comparison: Comparison) -> Unit:
    """The unit of the metric that decides."""
    ruler = comparison.ruler
    scores = [row.score for row in comparison.rows]
    if ruler.is_share:
        return Unit(100.0, "%", "points", max(1, min(2, _places(scores, 100.0))), bounded=True)
    gaps = [f.contrast.high - f.contrast.low for f in comparison.verdicts.findings if f.contrast is not None]
    places = decimals(*(gap / 2 for gap in gaps)) if any(gaps) else _places(scores, 1.0)
    return Unit(1.0, "", "", places)


def unit_note(comparison: Comparison) -> str:
    """The sentence that says what an error is measured in; empty for shares and for errors without a unit."""
    metric = get_metric(comparison.ruler.name)
    if not metric.in_target_unit:
        return ""
    return f"{metric.title} in units of {visible(comparison.task.target, 60)}; less is better."


def _places(scores: Sequence[Measured], factor: float) -> int:
    """Decimals for the narrowest of the intervals: two digits of its whole width."""
    return decimals(*(factor * (s.high - s.low) for s in scores))
