"""A study from its record to its result: fixed, run where the ledger has not done so yet, and kept."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from filelock import FileLock, Timeout

import lossary
from lossary.core.errors import DataError
from lossary.lab import record
from lossary.lab.running.execute import executor_for
from lossary.lab.running.progress import Progress, Silent
from lossary.lab.studies.bench import Bench, write_whole
from lossary.lab.studies.study import Found, Result, Study

RESULT = "result.json"
RUNS = Path("runs")
LIBRARIES = ("torch", "numpy", "scikit-learn")

Recipe = Callable[[Bench], Found]


def folder_for(study: Study, quick: bool, runs: Path = RUNS) -> Path:
    """runs/study-<name>-<digest>: the same study finds its folder again, a changed one gets another."""
    return runs / f"study-{study.name}-{study.digest(quick)[:10]}"


def finished(study: Study, quick: bool, folder: Path) -> Result | None:
    """The result that the folder holds of this very study, if it has come to its end there."""
    try:
        text = (folder / RESULT).read_text("utf-8")
    except OSError:
        return None
    try:
        found = record.read(Result, text)
    except (record.RecordError, ValueError):
        return None  # half a file, or another version's: run again
    return found if found.digest == study.digest(quick) else None


def conduct(
    study: Study,
    recipe: Recipe,
    folder: Path,
    *,
    quick: bool = False,
    workers: int = 2,
    progress: Progress | None = None,
) -> Result:
    """The study's result, run or read. Raises LossaryError: DataError where the folder cannot be written to or is
    another run's, MissingExtraError where a data set's package is not installed.
    """
    held = finished(study, quick, folder)
    if held is not None:
        return held
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".study.lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise DataError(
            f"{folder}: another run is writing to this folder; wait for it, or name another folder with --out."
        ) from None
    except OSError as error:
        raise DataError(
            f"{folder}: expected a folder to write to, got {(error.strerror or 'an error').lower()}; "
            "name another one with --out."
        ) from None
    with lock, executor_for(workers) as executor:
        bench = Bench(folder, study.chosen(quick), executor, workers, progress or Silent())
        found = recipe(bench)
        result = Result(study, quick, study.digest(quick), found, _versions())
        write_whole(folder / RESULT, record.text(result, indent=1) + "\n")
    return result


def _versions() -> dict[str, str]:
    found = {"lossary": lossary.__version__}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # pragma: no cover — the lab extra has them all
            found[name] = "not installed"
    return found
