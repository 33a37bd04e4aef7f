"""Killed with SIGKILL: between two commits, in the middle of one, while the disk is full, with workers at work.

One process imports everything and then forks those that are killed, so that a test costs one import of torch.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lossary.core.errors import DataError
from lossary.lab.running.store import Store

ROOT = Path(__file__).parents[2]

#: Forks `child(*arguments)`, kills it after so many seconds, and returns its status.
FORK = """
import os, signal, sys, time
from pathlib import Path

def forked(child, *arguments, after=None):
    started = os.fork()
    if started == 0:
        try:
            child(*arguments)
            os._exit(0)
        except BaseException as error:
            print(error, flush=True)
            os._exit(2)
    if after is not None:
        time.sleep(after)
        os.kill(started, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(started, 0)[1])
"""


def run(code: str, *words: str) -> list[str]:
    """The lines that a fresh interpreter prints."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    done = subprocess.run(
        [sys.executable, "-c", FORK + code, *words],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


COMPARE = """
import random
import torch
torch.set_num_threads(1)
from lossary.lab import compare
from lossary.lab.running.store import Store
import pandas as pd
place, seed = Path(sys.argv[1]), sys.argv[2]
frame = pd.read_csv(place / "rows.csv")

def compared(name):
    options = dict(losses="hinge, mse", splits=6, seeds=3, epochs=8, rates=(0.003, 0.01, 0.03), workers=1)
    found = compare(frame, "y", noise=(0.2,), out=place / name, **options)
    (place / name / "results.json").write_text(found.to_json())

compared("warm")
start = time.perf_counter()
assert forked(compared, "whole") == 0
whole = time.perf_counter() - start
moments = random.Random(seed)
for _ in range(5):
    print(forked(compared, "killed", after=moments.uniform(0.02, 0.6 * whole)))
assert forked(compared, "killed") == 0
"""


def test_killed_at_five_random_moments_it_goes_on_and_writes_the_same_bytes(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(160, 3))
    labels = np.where(x[:, 0] - x[:, 1] + 0.5 * numbers.normal(size=160) > 0, "a", "b")
    pd.DataFrame(x, columns=["a", "b", "c"]).assign(y=labels).to_csv(tmp_path / "rows.csv", index=False)
    ends = run(COMPARE, str(tmp_path), "1")
    assert set(ends) <= {"0", str(-signal.SIGKILL)}
    assert ends.count(str(-signal.SIGKILL)) >= 2  # one that was faster than its moment had nothing left to do
    whole, killed = (tmp_path / name / "results.json" for name in ("whole", "killed"))
    assert killed.read_bytes() == whole.read_bytes()
    assert "robustness" in killed.read_text()


WRITE = """
import resource
import numpy as np
from dataclasses import replace
from lossary.lab.running.store import Outputs, Store
place = Path(sys.argv[1])

def outputs(split, rows):
    return Outputs("hinge", split, 0.1, np.ones((2, 9, 1), "f4"), np.full((2, rows, 1), 0.5, "f4"))

def begun(name):
    store = Store(place / name)
    store.commit(0, 0, [], [outputs(0, 9)], 1.5)
    return store

def killed(name, steps):
    store = begun(name)
    store._db.execute("PRAGMA cache_size = 1")  # pages go to the file long before the commit

    def step():
        nonlocal steps
        steps -= 1
        if steps < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    store._db.set_progress_handler(step, 1)
    store.commit(0, 1, [], [outputs(split, 20_000) for split in range(1, 9)], 1.5)

def filled(name):
    store = begun(name)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))  # what a disk can be made to refuse in a test
    store.commit(0, 1, [], [outputs(1, 200_000)], 1.5)
"""


def test_killed_or_refused_in_the_middle_of_a_write_the_ledger_holds_what_was_committed(
    tmp_path: Path,
) -> None:
    steps = [1, 60, 120, 180, 240]
    killing = f"for steps in {steps}:\n    assert forked(killed, str(steps), steps) == -signal.SIGKILL\n"
    [sentence] = run(WRITE + killing + "assert forked(filled, 'full') == 2\n", str(tmp_path))
    assert sentence.startswith(f"{tmp_path / 'full'}: expected a disk that can be written to, got ")
    assert sentence.endswith("run the same command again: it goes on from its last finished slice.")
    torn = 0
    for each in [*map(str, steps), "full"]:
        folder = tmp_path / each
        journal = folder / "ledger.sqlite-journal"
        # A journal and a file that has grown beyond a slice: pages of the transaction are in it already.
        torn += journal.exists() and (folder / "ledger.sqlite").stat().st_size > 150_000
        with Store(folder) as store:
            assert store.done(0) == {0}
            np.testing.assert_array_equal(store.outputs("hinge", 0, 0.1, seeds=2).test, np.float32(0.5))
    assert torn >= 2


HOLD = """
import os, sys, time
from pathlib import Path
from lossary.lab.running.execute import Job, Local
from lossary.lab.running.store import Store
with Store(Path(sys.argv[1])), Local(1) as pool:
    answers = pool.run([lambda: Job(("end", 0), os.getpid, ()), lambda: Job(("end", 1), time.sleep, (120,))])
    print(next(answers).value, flush=True)
    next(answers)
"""


def alive(process: int) -> bool:
    """Whether a process is there and at work (one that ended may wait for its parent)."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
def test_a_folder_is_refused_while_another_process_works_in_it_and_its_worker_ends_with_it(
    tmp_path: Path,
) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    ) as driver:
        assert driver.stdout is not None
        worker = int(driver.stdout.readline())
        assert alive(worker)
        with pytest.raises(DataError, match="another run is writing to this folder; wait for it"):
            Store(tmp_path)
        driver.kill()
        driver.wait()
    Store(tmp_path).close()  # the lock went with the process, though its file is still there
    for _ in range(50):
        if not alive(worker):
            break
        time.sleep(0.1)
    assert not alive(worker)  # though it was in the middle of a job of two minutes
