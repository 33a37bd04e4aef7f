"""How a long command ends that did not finish: each way in one sentence, with its exit code.

Exit codes: 1 a defect, 2 a mistake in the data or the options, or a disk that refuses, 130 an interruption.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

# What a disk says that is full, over its quota, gone or read-only; any other OSError is a defect.
DISK = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EFBIG,
    errno.ENAMETOOLONG,
)
INTERRUPTED = 130  # 128 + SIGINT, as a shell says it


@contextmanager
def ending(errors: Console, *, folder: str, kept: str) -> Iterator[None]:
    """Say what went wrong and exit. `folder` is what is written to, `kept` what is finished and stays: "slice"."""
    import sqlite3

    from lossary.core.errors import LossaryError

    try:
        yield
    except LossaryError as error:
        from lossary.lab.running.execute import WorkerError

        errors.print(f"Error: {error}", markup=False)
        raise typer.Exit(1 if isinstance(error, WorkerError) else 2) from None
    except KeyboardInterrupt:
        errors.print(
            f"Interrupted. Every finished {kept} is kept: run the same command again, and it goes on from there."
        )
        raise typer.Exit(INTERRUPTED) from None
    except (OSError, sqlite3.OperationalError) as error:
        if isinstance(error, OSError) and error.errno not in DISK:
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        errors.print(
            f"Error: {folder}: expected a disk that can be written to, got {reason}; make room, then run the same "
            f"command again: it goes on from its last finished {kept}.",
            markup=False,
        )
        raise typer.Exit(2) from None
