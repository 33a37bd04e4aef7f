"""How a report writes numbers: as many digits as their interval supports, a real minus sign, units once."""

from __future__ import annotations

import math

MINUS = "−"
THIN = "\u202f"  # narrow and never broken: between groups of digits and before %
DASH = "–"


def decimals(*half_widths: float) -> int:
    """Decimals that show the smallest positive half-width with two significant digits (0 to 8)."""
    sizes = [abs(h) for h in half_widths if math.isfinite(h) and h != 0]
    if not sizes:
        return 2
    return min(8, max(0, 1 - math.floor(math.log10(min(sizes)))))


def fixed(value: float | None, places: int, *, sign: bool = False) -> str:
    """`value` with `places` decimals; a true minus, an en dash where there is no number."""
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return (MINUS if value < 0 else "+" if sign else "") + "∞"
    text = f"{abs(value):,.{places}f}".replace(",", THIN)
    zero = not text.strip("0." + THIN)
    if zero:
        return text
    return (MINUS if value < 0 else "+" if sign else "") + text


def short(value: float | None, digits: int = 3) -> str:
    """`value` with `digits` significant digits, and powers of ten written as such far from one."""
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return MINUS + "∞" if value < 0 else "∞"
    if value == 0:
        return "0"
    power = math.floor(math.log10(abs(value)))
    if -4 <= power < 6:
        places = max(0, digits - 1 - power)
        text = fixed(value, places)
        return text.rstrip("0").rstrip(".") if "." in text else text
    lead = fixed(value / 10.0**power, digits - 1).rstrip("0").rstrip(".")
    return ("" if lead == "1" else f"{lead}×") + "10" + _superscript(power)


def rate(value: float | None) -> str:
    """A learning rate as one would type it: 0.003, 1e-05."""
    return DASH if value is None else f"{value:.2g}"


def interval(low: float, high: float, places: int, *, sign: bool = False) -> str:
    """`[low, high]`, both with the same decimals."""
    return f"[{fixed(low, places, sign=sign)}, {fixed(high, places, sign=sign)}]"


def count(value: int, noun: str, plural: str | None = None) -> str:
    """`1 row`, `569 rows`."""
    return f"{value:,} {noun if value == 1 else plural or noun + 's'}".replace(",", THIN)


def share(value: float | None) -> str:
    """A share in per cent, with a decimal only under ten per cent."""
    if value is None or math.isnan(value):
        return DASH
    percent = 100 * value
    if percent == 0 or percent >= 10:
        return f"{percent:.0f}{THIN}%"
    return f"<{THIN}0.1{THIN}%" if percent < 0.1 else f"{percent:.1f}{THIN}%"


PEOPLE = ("Brier", "Dice", "Hamming", "Poisson")


def spoken(title: str) -> str:
    """A title within a sentence: "Accuracy" becomes "accuracy"; "RMSE", "R²" and "Poisson deviance" stay."""
    named = title.partition(" ")[0] in PEOPLE or not title[1:2].islower()
    return title if named else title[:1].lower() + title[1:]


def listed(words: list[str] | tuple[str, ...], joint: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


def _superscript(power: int) -> str:
    digits = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return str(power).translate(digits)
