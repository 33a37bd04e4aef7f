"""Examining a loss: run the promises, collect what is broken."""

from __future__ import annotations

import time
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from ..core.backends import attached, check
from ..core.function import LossFunction
from .catalogue import PROMISES
from .impostor import disguise
from .promise import Broken, Promise
from .subject import Subject


@dataclass(frozen=True)
class Finding:
    """One promise that a loss does not keep.

    Attributes:
        promise: its name.
        chapter: its paragraph in the contract.
        says: what was promised.
        found: what came instead.
        reproducer: one line of Python that shows it, where there is one.
    """

    promise: str
    chapter: int
    says: str
    found: str
    reproducer: str


@dataclass(frozen=True)
class Examination:
    """What examining a loss found.

    Attributes:
        loss: its name.
        seed: what its inputs were drawn from; the same seed finds the same.
        kept: promises that were tried and not refuted.
        findings: promises that were.
        absent: promises about something the loss does not have.
        exempt: promises it is excused from, with the reason its card states.
        seconds: how long each promise took.
        attempts: how often each claim was tried to be refuted.
    """

    loss: str
    seed: int
    kept: tuple[str, ...]
    findings: tuple[Finding, ...]
    absent: tuple[str, ...]
    exempt: tuple[tuple[str, str], ...]
    seconds: tuple[tuple[str, float], ...] = ()
    attempts: tuple[tuple[str, int], ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing was refuted."""
        return not self.findings


def examine(
    function: LossFunction,
    promises: Iterable[str] | None = None,
    *,
    seed: int = 0,
    slow: bool = True,
    backend: str = "auto",
) -> Examination:
    """Examine one loss, ours or yours.

    Args:
        promises: names of promises; all by default.
        seed: of every draw.
        slow: whether to try the promises that compile and export, which takes seconds.
        backend: what computes every call that does not name one: a kernel keeps what its loss keeps, but for what it
            is excused from.

    Raises:
        KeyError: there is no such promise. BackendError: the loss has no such backend.
    """
    loss = function.loss
    excused = dict(loss.facts.exempt)
    if backend != "auto":
        check(loss, backend)
        for kernel in attached(loss):
            excused |= kernel.exempt if kernel.backend == backend else {}
        function = disguise(
            function, lambda real, inputs, options: real(*inputs, **{"backend": backend, **options})
        )
    chosen = [PROMISES[name] for name in promises] if promises is not None else list(PROMISES.values())
    kept: list[str] = []
    absent: list[str] = []
    exempt: list[tuple[str, str]] = []
    findings: list[Finding] = []
    seconds: list[tuple[str, float]] = []
    tally: Counter[str] = Counter()
    for promise in chosen:
        if promise.slow and not slow:
            continue
        if promise.name in excused:
            exempt.append((promise.name, excused[promise.name]))
            continue
        if not promise.applies(loss):
            absent.append(promise.name)
            continue
        start = time.process_time()
        finding = attempt(promise, function, seed, tally)
        seconds.append((promise.name, time.process_time() - start))
        if finding is None:
            kept.append(promise.name)
        else:
            findings.append(finding)
    return Examination(
        loss.name,
        seed,
        tuple(kept),
        tuple(findings),
        tuple(absent),
        tuple(exempt),
        tuple(seconds),
        tuple(tally.items()),
    )


def attempt(
    promise: Promise, function: LossFunction, seed: int = 0, tally: Counter[str] | None = None
) -> Finding | None:
    """Try to refute one promise; None where it holds."""
    generator = torch.Generator().manual_seed(zlib.crc32(f"{seed} {promise.name}".encode()))
    try:
        promise.check(Subject(function, generator, Counter() if tally is None else tally))
    except Broken as broken:
        return Finding(promise.name, promise.chapter, promise.says, broken.says, broken.reproducer)
    except Exception as error:  # noqa: BLE001
        # A loss under examination may fail in any way; what it raises is the finding.
        text = str(error).strip().split("\n")[0]
        return Finding(promise.name, promise.chapter, promise.says, f"{type(error).__name__}: {text}", "")
    return None
