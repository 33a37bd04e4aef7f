"""The list of losses by family: name, task, unit and title, filtered by what is known of each."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from textwrap import wrap
from typing import Any

from lossary.core.errors import OptionError, sentence
from lossary.core.function import LossFunction
from lossary.core.registry import get, names

from .claims import claims_at
from .layout import INDENT, Line

CLAIMS = ("convex", "proper", "calibrated", "symmetric", "smooth", "bounded", "lipschitz")
NARROWEST = 16  # characters of a title beside the other columns


def catalogue(
    *,
    task: str | None = None,
    family: str | None = None,
    unit: str | None = None,
    claim: Sequence[str] = (),
) -> list[LossFunction]:
    """The losses that have all that is asked for, in the order of their families and names.

    Raises:
        OptionError: no loss has such a task, family, unit or claim; the message names the nearest.
    """
    every = sorted((get(name) for name in names()), key=lambda each: (each.loss.family, each.loss.name))
    wanted = [("task", task), ("family", family), ("unit", unit), *(("claim", each) for each in claim)]
    asked = [(name, value) for name, value in wanted if value is not None]
    known = {each.loss.name: _known(each) for each in every}
    for name, value in asked:
        _check(name, value, {one for each in known.values() for one in each[name]} | _always(name))
    return [each for each in every if all(value in known[each.loss.name][name] for name, value in asked)]


def catalogue_lines(losses: Sequence[LossFunction], width: int) -> list[Line]:
    """The list, a block a family: name, task, unit and title, the middle ones as far as there is room."""
    if not losses:
        return [Line(text="No loss has all of that.", wide=True)]
    lines: list[Line] = []
    for family, members in groupby(losses, key=lambda each: each.loss.family):
        listed = list(members)
        lines += [
            *([Line()] if lines else []),
            Line(text=f"{family} · {len(listed)}", heading=True, wide=True),
        ]
        known = [(each.loss.name, str(each.card.task), str(each.loss.unit)) for each in listed]
        columns = [max(map(len, column)) for column in zip(*known, strict=True)]
        while len(columns) > 1 and width - INDENT - sum(columns) - 2 * len(columns) < NARROWEST:
            columns.pop()
        for each, words in zip(listed, known, strict=True):
            start = "".join(f"{word:<{column}}  " for word, column in zip(words, columns, strict=False))
            room = max(NARROWEST, width - INDENT - len(start))
            for number, part in enumerate(wrap(each.card.title, room)):
                lines.append(Line(text=(" " * len(start) if number else start) + part, wide=True))
    return lines


def catalogue_json(losses: Iterable[LossFunction]) -> list[dict[str, Any]]:
    """The list as plain data."""
    return [
        {
            "name": each.loss.name,
            "title": each.card.title,
            "summary": each.card.summary,
            "task": str(each.card.task),
            "family": each.card.family,
            "unit": str(each.loss.unit),
            "claims": sorted(_known(each)["claim"]),
            "aliases": list(each.card.aliases),
        }
        for each in losses
    ]


def _known(function: LossFunction) -> Mapping[str, set[str]]:
    loss = function.loss
    claims = claims_at(loss.facts.claims, loss.defaults)
    held = {name for name in CLAIMS if claims.get(name) not in (None, False)}
    if "lower" in claims and "upper" in claims:
        held.add("bounded")
    return {
        "task": {str(function.card.task)},
        "family": {loss.family},
        "unit": {str(loss.unit)},
        "claim": held,
    }


def _always(name: str) -> set[str]:
    """Claims that no loss may have yet are still no mistakes."""
    return set(CLAIMS) if name == "claim" else set()


def _check(name: str, value: str, known: set[str]) -> None:
    if value in known:
        return
    near = difflib.get_close_matches(value.lower(), known, n=1)
    remedy = f"did you mean {near[0]!r}" if near else "leave the filter out to see all losses"
    raise OptionError(
        sentence(f"--{name}", expected=" or ".join(sorted(known)), got=repr(value), remedy=remedy)
    )
