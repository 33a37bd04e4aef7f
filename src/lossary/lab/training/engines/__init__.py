"""The engines: two ways to run the same trainings.

`plain` trains one network at a time, as a reader would; `stacked` trains many as one program. Both give a
trial the same initial weights, the same batches in the same order, the same optimiser and the same way to
choose the epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from lossary.core.errors import LossaryError
from lossary.lab.training.engines import plain, stacked
from lossary.lab.training.engines.stacking import stackable
from lossary.lab.training.trial import Outcome, Setup, SplitData, Trial

__all__ = ["ENGINES", "Engine", "engine", "stackable"]


class Engine(Protocol):
    """A module with this function; `data` holds the rows of every split the trials name."""

    def run(
        self,
        trials: Sequence[Trial],
        data: Mapping[int, SplitData],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> list[Outcome]: ...


ENGINES: dict[str, Engine] = {"plain": plain, "stacked": stacked}


def engine(setup: Setup) -> Engine:
    """The engine that `setup.engine` names. Raises LossaryError where there is none of that name."""
    if setup.engine not in ENGINES:
        known = " or ".join(ENGINES)
        raise LossaryError(f"engine: expected {known}, got {setup.engine!r}; choose one of them.")
    return ENGINES[setup.engine]
