"""One child process: times all sides of a contest in turn, or weighs one side's memory; prints JSON.

python -m benchmarks.performance.measure time NAME [--size small] [--rounds 7]
python -m benchmarks.performance.measure memory NAME SIDE [--size small]
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from pathlib import Path

import torch

from . import contests
from .contest import Contest

#: Every side is run this often before the first round: threads start, libraries choose their code, caches fill.
WARM = 2


def main() -> None:
    """Read the question, print the answer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("time", "memory"))
    parser.add_argument("name")
    parser.add_argument("side", nargs="?")
    parser.add_argument("--size", default="whole")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    torch.manual_seed(0)
    contest = contests.all_of(given.size)[given.name]
    if given.what == "time":
        print(json.dumps(timed(contest, given.rounds)))
    else:
        print(json.dumps(weighed(contest, given.side)))


def timed(contest: Contest, rounds: int) -> dict[str, list[float]]:
    """Seconds of each side, round by round; who begins a round changes from round to round."""
    inputs = contest.make()
    names = [name for name in contest.sides if contest.timed is None or name in contest.timed]
    names = [name for name in names if contests.missing(contest, name) is None]
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for name in names:
        for _ in range(WARM):
            contest.sides[name](inputs)
    gc.disable()
    for turn in range(rounds):
        for step in range(len(names)):
            name = names[(turn + step) % len(names)]
            start = time.perf_counter()
            contest.sides[name](inputs)
            seconds[name].append(time.perf_counter() - start)
            gc.collect()
    return seconds


def weighed(contest: Contest, side: str) -> float:
    """MB that a side's first pass takes above its inputs at its peak, gradients included."""
    inputs = contest.make()
    # What a first product of matrices and a first backward pass leave behind for good belongs to no side.
    a = torch.randn(256, 256, requires_grad=True)
    (a @ a).exp().sum().backward()
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
