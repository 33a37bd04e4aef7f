"""Names in error sentences: quoted, short, and the nearest one suggested."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST = 60  # characters of a name that a sentence still carries
LISTED = 8  # names that a sentence still lists


def quoted(name: object) -> str:
    """A name as one quoted word, control characters escaped and the middle of a very long one left out."""
    text = str(name)
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}...{text[-LONGEST // 4 :]}"
    return repr(text)


def listed(names: Iterable[object]) -> str:
    """The first names of a list, quoted, with the number of those left out."""
    every = list(names)
    text = ", ".join(quoted(name) for name in every[:LISTED])
    return f"{text} and {len(every) - LISTED} more" if len(every) > LISTED else text


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that looks most like `name`, upper and lower case alike, or None if none comes near."""
    folded: dict[str, str] = {}
    for candidate in candidates:
        folded.setdefault(candidate.casefold(), candidate)
    close = get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def suggestion(name: str, candidates: Iterable[str], kind: str) -> str:
    """The remedy of a wrong name: the nearest one if any comes near, else the list of what there is."""
    every = list(candidates)
    near = nearest(name, every)
    return f"the nearest {kind} is {quoted(near)}" if near is not None else f"choose from {listed(every)}"
