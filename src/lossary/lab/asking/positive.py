"""Which of two levels is the positive one: the one that is looked for."""

from __future__ import annotations

from typing import Any

import pandas as pd

from lossary.core.errors import DataError, sentence
from lossary.lab.asking.task import label_of
from lossary.lab.data.nearest import quoted, suggestion

AFFIRMATIVE = frozenset({"yes", "true", "positive", "y", "t", "1"})


def positive_level(
    answers: pd.Series[Any], levels: tuple[str, ...], numeric: bool, positive: str | None, target: str
) -> tuple[str, str]:
    if positive is not None:
        name = positive.strip()
        if numeric and name not in levels:
            name = _number_label(name)
        if name not in levels:
            remedy = suggestion(positive, levels, "level")
            raise DataError(
                sentence(
                    f"positive {quoted(positive)}",
                    expected=f"a level of {quoted(target)}",
                    got="no level of this name",
                    remedy=remedy,
                )
            )
        usual = _usual_positive(answers, levels, numeric)  # asked for or not, its reason stays
        return usual if usual[0] == name else (name, f"{quoted(name)} is positive as asked")
    return _usual_positive(answers, levels, numeric)


def _usual_positive(answers: pd.Series[Any], levels: tuple[str, ...], numeric: bool) -> tuple[str, str]:
    if numeric:
        return levels[1], f"{quoted(levels[1])} is positive: the larger"
    saying_yes = [level for level in levels if level.casefold() in AFFIRMATIVE]
    if len(saying_yes) == 1:
        return saying_yes[0], f"{quoted(saying_yes[0])} is positive: it says yes"
    counts = answers.value_counts()
    if counts[levels[0]] < counts[levels[1]]:
        return levels[0], f"{quoted(levels[0])} is positive: the rarer"
    rarer = counts[levels[1]] < counts[levels[0]]
    return levels[
        1
    ], f"{quoted(levels[1])} is positive: {'the rarer' if rarer else 'the later in the alphabet'}"


def _number_label(text: str) -> str:
    try:
        return label_of(float(text))
    except ValueError:
        return text
