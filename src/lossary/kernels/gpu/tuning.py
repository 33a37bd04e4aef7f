"""Sizes of tiles and numbers of warps, in one place.

They rest on no timing: none of these kernels has run on a GPU yet. What they rest on is what the assembler says of the
code made for compute capability 9.0: with these sizes no kernel spills a register. Results do not depend on them but
for rounding.
"""

from __future__ import annotations

from typing import NamedTuple

#: The longest row that one program holds in registers, so that it is read once for value and slope together, where one
#: number of 32 bits is held for each logit; more or wider numbers shorten it.
WHOLE = 16384
#: What a longer row is read in pieces of, twice: with one number held for each logit, and with more.
PIECE, PIECE_HEAVY = 8192, 4096
#: How many numbers a program takes when its rows are short, and how many a thread takes at least.
PER_PROGRAM, PER_THREAD = 2048, 8
#: Where rows lie side by side, as pixels do: how many of them, and how many classes at a time.
SIDE_BY_SIDE = (64, 32)


class Tile(NamedTuple):
    """How a program is cut: how many rows, how many classes at a time, warps, and whether a row is held whole."""

    rows: int
    classes: int
    warps: int
    whole: bool


def power_of_two(n: int) -> int:
    """The least power of two that is at least ``n``, and at least 16."""
    return 1 << max(n - 1, 15).bit_length()


def for_rows(classes: int, lie_along: bool, held: int) -> Tile:
    """The tile for rows of so many classes.

    Args:
        lie_along: the classes of a row are neighbours in memory.
        held: how many numbers of 32 bits the code holds for each logit.
    """
    width = power_of_two(classes)
    if lie_along:
        whole = width * held <= WHOLE
        width = width if whole else PIECE if held == 1 else PIECE_HEAVY
        rows = max(1, PER_PROGRAM // width)
    else:
        rows, most = SIDE_BY_SIDE
        whole = width <= most
        width = min(width, most)
    return Tile(rows, width, min(max(rows * width // (32 * PER_THREAD), 4), 32), whole)


class Pairs(NamedTuple):
    """How a table of similarities is cut.

    Attributes:
        rows, columns: of a tile.
        features: how many at a time enter a product.
        gradient: how many features of a gradient one program sums; longer vectors take several, and each makes the
            tiles again.
        warps: of a program.
        stages: how many steps of a loop are under way at a time.
    """

    rows: int
    columns: int
    features: int
    gradient: int
    warps: int
    stages: int


def for_pairs(bytes_each: int) -> Pairs:
    """The tile for similarities of vectors of float32 or float64; half precision was widened before."""
    return Pairs(32, 32, 16, 32, 4, 1) if bytes_each == 8 else Pairs(64, 32, 32, 128, 8, 2)


def for_head(width: int) -> int:
    """Rows of a chunk of logits behind a head of so many features.

    Each chunk reads and writes the weight's gradient once, so there are few; and its logits and slopes take about the
    memory that this gradient takes, V·D numbers.
    """
    return max(1024, min(width, 4096))
