"""Killed with SIGKILL: between two commits, in the middle of one, while the disk is full, with workers at work.

One process imports everything and forks those that are killed, so that the tests cost one import of torch.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lossary.lab.running.store import Store

Run = Callable[[str, Path], list[str]]

# `forked` is the status of a process that runs `child` and is killed after so many seconds.
SERVE = """
import contextlib, json, os, random, resource, signal, sys, time
from pathlib import Path
import numpy as np
import pandas as pd
import torch
torch.set_num_threads(1)
from lossary.lab import compare
from lossary.lab.running.execute import Job, Local
from lossary.lab.running.store import Outputs, Store

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

for line in sys.stdin:
    code, place = json.loads(line)
    place = Path(place)
    exec(code, globals())
    print("END", flush=True)
"""


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs code in the process that forks, and returns the lines it prints."""
    path = os.pathsep.join(filter(None, sys.path))
    served = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SERVE],
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )

    def ask(code: str, place: Path) -> list[str]:
        assert served.stdin is not None
        assert served.stdout is not None
        served.stdin.write(json.dumps([code, str(place)]) + "\n")
        served.stdin.flush()
        lines: list[str] = []
        for line in served.stdout:
            if line == "END\n":
                return lines
            lines.append(line.rstrip("\n"))
        raise AssertionError("the process that forks has ended: see what it wrote to standard error")

    with served:
        yield ask


COMPARE = """
frame = pd.read_csv(place / "rows.csv")

def compared(name):
    options = dict(losses="hinge, mse", splits=4, seeds=2, epochs=8, rates=(0.003, 0.01, 0.03), workers=1)
    found = compare(frame, "y", noise=(0.2,), out=place / name, **options)
    (place / name / "results.json").write_text(found.to_json())

compared("whole")  # what is imported on first use is so for all that are forked
start = time.perf_counter()
compared("again")
whole = time.perf_counter() - start
moments = random.Random(1)
for _ in range(5):
    print(forked(compared, "killed", after=moments.uniform(0.02, 0.6 * whole)))
assert forked(compared, "killed") == 0
"""


def test_killed_at_five_random_moments_it_goes_on_and_writes_the_same_bytes(run: Run, tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(160, 3))
    labels = np.where(x[:, 0] - x[:, 1] + 0.5 * numbers.normal(size=160) > 0, "a", "b")
    pd.DataFrame(x, columns=["a", "b", "c"]).assign(y=labels).to_csv(tmp_path / "rows.csv", index=False)
    ends = run(COMPARE, tmp_path)
    assert set(ends) <= {"0", str(-signal.SIGKILL)}
    assert ends.count(str(-signal.SIGKILL)) >= 2  # one that was faster than its moment had nothing left to do
    whole, killed = (tmp_path / name / "results.json" for name in ("whole", "killed"))
    assert killed.read_bytes() == whole.read_bytes()
    assert json.loads(killed.read_text())["robustness"]


WRITE = """
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
    run: Run, tmp_path: Path
) -> None:
    steps = [1, 60, 120, 180, 240]
    killing = f"for steps in {steps}:\n    assert forked(killed, str(steps), steps) == -signal.SIGKILL\n"
    [sentence] = run(WRITE + killing + "assert forked(filled, 'full') == 2\n", tmp_path)
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
def driven(folder):
    with Store(folder), Local(1) as pool:
        jobs = [Job(("end", 0), os.getpid, ()), Job(("end", 1), time.sleep, (120,))]
        answers = pool.run([lambda job=job: job for job in jobs])
        os.write(given, str(next(answers).value).encode())
        next(answers)

# There and at work: one that has ended may wait to be asked for its status.
def alive(process):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False

taken, given = os.pipe()
driver = os.fork()
if driver == 0:
    try:
        driven(place)
    finally:
        os._exit(2)
worker = int(os.read(taken, 20))
print(alive(worker))
try:
    Store(place)
except Exception as error:
    print(error)
os.kill(driver, signal.SIGKILL)
os.waitpid(driver, 0)
Store(place).close()
for _ in range(100):
    if not alive(worker):
        break
    time.sleep(0.1)
print(alive(worker), (place / ".lock").exists())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
def test_a_folder_is_refused_while_another_process_works_in_it_and_its_worker_ends_with_it(
    run: Run, tmp_path: Path
) -> None:
    before, sentence, after = run(HOLD, tmp_path)
    assert before == "True"
    assert sentence == (
        f"{tmp_path}: another run is writing to this folder; wait for it, or name another folder with --out."
    )
    # The worker was in the middle of a job of two minutes; whether the lock left its file behind means nothing.
    assert after.startswith("False")
