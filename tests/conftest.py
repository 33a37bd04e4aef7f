"""What holds in every test: one thread a process, the same examples every time, and a seed before each test."""

from __future__ import annotations

import gc
import os
import sys

# Two workers with two threads each are slower than with one, and sums in one thread are always in one order.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Inductor compiles in the test's own process: a pool of others would import torch once more for each worker.
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")

import pytest
import torch
from hypothesis import HealthCheck, settings

torch.set_num_threads(1)

# `house` runs everywhere and is the same everywhere; `--hypothesis-profile=search` looks for what it has missed.
settings.register_profile(
    "house", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "search", parent=settings.get_profile("house"), derandomize=False, max_examples=2_000
)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """A test that draws without a generator of its own still draws the same numbers in any order of tests."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _guards_are_not_timed() -> None:
    """What torch.compile has built is checked, but for its logs torch also measures how long the check takes.

    It empties the processor's caches for that, which costs more than a small loss takes to be traced.
    """
    guards = sys.modules.get("torch._dynamo.guards")
    if guards is not None:
        guards.profile_guard_manager = _no_time  # type: ignore[attr-defined]


def _no_time(*_: object) -> float:
    return 0.0


def pytest_collection_finish() -> None:
    """What is imported stays: the collector need not walk through all of torch each time it looks for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Every promise that a loss is excused from, with the reason its card states, where the promises were tried."""
    passed = terminalreporter.stats.get("passed", [])
    if not any("test_few_promises_are_excused" in each.nodeid for each in passed):
        return
    import lossary

    terminalreporter.section("promises excused")
    for name in lossary.names():
        for promise, reason in lossary.get(name).loss.facts.exempt.items():
            terminalreporter.write_line(f"{name} from {promise}: {reason}")
