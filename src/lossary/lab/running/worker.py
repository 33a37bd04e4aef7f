"""The other end of the `local` executor: a process that reads jobs from standard input and writes answers back.

Run as `python -m lossary.lab.running.worker`. A fresh interpreter rather than a fork (which breaks torch's threads)
or a multiprocessing child (which runs the user's script again): `compare` works from any script and any notebook.

A worker whose driver is gone ends too: at the end of its jobs where it waits for one, and within a second where it is
training, so that the driver of a resumed run has the machine to itself.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from typing import BinaryIO

from lossary.core.errors import LossaryError
from lossary.lab.running.execute import Answer, Failed, Job, answer

WATCH = 0.5  # seconds between two looks at whether the driver is there


def serve(jobs: BinaryIO, answers: BinaryIO) -> None:
    """Answer jobs until the other end closes."""
    while True:
        try:
            job: Job = pickle.load(jobs)
        except (EOFError, pickle.UnpicklingError):  # closed, perhaps in the middle of a job
            return
        try:
            reply: Answer | Failed | LossaryError = answer(job)
        except LossaryError as error:
            reply = error
        except Exception:  # noqa: BLE001 — whatever a job raises, the driver must hear of it
            reply = Failed(job.name, traceback.format_exc())
        try:
            pickle.dump(reply, answers, protocol=pickle.HIGHEST_PROTOCOL)
            answers.flush()
        except BrokenPipeError:
            return  # the driver is gone; what it did not commit runs again


def _end_with(driver: int) -> None:
    """End this process, in the middle of a training too, once it is no child of its driver any more."""
    while os.getppid() == driver:
        time.sleep(WATCH)
    os._exit(1)


def main() -> None:
    """Serve on this process's own pipes; whatever a library prints goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    threading.Thread(target=_end_with, args=(int(sys.argv[1]),), daemon=True).start()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    import torch

    torch.set_num_threads(1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
