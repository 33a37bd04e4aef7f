"""What the contract costs: a call of every loss against its math and a plain mean (CONTRACT 19).

    python benchmarks/overhead.py

Above the loss's public math, as the contract says. Interleaved in one process at about 32 elements; the median of 30
rounds of the difference, in microseconds. Weighted and masked calls are compared with a hand-written silenced mean.
Import times are processor seconds of fresh processes, the two in turn.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

import lossary
from lossary.core.declaration import REQUIRED
from lossary.core.modules import camel
from lossary.core.unit import Unit
from lossary.doctor import draw

ROUNDS, CALLS = 30, 100
LIMIT_US, LIMIT_RATIO, LIMIT_IMPORT, LIMIT_HELP = 10.0, 1.5, 0.15, 0.3


def call_of(name: str) -> tuple[tuple[torch.Tensor, ...], dict[str, Any]]:
    """Inputs of about 32 numbers for a loss, and the settings it cannot do without."""
    function = lossary.get(name)
    samples = {Unit.ELEMENT: (32,), Unit.REGION: (2, 16), Unit.DISTRIBUTION: (2,)}.get(
        function.loss.unit, (8,)
    )
    case = draw.case(function, torch.Generator().manual_seed(0), samples)
    given = tuple(each for each in case.inputs[: len(function.loss.required)] if each is not None)
    return given, {
        each.name: case.hyper[each.name] for each in function.loss.hyper if each.default is REQUIRED
    }


def per_call(function: Callable[[], object]) -> float:
    """Microseconds of this thread's processor time a call: other processes on the machine do not count."""
    gc.disable()  # as timeit does: a collection belongs to no call
    start = time.thread_time()
    for _ in range(CALLS):
        function()
    seconds = time.thread_time() - start
    gc.enable()
    return seconds / CALLS * 1e6


def pair(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Medians of ``one - other`` and of ``one / other`` over interleaved rounds."""
    per_call(one), per_call(other)
    times = [(per_call(one), per_call(other)) for _ in range(ROUNDS)]
    return statistics.median(a - b for a, b in times), statistics.median(a / b for a, b in times)


def overheads() -> Iterator[tuple[str, float, float]]:
    """Microseconds of each loss: function and module above its public math and a mean."""
    for name in lossary.names():
        function, (given, asked) = lossary.get(name), call_of(name)
        module = getattr(lossary.nn, camel(name))(**asked)

        def call(f: Any = function, g: Any = given, h: Any = asked) -> object:
            return f(*g, **h)

        def public(f: Any = function, g: Any = given, h: Any = asked) -> object:
            return f.math(*g, **h).mean()

        by_function, _ = pair(call, public)
        by_module, _ = pair(lambda m=module, g=given: m(*g), public)
        yield name, by_function, by_module


def weighted() -> list[tuple[str, float]]:
    """Ratios of weighted and masked calls to a hand-written silenced mean, which is 0 too where nothing counts."""
    torch.manual_seed(0)
    x, t, w = torch.randn(32), torch.randn(32), torch.rand(32)
    keep = torch.rand(32) > 0.3
    w0 = torch.where(keep, w, 0.0)

    def by_hand_mask() -> torch.Tensor:
        a, b = torch.where(keep, x, 0.0), torch.where(keep, t, 0.0)
        v = torch.where(keep, (a - b).square(), 0.0)
        return v.sum() / keep.sum().clamp(min=1)

    def by_hand_weight() -> torch.Tensor:
        live = w0 != 0
        a, b = torch.where(live, x, 0.0), torch.where(live, t, 0.0)
        v = torch.where(live, (a - b).square() * w0, 0.0)
        count = w0.sum()
        return v.sum() / torch.where(count == 0, 1.0, count)

    return [
        ("mse masked", pair(lambda: lossary.mse(x, t, mask=keep), by_hand_mask)[1]),
        ("mse weighted", pair(lambda: lossary.mse(x, t, weight=w0), by_hand_weight)[1]),
    ]


def process_seconds(*command: str) -> float:
    """Processor seconds of a fresh process."""
    before = os.times()
    subprocess.run(command, check=True, capture_output=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> int:
    """Print every figure; the exit code is 1 when one exceeds its limit."""
    torch.set_num_threads(1)
    late = False
    print(f"{'loss':32} {'function µs':>12} {'module µs':>10}   limit {LIMIT_US:g}")
    for name, by_function, by_module in overheads():
        over = max(by_function, by_module) > LIMIT_US
        late |= over
        mark = "  over" if over else ""
        print(f"{name:32} {by_function:12.1f} {by_module:10.1f}{mark}", flush=True)
    for name, ratio in weighted():
        late |= ratio > LIMIT_RATIO
        print(f"{name:22} {ratio:12.2f} of a hand-written silenced mean, limit {LIMIT_RATIO:g}")
    # Naming a loss imports what a user's first call needs, so the figure is no accident of laziness.
    codes = ("import torch", "import torch, lossary; lossary.mse")
    pairs = [[process_seconds(sys.executable, "-c", code) for code in codes] for _ in range(7)]
    above = statistics.median(with_us - without for without, with_us in pairs)
    helping = statistics.median(
        process_seconds(sys.executable, "-m", "lossary.cli", "--help") for _ in range(5)
    )
    late |= above > LIMIT_IMPORT or helping > LIMIT_HELP
    print(f"import lossary, first loss: {above:+.3f} s above import torch, limit {LIMIT_IMPORT:g}")
    print(f"lossary --help: {helping:.3f} s, limit {LIMIT_HELP:g}")
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
