"""Numbers in sentences."""

from __future__ import annotations

from math import floor, isfinite, isnan, log10


def figures(value: float, digits: int) -> str:
    """This many significant figures, never with an exponent: 0.038, 3.8, 12,300; "–" for no number."""
    if not isfinite(value):
        return "–" if isnan(value) else str(value)
    decimals = max(0, digits - 1 - floor(log10(abs(value)))) if value else 0
    text = f"{float(f'{value:.{digits}g}'):,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
