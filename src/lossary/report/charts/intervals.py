"""Every metric of every loss with its interval: one small forest a metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from lossary.report import svg
from lossary.report.charts.axes import names_axis
from lossary.report.charts.figure import Panel


@dataclass(frozen=True, slots=True)
class Bar:
    """One loss on one metric, in the unit shown. `second` is the same metric read another way, a hollow mark beneath:
    after calibration, or at a tuned threshold.
    """

    name: str
    middle: float
    low: float
    high: float
    second: bool = False


_WIDTH = 158
_FARTHEST = (
    6.0  # typical bars that an axis shows beyond them: one loss that failed would squeeze the others to dots
)


def intervals(title: str, bars: Sequence[Bar], names: Sequence[str], *, reference: str) -> Panel:
    """The bars of one metric, losses in the order of `names`; a dashed line where the reference stands."""
    sound = [bar for bar in bars if math.isfinite(bar.middle)]
    rows = [
        {"name": b.name, "low": b.low, "middle": b.middle, "high": b.high, "second": b.second, "shift": int(b.second)}
        for b in sound
    ]  # fmt: skip
    level = [{"middle": b.middle} for b in sound if b.name == reference and not b.second]
    paired = any(bar.second for bar in sound)
    chart = _chart(names, _window(sound), paired=paired)
    label = f"{title} of every loss with its interval; the table beneath holds the numbers."
    return Panel(title, svg.Picture(chart, {"bars": rows, "level": level}, label))


def _chart(names: Sequence[str], window: tuple[float, float], *, paired: bool) -> svg.Layers:
    scale = alt.Scale(domain=list(window), nice=False, zero=False)

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", title=None, scale=scale, axis=alt.Axis(tickCount=4))

    y = alt.Y("name:N", sort=list(names), title=None, axis=names_axis(112, folded=True))
    apart = alt.Scale(domain=[0, 1], paddingInner=0, paddingOuter=0)
    shift = {"yOffset": alt.YOffset("shift:O", scale=apart)} if paired else {}
    bars = svg.layer("bars")
    hollow = alt.condition("datum.second", alt.value("transparent"), alt.value(svg.BLUE))
    return alt.layer(
        svg.layer("level").mark_rule(color=svg.MUTED, strokeDash=[4, 3], clip=True).encode(x=x("middle")),
        bars.mark_rule(color=svg.BLUE, strokeWidth=1.6, clip=True).encode(
            x=x("low"), x2="high:Q", y=y, **shift
        ),
        bars.mark_point(size=30, filled=True, opacity=1, stroke=svg.BLUE, strokeWidth=1.2, clip=True).encode(
            x=x("middle"), y=y, fill=hollow, **shift
        ),
    ).properties(
        width=_WIDTH, height=alt.Step(32 if paired else 22, **({"for": "position"} if paired else {}))
    )


def _window(bars: Sequence[Bar]) -> tuple[float, float]:
    """From the leftmost to the rightmost bar, but for those that lie many typical widths away from the middle."""
    if not bars:
        return 0.0, 1.0
    middle = sorted(bar.middle for bar in bars)[len(bars) // 2]
    reach = sorted(max(abs(bar.low - middle), abs(bar.high - middle)) for bar in bars)
    far = _FARTHEST * reach[len(reach) // 2] or reach[-1] or abs(middle) or 1.0
    low = max(min(bar.low for bar in bars), middle - far)
    high = min(max(bar.high for bar in bars), middle + far)
    room = 0.06 * (high - low) or 0.05 * (abs(middle) or 1.0)
    return low - room, high + room
