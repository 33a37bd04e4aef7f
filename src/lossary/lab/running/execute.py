"""Where jobs run: here, or in a pool of local processes. An answer depends on its job alone, never on where or when."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Protocol

from lossary.core.errors import LossaryError

WORKERS = 2


class WorkerError(LossaryError):
    """A worker process ended, or a job raised what it should not have."""


@dataclass(frozen=True)
class Job:
    """A module-level function and its arguments."""

    name: tuple[str, int]
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Answer:
    """What a job's function returned, and how long it took."""

    name: tuple[str, int]
    value: Any
    seconds: float


@dataclass(frozen=True)
class Failed:
    """A job that raised: the traceback as text, since not every exception can be pickled."""

    name: tuple[str, int]
    error: str


def answer(job: Job) -> Answer:
    """Run a job in this process."""
    start = time.perf_counter()
    value = job.function(*job.arguments)
    return Answer(job.name, value, time.perf_counter() - start)


class Executor(Protocol):
    """Runs jobs and yields their answers in whatever order they come."""

    name: str

    def run(self, jobs: Sequence[Callable[[], Job]]) -> Iterator[Answer]:
        """Each job is made when its turn comes, so that only the data of running jobs is in memory."""
        ...

    def __enter__(self) -> Executor: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Inline:
    """Runs jobs one after the other in this process, on one torch thread like every worker."""

    name = "inline"

    def run(self, jobs: Sequence[Callable[[], Job]]) -> Iterator[Answer]:
        """The answers, in the order of the jobs."""
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            for make in jobs:
                yield answer(make())
        finally:
            torch.set_num_threads(threads)

    def __enter__(self) -> Inline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class Local:
    """A pool of processes, each with one torch thread. Leaving the `with` ends them at once."""

    name = "local"

    def __init__(self, workers: int = WORKERS) -> None:
        self._workers = workers
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Local:
        # One thread a process keeps sums in one order, so that answers do not depend on the machine's load.
        single = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        path = os.pathsep.join(entry for entry in sys.path if entry)
        for _ in range(self._workers):
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, "-P", "-m", "lossary.lab.running.worker", str(os.getpid())],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env={**os.environ, **single, "PYTHONPATH": path},
                    start_new_session=True,  # Ctrl-C reaches the driver alone, which then ends its workers
                )
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    _close(pipe)
        self._processes.clear()

    def run(self, jobs: Sequence[Callable[[], Job]]) -> Iterator[Answer]:
        """Start at once; the answers as they come. Raises WorkerError where a worker dies or a job fails."""
        waiting: queue.SimpleQueue[Callable[[], Job]] = queue.SimpleQueue()
        for make in jobs:
            waiting.put(make)
        answers: queue.SimpleQueue[object] = queue.SimpleQueue()
        for process in self._processes:
            threading.Thread(target=_feed, args=(process, waiting, answers), daemon=True).start()
        return (_answered(answers.get()) for _ in jobs)


def executor_for(workers: int) -> Executor:
    """Processes of their own for two workers and more; one works here."""
    return Inline() if workers == 1 else Local(workers)


def _feed(
    process: subprocess.Popen[bytes],
    waiting: queue.SimpleQueue[Callable[[], Job]],
    answers: queue.SimpleQueue[object],
) -> None:
    """Hand one worker its jobs, one at a time. Runs in a thread, since a pipe blocks while the worker is busy."""
    assert process.stdin is not None and process.stdout is not None
    while True:
        try:
            make = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            job = make()
        except Exception as error:  # noqa: BLE001 — the driver's thread must hear of it, whatever it is
            answers.put(error)
            return
        try:
            pickle.dump(job, process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            answers.put(pickle.load(process.stdout))
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            answers.put(
                WorkerError(
                    f"a worker process ended{_status(process)} (out of memory?); "
                    "run the same command again, and it goes on where it stopped."
                )
            )
            return


def _status(process: subprocess.Popen[bytes]) -> str:
    """How it ended; its pipes may close a moment before it does."""
    try:
        return f" with status {process.wait(timeout=2)}"
    except subprocess.TimeoutExpired:
        return ""


def _answered(value: object) -> Answer:
    if isinstance(value, Answer):
        return value
    if isinstance(value, Exception):
        raise value
    assert isinstance(value, Failed)
    raise WorkerError(
        f"{value.name[0]} failed, which is a defect of Lossary or of your own loss:\n{value.error}"
    )


def _close(pipe: IO[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):  # bytes meant for a worker that is gone
        pipe.close()
