"""From seconds and megabytes to ratios, and to what is said of them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .contest import Claim, Contest

Found = Mapping[str, Any]


@dataclass(frozen=True)
class Ratio:
    """A side's time beside another's, round by round."""

    least: float
    median: float
    most: float

    def __str__(self) -> str:
        return f"{_digits(self.median)} ({_digits(self.least)} to {_digits(self.most)})"


def reference(contest: Contest) -> str:
    """The side that the others are beside: the first."""
    return next(iter(contest.sides))


def ratio(found: Found, way: str, side: str, against: str) -> Ratio | None:
    """Times of ``side`` over those of ``against`` in the same rounds; None where either was not timed."""
    seconds = found["seconds"].get(way)
    if not isinstance(seconds, dict) or side not in seconds or against not in seconds:
        return None
    each = [a / b for a, b in zip(seconds[side], seconds[against], strict=True)]
    return Ratio(min(each), statistics.median(each), max(each))


def memory(found: Found, side: str) -> float | None:
    """Megabytes above the inputs; None where they were not weighed."""
    weighed = found["memory"].get(side)
    return weighed if isinstance(weighed, (int, float)) else None


def failures(found: Found) -> list[str]:
    """What children said that failed."""
    said = [each for each in (*found["seconds"].values(), *found["memory"].values()) if isinstance(each, str)]
    return sorted(set(said))


def value(claim: Claim, found: Found, way: str) -> float | None:
    """What a claim is about, as measured."""
    if claim.what == "time":
        assert claim.against is not None
        beside = ratio(found, way, claim.side, claim.against)
        return None if beside is None else beside.median
    own = memory(found, claim.side)
    other = 1.0 if claim.against is None else memory(found, claim.against)
    return None if own is None or not other else own / other


def verdict(claim: Claim, found: Found) -> tuple[str, bool | None]:
    """A claim in words with what was measured, and whether it holds; None: not measured."""
    limit = f"{claim.at_most:g}"
    if claim.what == "memory":
        got = value(claim, found, "default")
        words = (
            f"{claim.side}: memory at most {limit} MB"
            if claim.against is None
            else f"{claim.side}: memory at most {limit} of {claim.against}"
        )
        return (
            f"{words}: {'not measured' if got is None else _digits(got)}",
            None if got is None else got <= claim.at_most,
        )
    both = {way: value(claim, found, way) for way in found["seconds"]}
    known = {way: got for way, got in both.items() if got is not None}
    words = f"{claim.side}: time at most {limit} of {claim.against}"
    if not known:
        return f"{words}: not measured", None
    over = {way: ", which is more," if got > claim.at_most else "" for way, got in known.items()}
    said = ", ".join(f"{got:.3f}{over[way]} with {MALLOC[way]}" for way, got in known.items())
    return f"{words}: {said}", known.get("default", next(iter(known.values()))) <= claim.at_most


#: How the two allocators are called.
MALLOC = {"default": "malloc as it is", "kept": "malloc that keeps its pages"}


def _digits(number: float) -> str:
    """Two digits after the point, more where there is not much before it."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.2f}" if number >= 0.1 else f"{number:.3f}"


def megabytes(number: float | None) -> str:
    """A weight in words."""
    return "" if number is None else f"{number:,.0f} MB" if number >= 10 else f"{number:.1f} MB"
