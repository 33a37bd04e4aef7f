"""The pieces of a formula put side by side on one line of a terminal.

Products are joined by a point, as in 2yⱼ·log pⱼ; a number stands right before what it belongs to, a function before its
brackets; fractions are written with a slash, and in brackets what would fall apart there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto


class Is(Enum):
    """What a piece of a formula is to its neighbours."""

    ATOM = auto()  # a letter, or what is read as one
    NUMBER = auto()
    RATIO = auto()
    FUNCTION = auto()
    OVER = auto()  # a sum or an integral, which all that follows belongs to
    OPEN = auto()
    CLOSE = auto()
    SIGN = auto()  # + or −
    RELATION = auto()
    SLASH = auto()
    POINT = auto()
    COMMA = auto()
    WORDS = auto()
    SLICE = auto()  # the d of an integral


@dataclass(frozen=True)
class Piece:
    """One of them.

    Attributes:
        text: as it is shown, index and exponent included.
        kind: what it is to its neighbours.
        spaced: whether the author left a space before it.
    """

    text: str
    kind: Is
    spaced: bool = False


_LOWERED = str.maketrans("0123456789aehijklmnoprstuvx+−=", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ₊₋₌")
_LOW = re.compile(r"[0-9aehijklmnoprstuvx≠≤≥=+−]+")
_FACTORS = (Is.ATOM, Is.NUMBER, Is.RATIO, Is.FUNCTION, Is.CLOSE)
_BREAKS = (Is.SIGN, Is.RELATION, Is.COMMA, Is.WORDS, Is.SLICE)


def index(inside: Sequence[Piece]) -> str:
    """An index in small letters, or in braces where it is more than letters: ``dᵢⱼ``, ``max_{j: tⱼ = 0}``."""
    letters = all(each.kind in (Is.ATOM, Is.NUMBER) for each in inside)
    shown = "".join(each.text for each in inside) if letters else joined(inside)
    close = shown.replace(" ", "")
    low, star = close.removesuffix("^*"), "*" if close.endswith("^*") else ""
    if _LOW.fullmatch(low):
        return low.translate(_LOWERED) + star
    return f"_{shown}" if shown.isalnum() else f"_{{{shown}}}"


def above(pieces: Sequence[Piece]) -> str:
    """What stands over a slash: in brackets where it is a sum of any kind."""
    shown = joined(pieces)
    sums = any(each.kind is Is.OVER for each in pieces) or _loose(pieces, (Is.SIGN, Is.RELATION, Is.COMMA))
    return f"({shown})" if sums else shown


def held(pieces: Sequence[Piece]) -> str:
    """What must hold together as one: in brackets unless it is a single letter, number, bracket or function."""
    shown = joined(pieces)
    ratio = len(pieces) == 1 and pieces[0].kind is Is.RATIO
    called = len(pieces) > 1 and pieces[0].kind in (Is.FUNCTION, Is.ATOM) and not pieces[1].spaced
    change = len(pieces) == 2 and pieces[0].text in ("∇", "∂")
    whole = len(pieces) == 1 or change or _end(pieces, int(called)) == len(pieces)
    return shown if whole and not ratio else f"({shown})"


def _loose(pieces: Sequence[Piece], kinds: Sequence[Is]) -> bool:
    """Whether a sign stands outside all brackets; a minus in front of the whole does not count."""
    depth = 0
    for number, each in enumerate(pieces):
        depth += (each.kind is Is.OPEN) - (each.kind is Is.CLOSE)
        if depth == 0 and each.kind in kinds and number > 0:
            return True
    return False


def _end(pieces: Sequence[Piece], start: int) -> int:
    """The place after the bracket that opens at ``start``; ``start`` itself where none does."""
    if start >= len(pieces) or pieces[start].kind is not Is.OPEN:
        return start
    depth = 0
    for number in range(start, len(pieces)):
        depth += (pieces[number].kind is Is.OPEN) - (pieces[number].kind is Is.CLOSE)
        if depth == 0:
            return number + 1
    return len(pieces)


def joined(given: Sequence[Piece]) -> str:
    """The pieces as a line of text."""
    pieces = _applied(given)
    shown = pieces[0].text if pieces else ""
    for number in range(1, len(pieces)):
        before = pieces[number - 2] if number > 1 else None
        shown += _between(before, pieces[number - 1], pieces[number]) + pieces[number].text
    return shown.strip()


def _applied(pieces: Sequence[Piece]) -> list[Piece]:
    """Functions that stand without brackets with what they apply to: ``log pⱼ``, ``log(Σₖ pₖ·Tₖⱼ)``."""
    made: list[Piece] = []
    place = 0
    while place < len(pieces):
        piece = pieces[place]
        place += 1
        if piece.kind is not Is.FUNCTION or place == len(pieces) or pieces[place].kind is Is.OPEN:
            made.append(piece)
            continue
        end = place
        while end < len(pieces) and pieces[end].kind not in (*_BREAKS, Is.CLOSE):
            end = max(_end(pieces, end), end + 1)
        argument = joined(pieces[place:end])
        called = (
            end - place > 1 and pieces[place].kind is Is.ATOM and _end(pieces, place + 1) == end > place + 1
        )
        bare = called or (
            end - place == 1 and pieces[place].kind in (Is.ATOM, Is.NUMBER) and argument[0] != "√"
        )
        if bare or piece.text.startswith(("max", "min")):
            made.append(replace(piece, text=f"{piece.text} {argument}", kind=Is.ATOM))
        elif argument:
            made.append(replace(piece, text=f"{piece.text}({argument})", kind=Is.ATOM))
        else:
            made.append(piece)
        place = end
    return made


def _between(before: Piece | None, left: Piece, right: Piece) -> str:
    """What stands between two pieces."""
    if right.kind in (Is.COMMA, Is.CLOSE) or left.kind is Is.OPEN or right.text[0] in "',;":
        return ""
    if left.kind is Is.SLASH:
        return ""
    if left.kind in (Is.COMMA, Is.WORDS, Is.RELATION) or right.kind in (
        Is.WORDS,
        Is.RELATION,
        Is.SLICE,
    ):
        return " "
    if left.kind is Is.SIGN:
        alone = before is None or before.kind not in _FACTORS
        return "" if alone else " "
    if right.kind is Is.SIGN:
        return " " if left.kind in _FACTORS else ""
    if left.kind is Is.OVER:
        return " "
    if {left.kind, right.kind} & {Is.SLASH, Is.POINT} or left.kind is Is.SLICE or left.text in ("∇", "∂"):
        return ""
    return _times(left, right)


def _times(left: Piece, right: Piece) -> str:
    """Between two factors: nothing in 2x, 2(x − t) and f(x); a point else."""
    if left.kind is Is.FUNCTION and right.kind is Is.OPEN:
        return ""
    if left.kind is Is.NUMBER:
        letter = right.kind is Is.ATOM and re.match(r"[A-Za-z]{2}", right.text) is None
        sticks = letter or right.kind in (Is.OPEN, Is.OVER)
        return "" if sticks and right.text[0] not in "0123456789[" else "·"
    if right.text == "(" and left.kind is Is.ATOM and not right.spaced and not left.text.endswith(")"):
        return ""
    return "·"
