"""The list of losses: name, task, unit and title, filtered by what is known of each."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from lossary.core.errors import OptionError, sentence
from lossary.core.function import LossFunction
from lossary.core.registry import get, names
from lossary.report.sheet import Cell, Column, Sheet, Tone, sheet

from .claims import claims_at

CLAIMS = ("convex", "proper", "calibrated", "symmetric", "smooth", "bounded", "lipschitz")


def catalogue(
    *, task: str | None = None, family: str | None = None, unit: str | None = None, claim: str | None = None
) -> list[LossFunction]:
    """The losses that have all that is asked for, in the order of their tasks and names.

    Raises:
        OptionError: no loss has such a task, family, unit or claim; the message names the nearest.
    """
    every = sorted((get(name) for name in names()), key=lambda each: (each.loss.family, each.loss.name))
    wanted = {"task": task, "family": family, "unit": unit, "claim": claim}
    for name, value in wanted.items():
        if value is not None:
            _check(name, value, {one for each in every for one in _known(each)[name]} | _always(name))
    return [
        each
        for each in every
        if all(value is None or value in _known(each)[name] for name, value in wanted.items())
    ]


def catalogue_sheet(losses: Iterable[LossFunction]) -> Sheet:
    """The list as a table."""
    rows: list[list[Cell | str]] = [
        [Cell(each.loss.name, tone=Tone.STRONG), str(each.card.task), str(each.loss.unit), each.card.title]
        for each in losses
    ]
    columns = [Column("loss"), Column("task"), Column("one value per"), Column("title")]
    return sheet("", columns, rows)


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
