"""What the contract costs: a call of every loss against its math and a plain mean (CONTRACT 19).

    python benchmarks/overhead.py

Above the loss's public math, as the contract says, and, harder, above its bare block on inputs made ready beforehand.
Interleaved in one process at 32 elements; the median of 30 rounds of the difference, in microseconds. Weighted and
masked calls are compared with a hand-written silenced mean. Import times are processor seconds of fresh processes,
the two in turn.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch

import lossary
from lossary.core.modules import camel

ROUNDS, CALLS = 30, 100
LIMIT_US, LIMIT_RATIO, LIMIT_IMPORT, LIMIT_HELP = 10.0, 1.5, 0.15, 0.3


def inputs(name: str) -> tuple[torch.Tensor, ...]:
    """32 numbers for the loss called ``name``."""
    torch.manual_seed(0)
    real, binary = torch.randn(32), torch.randint(0, 2, (32,)).float()
    rows, index = torch.randn(8, 4), torch.randint(0, 4, (8,))
    special = {
        "cross_entropy": (rows, index),
        "categorical_focal": (rows, index),
        "kl": (rows, torch.rand(8, 4).softmax(1)),
        "dice": (torch.randn(2, 4, 4), torch.randint(0, 4, (2, 4))),
        "binary_dice": (torch.randn(2, 16), torch.randint(0, 2, (2, 16)).float()),
        "triplet": (torch.randn(8, 4), torch.randn(8, 4), torch.randn(8, 4)),
        "triplet_batch_hard": (rows, torch.arange(8) // 2),
        "wasserstein_1d": (torch.randn(2, 16), torch.randn(2, 16)),
    }
    if name in special:
        return special[name]
    return (real, binary) if lossary.get(name).card.task == "binary" else (real, torch.randn(32))


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


def overheads() -> list[tuple[str, float, float, float]]:
    """Microseconds of each loss: function and module above its public math and a mean, function above its block's."""
    found = []
    for name in lossary.names():
        function, module, given = lossary.get(name), getattr(lossary.nn, camel(name))(), inputs(name)

        def public(f: object = function, g: tuple[torch.Tensor, ...] = given) -> object:
            return f.math(*g).mean()  # type: ignore[attr-defined]

        by_function, _ = pair(lambda f=function, g=given: f(*g), public)
        by_module, _ = pair(lambda m=module, g=given: m(*g), public)
        above_block, _ = pair(lambda f=function, g=given: f(*g), bare_math(name, given))
        found.append((name, by_function, by_module, above_block))
    return found


def bare_math(name: str, given: tuple[torch.Tensor, ...]) -> Callable[[], object]:
    """The canonical inputs and the block of a loss with a plain mean: what the contract's cost is measured against."""
    from lossary.core import canonical
    from lossary.core.kinds import Form

    loss = lossary.get(name).loss
    hyper, block = dict(loss.defaults), loss.block
    forms = [each.kind.form for each in loss.required]

    def logits(x: torch.Tensor) -> object:
        return (
            canonical.bernoulli(x, "logits") if forms[0] is Form.LOGIT else canonical.log_row(x, "logits", 1)
        )

    def run() -> object:
        ready: list[object] = list(given)
        if forms[0] in (Form.LOGIT, Form.LOGITS):
            ready[0] = logits(given[0])
        if forms[1] is Form.DISTRIBUTION:
            ready[1] = canonical.log_row(given[1], "probabilities", 1)
        if name == "dice":
            ready[1] = canonical.soften(given[1], 4, torch.float32)
        values = block(*ready, **hyper)
        return (values[0] if isinstance(values, tuple) else values).mean()

    return run


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
    print(
        f"{'loss':22} {'function µs':>12} {'module µs':>10} {'above block':>12}   limit {LIMIT_US:g} for the first two"
    )
    for name, by_function, by_module, above_block in overheads():
        over = max(by_function, by_module) > LIMIT_US
        late |= over
        mark = "  over" if over else ""
        print(f"{name:22} {by_function:12.1f} {by_module:10.1f} {above_block:12.1f}{mark}")
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
