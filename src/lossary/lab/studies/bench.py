"""Where a study works: its folder, its settings, and pieces of work that are kept as soon as they are done."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lossary.lab import record
from lossary.lab.comparison import Comparison
from lossary.lab.running.execute import Executor, Job
from lossary.lab.running.progress import Progress
from lossary.lab.studies.study import Setting


class Bench:
    """Hands a recipe its settings, comparisons and trainings, and does nothing twice that an earlier run has done."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Setting],
        executor: Executor,
        workers: int,
        progress: Progress,
    ) -> None:
        self.folder, self.settings = folder, settings
        self._executor, self._workers, self._progress = executor, workers, progress

    def whole(self, name: str) -> int:
        """A setting that counts something."""
        value = self.settings[name]
        assert isinstance(value, int)
        return value

    def number(self, name: str) -> float:
        """A setting that measures something."""
        value = self.settings[name]
        assert isinstance(value, (int, float))
        return float(value)

    def list(self, name: str) -> tuple[float, ...]:
        """A setting of several numbers."""
        value = self.settings[name]
        assert isinstance(value, tuple)
        return value

    def compare(self, name: str, data: object, target: str | None = None, **options: Any) -> Comparison:
        """`lossary.lab.compare`, its ledger in a folder of this name within the study's."""
        from lossary.lab.conduct import compare

        return compare(
            data, target, out=self.folder / name, workers=self._workers, progress=self._progress, **options
        )

    def run(
        self, title: str, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]
    ) -> tuple[Any, ...]:
        """What `function` returns for the arguments of each task, as JSON reads it back, in the order of the tasks.

        The function is one of a module's, since workers import it, and an answer depends on its task alone.
        """
        kept = self.folder / "steps"
        kept.mkdir(parents=True, exist_ok=True)
        places = [kept / f"{title.replace(' ', '-')}-{index}.json" for index in range(len(tasks))]
        waiting = [index for index, place in enumerate(places) if not place.exists()]
        self._progress.stage(title, len(tasks), len(tasks) - len(waiting))

        def job(index: int) -> Callable[[], Job]:
            return lambda: Job((title, index), function, tasks[index])

        for answer in self._executor.run([job(index) for index in waiting]):
            write_whole(places[answer.name[1]], record.text(answer.value))
            self._progress.advance(1)
        return tuple(json.loads(place.read_text("utf-8")) for place in places)


def write_whole(path: Path, text: str) -> None:
    """The file is there whole or not at all. Raises OSError."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, "utf-8")
    os.replace(beside, path)
