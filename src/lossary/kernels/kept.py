"""A batch without the samples that a mask leaves out, and what was found of the others back at their places."""

from __future__ import annotations

from torch import Tensor


def kept(keep: Tensor | None, *inputs: Tensor) -> tuple[Tensor | None, tuple[Tensor, ...]]:
    """Where the samples that take part stand, and these alone; None: all of them take part."""
    if keep is None:
        return None, inputs
    (place,) = keep.nonzero(as_tuple=True)
    return place, tuple(each.index_select(0, place) for each in inputs)


def put_back(found: Tensor, place: Tensor | None, keep: Tensor | None) -> Tensor:
    """One number a sample, at the places of those that ``kept`` left; 0 elsewhere."""
    if place is None or keep is None:
        return found
    return found.new_zeros(len(keep)).index_put((place,), found)
