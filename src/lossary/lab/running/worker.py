"""The other end of the `local` executor: a process that reads jobs from standard input and writes answers back.

Run as `python -m lossary.lab.running.worker`. A fresh interpreter rather than a fork (which breaks torch's threads)
or a multiprocessing child (which runs the user's script again): `compare` works from any script and any notebook.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback
from typing import BinaryIO

from lossary.core.errors import LossaryError
from lossary.lab.running.execute import Answer, Failed, Job, answer


def serve(jobs: BinaryIO, answers: BinaryIO) -> None:
    """Answer jobs until the other end closes."""
    while True:
        try:
            job: Job = pickle.load(jobs)
        except EOFError:
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


def main() -> None:
    """Serve on this process's own pipes; whatever a library prints goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    import torch

    torch.set_num_threads(1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
