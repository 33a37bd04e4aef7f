"""One process that imports once, and a child of its own for every measurement it is asked for.

    python -m benchmarks.performance.measure

Reads questions from standard input, a JSON object a line, and answers each with a line of JSON:

    {"what": "time", "name": ..., "size": ...}                         seconds of every side, in turn
    {"what": "memory", "name": ..., "size": ..., "side": ...}          megabytes

and {"failed": ...} where a child did. Fresh children share no allocation, thread or compiled code with one another.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import torch

from . import contests
from .contest import Contest

#: Every side is run this often before the first round: threads start, libraries choose their code, caches fill.
WARM = 1


def main() -> None:
    """Answer until nobody asks."""
    for line in sys.stdin:
        answer = _in_a_child(json.loads(line))
        print(answer, flush=True)


def _in_a_child(asked: dict[str, Any]) -> str:
    """Nothing has run here yet that a fork could not carry over: no thread, no product of matrices."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "w") as out:
            try:
                out.write(json.dumps(_answer(asked)))
            except BaseException:  # noqa: BLE001
                # Whatever a side raises is its answer.
                out.write(json.dumps({"failed": traceback.format_exc().strip().splitlines()[-1]}))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as came:
        answer = came.read()
    _, status = os.waitpid(child, 0)
    return answer or json.dumps({"failed": f"ended with status {status}"})


def _answer(asked: dict[str, Any]) -> Any:
    torch.manual_seed(0)
    contest = contests.all_of(asked["size"])[asked["name"]]
    if asked["what"] == "time":
        return timed(contest)
    return weighed(contest, asked["side"], contests.tiny_one(asked["size"], asked["name"]))


def timed(contest: Contest) -> dict[str, list[float]]:
    """Seconds of each side, round by round; who begins a round changes from round to round."""
    inputs = contest.make()
    names = [name for name in contest.sides if contest.timed is None or name in contest.timed]
    names = [name for name in names if contests.missing(contest, name) is None]
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for name in names:
        for _ in range(WARM):
            contest.sides[name](inputs)
    gc.disable()
    for turn in range(contest.rounds):
        for step in range(len(names)):
            name = names[(turn + step) % len(names)]
            start = time.perf_counter()
            contest.sides[name](inputs)
            seconds[name].append(time.perf_counter() - start)
            gc.collect()
    return seconds


def weighed(contest: Contest, side: str, tiny: Contest) -> float:
    """MB that a side's first pass at a size takes above its inputs at its peak, gradients included.

    A pass over ``tiny`` inputs goes before: what is imported, compiled and started once belongs to no size.
    """
    tiny.sides[side](tiny.make())
    inputs = contest.make()
    gc.collect()
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    contest.sides[side](inputs)
    return (_resident("VmHWM") - before) / 1024


def _resident(field: str) -> int:
    """A field of /proc/self/status in kB. Linux alone has it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


if __name__ == "__main__":
    main()
