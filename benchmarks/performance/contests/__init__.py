"""The contests, one file a family."""

from __future__ import annotations

import importlib.util
import re

from ..contest import Contest
from . import compiled, contrastive, linear, mining, pairs

FAMILIES = {
    "Linear heads": linear,
    "Contrastive": contrastive,
    "Mining": mining,
    "Pairs": pairs,
    "Value and slope in one kernel": compiled,
}


def by_family(size: str) -> dict[str, list[Contest]]:
    """Every contest, by family; the sizes are "whole", "small" (seconds) and "tiny" (for tests)."""
    return {family: module.contests(size) for family, module in FAMILIES.items()}


def all_of(size: str) -> dict[str, Contest]:
    """Every contest by name."""
    return {each.name: each for many in by_family(size).values() for each in many}


def tiny_one(size: str, name: str) -> Contest:
    """The tiny contest of the same kind."""
    wanted = kind(all_of(size)[name])
    return next(each for each in all_of("tiny").values() if kind(each) == wanted)


def kind(contest: Contest) -> tuple[str, ...]:
    """What a contest has whatever its size: its name without numbers, and its sides."""
    return re.sub(r"[\d,]+", "", contest.name), *contest.sides


def missing(contest: Contest, side: str) -> str | None:
    """The package that a side lacks here."""
    package = contest.needs.get(side)
    return package if package is not None and importlib.util.find_spec(package) is None else None
