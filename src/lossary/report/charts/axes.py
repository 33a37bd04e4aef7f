"""Axes that several figures share."""

from __future__ import annotations

import altair as alt

from lossary.report import svg

# Where there is little room an expression goes on in a second line at its bracket.
_BRACKET = "indexof(datum.value, '(')"
_TWO_LINES = (
    f"{_BRACKET} > 0 && length(datum.value) > 18"
    f" ? [slice(datum.value, 0, {_BRACKET}), slice(datum.value, {_BRACKET})] : datum.value"
)


def names_axis(limit: int, *, folded: bool) -> alt.Axis:
    """Names of losses down the left side, at most `limit` pixels wide; `folded` in two lines where they are long."""
    return alt.Axis(
        labelColor=svg.INK,
        labelLimit=limit,
        labelFontSize=10 if folded else 11,
        ticks=False,
        domain=False,
        labelPadding=8,
        labelExpr=_TWO_LINES if folded else "datum.value",
        labelLineHeight=11,
    )
