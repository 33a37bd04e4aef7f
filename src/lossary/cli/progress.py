"""Progress bars on standard error: what is done, and how long the rest will take."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class Bars:
    """A bar a stage. Without a terminal, or not enabled, nothing is drawn.

    `words` says a difference that the first splits foresee; enabled, it is printed without a terminal too.
    """

    def __init__(
        self, console: Console, *, enabled: bool, words: Callable[[float], str] | None = None
    ) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not enabled or not console.is_terminal,
        )
        self._now: TaskID | None = None
        self._words = words if enabled else None

    def __enter__(self) -> Bars:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def stage(self, title: str, total: int, done: int) -> None:
        """Start the next bar."""
        self._now = self._bars.add_task(title, total=total, completed=done)

    def advance(self, pieces: int) -> None:
        """Move it."""
        if self._now is not None:
            self._bars.advance(self._now, pieces)

    def foreseen(self, difference: float) -> None:
        """Say it above the bars."""
        if self._words is not None:
            self._bars.console.print(self._words(difference), soft_wrap=True)
