"""What every description of a network refuses, and how it counts in words."""

from __future__ import annotations


def sized(network: object, *sizes: int) -> None:
    """Raise ValueError where a layer would have no unit."""
    if min(sizes) < 1:
        raise ValueError(f"network: expected sizes of at least 1, got {network}; give every layer a unit.")


def shared(dropout: float) -> None:
    """Raise ValueError where the share of dropped units is none."""
    if not 0 <= dropout < 1:
        raise ValueError(
            f"dropout: expected a share of at least 0 and below 1, got {dropout!r}; choose one inside."
        )


def counted(number: int, word: str) -> str:
    """ "1 input", "2 inputs"."""
    return f"{number} {word}" + ("" if number == 1 else "s")


def fixed(network: object, asked: int, outputs: int) -> None:
    """Raise ValueError where a network whose shape decides its outputs is asked for others."""
    if asked != outputs:
        raise ValueError(
            f"network: expected {outputs} outputs, got {asked}; {type(network).__name__} gives one for every pixel."
        )
