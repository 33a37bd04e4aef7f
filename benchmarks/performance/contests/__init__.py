"""The contests, one file a family."""

from __future__ import annotations

import importlib.util

from ..contest import Contest
from . import compiled, contrastive, linear, mining

FAMILIES = {
    "Linear heads": linear,
    "Contrastive": contrastive,
    "Mining": mining,
    "Value and slope in one kernel": compiled,
}


def by_family(size: str) -> dict[str, list[Contest]]:
    """Every contest, by family; the sizes are "whole", "small" (seconds) and "tiny" (for tests)."""
    return {family: module.contests(size) for family, module in FAMILIES.items()}


def all_of(size: str) -> dict[str, Contest]:
    """Every contest by name."""
    return {each.name: each for many in by_family(size).values() for each in many}


def tiny_one(size: str, name: str) -> Contest:
    """The tiny contest that stands where the one of that size and name stands."""
    place = list(all_of(size)).index(name)
    return list(all_of("tiny").values())[place]


def missing(contest: Contest, side: str) -> str | None:
    """The package that a side lacks here."""
    package = contest.needs.get(side)
    return package if package is not None and importlib.util.find_spec(package) is None else None
