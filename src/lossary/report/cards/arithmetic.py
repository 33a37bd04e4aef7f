"""Numbers put into a formula's text: 2(x − t) becomes 2(1 − 3)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from lossary.report.numbers import MINUS

_WORD = re.compile(r"(\d)?([^\W\d]+[ᵢⱼ]?)")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def number(found: float) -> str:
    """Six significant digits and a true minus."""
    shown = f"{abs(found):.6g}".replace("e-0", "e−").replace("e-", "e−")
    return (MINUS if found < 0 else "") + shown


def factor(found: float) -> str:
    """A number within a product: a negative one in brackets."""
    shown = number(found)
    return f"({shown})" if shown.startswith(MINUS) else shown


def filled(text: str, numbers: Mapping[str, float]) -> str:
    """A formula's text with numbers for its letters."""

    def put(found: re.Match[str]) -> str:
        digit, word = found[1] or "", found[2]
        if word not in numbers:
            return found[0]
        return digit + ("·" if digit else "") + factor(numbers[word])

    return _WORD.sub(put, text)


def renamed(text: str, names: Mapping[str, str]) -> str:
    """A formula's text with other letters."""
    return _WORD.sub(lambda found: (found[1] or "") + names.get(found[2], found[2]), text)


def lowered(letter: str, index: int) -> str:
    """``p`` and 1 as p₁."""
    return letter + str(index).translate(_LOWERED)


def sigmoid(z: float) -> float:
    """1 / (1 + exp(-z))."""
    return 1.0 / (1.0 + math.exp(-z)) if z >= 0 else math.exp(z) / (1.0 + math.exp(z))


def softmax(z: Sequence[float]) -> list[float]:
    """exp(z) over the sum of them."""
    powers = [math.exp(each - max(z)) for each in z]
    return [each / sum(powers) for each in powers]
