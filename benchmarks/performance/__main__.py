"""Run every contest and write docs/performance.md with its pictures.

    python -m benchmarks.performance [--small] [--fresh] [--only WORDS]

Figures are kept as they come, in runs/performance: a run that was interrupted goes on where it stopped, and ``--fresh``
measures anew. Small sizes write beside the figures and leave the page alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from . import contests, machine, page
from .contest import Contest

HOME = Path(__file__).parents[2]
#: An allocator that keeps what it was given: no page is asked for, cleared and given back in every call.
KEEPING = {
    "GLIBC_TUNABLES": "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184:glibc.malloc.top_pad=268435456"
}
#: The two ways each contest is timed in.
MALLOC: dict[str, dict[str, str]] = {"default": {}, "kept": KEEPING}


def main() -> int:
    """Measure what is not measured yet; the exit code is 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.performance")
    parser.add_argument(
        "--small", action="store_true", help="small sizes, under two minutes; the page is left alone"
    )
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    parser.add_argument("--only", default="", help="contests whose name holds these words")
    given = parser.parse_args()
    size = "small" if given.small else "whole"
    store = HOME / "runs" / "performance" / f"{size}.json"
    store.parent.mkdir(parents=True, exist_ok=True)
    known: dict[str, Any] = {} if given.fresh or not store.exists() else json.loads(store.read_text())
    if known.get("machine") != machine.describe():
        known = {"machine": machine.describe()}
    start = time.monotonic()
    ways = ("default",) if given.small else tuple(MALLOC)
    askers = {way: Asker(MALLOC[way]) for way in ways}
    for family, many in contests.by_family(size).items():
        for contest in many:
            if given.only.lower() not in contest.name.lower():
                continue
            if contest.name not in known:
                print(f"{time.monotonic() - start:5.0f} s  {contest.name} ...", flush=True)
                known[contest.name] = {"family": family, **_measured(contest, size, askers)}
                store.write_text(json.dumps(known, indent=1))
            print(page.lines(contest, known[contest.name]), flush=True)
    broken = page.broken(contests.all_of(size), known)
    if not given.small and not given.only:
        page.write(HOME / "docs", contests.by_family("whole"), known)
        print(f"docs/performance.md written, {time.monotonic() - start:.0f} s")
    for line in broken:
        print(f"NOT KEPT  {line}")
    return int(bool(broken))


def _measured(contest: Contest, size: str, askers: dict[str, Asker]) -> dict[str, Any]:
    found: dict[str, Any] = {"seconds": {}, "memory": {}}
    about = {"name": contest.name, "size": size}
    if contest.timed != ():
        for way, asker in askers.items():
            found["seconds"][way] = asker.ask({"what": "time", **about})
    for side in contest.weighed if contest.weighed is not None else contest.sides:
        if contests.missing(contest, side) is None:
            found["memory"][side] = askers["default"].ask({"what": "memory", "side": side, **about})
    return found


class Asker:
    """A process that measures what it is asked, see ``measure``, under some settings of the allocator."""

    def __init__(self, settings: dict[str, str]) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.performance.measure"]
        self.process = subprocess.Popen(
            command,
            cwd=HOME,
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: dict[str, Any]) -> Any:
        """The answer; or, where a child failed, what it said last."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps(question), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        return answer["failed"] if isinstance(answer, dict) and "failed" in answer else answer


if __name__ == "__main__":
    sys.exit(main())
