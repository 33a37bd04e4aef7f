"""What a run tells whoever watches it. The laboratory prints nothing itself."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of the work as it is committed: trainings, or the simple models of a split."""

    def stage(self, title: str, total: int, done: int) -> None:
        """A stage of `total` pieces starts, or goes on with `done` of them in the ledger already."""
        ...

    def advance(self, pieces: int) -> None:
        """So many pieces have just been committed."""
        ...

    def foreseen(self, difference: float) -> None:
        """The first splits are done, and by their spread this difference would probably be found in the end."""
        ...


class Silent:
    """Watches nothing."""

    def stage(self, title: str, total: int, done: int) -> None:
        """Nothing."""

    def advance(self, pieces: int) -> None:
        """Nothing."""

    def foreseen(self, difference: float) -> None:
        """Nothing."""
