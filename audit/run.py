"""Asking every question of every loss of the libraries that are installed."""

from __future__ import annotations

import contextlib
import io
import math
import multiprocessing
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from lossary.doctor.promise import Broken

from .guest import guest
from .peer import Library, Peer, find, scope
from .questions import QUESTIONS, Question
from .reproduce import line

#: In the order of the columns of the page.
LIBRARIES = (
    "lossary", "torch", "keras", "optax", "monai", "segmentation_models_pytorch", "kornia", "timm",
    "pytorch_metric_learning",
)  # fmt: skip
#: What runs in one process, so that two take about as long. Those that need a trick to be imported come last.
GROUPS = (
    ("lossary", "torch", "kornia", "keras"),
    ("optax", "monai", "pytorch_metric_learning", "segmentation_models_pytorch", "timm"),
)
KEPT, FAILED, DOCUMENTED, NOT_OFFERED = "kept", "failed", "documented", "not offered"
SEED = 0


@dataclass(frozen=True)
class Answer:
    """What came of one question to one loss.

    Attributes:
        reproducer: a line that fails while the finding stands; `shown` says that it was run and did.
    """

    library: str
    peer: str
    ours: str
    question: str
    status: str
    found: str = ""
    reproducer: str = ""
    shown: bool = False


def ask(library: Library, peer: Peer, question: Question, seed: int = SEED) -> Answer:
    """Put one question to one loss."""

    def said(status: str, found: str = "", reproducer: str = "", shown: bool = False) -> Answer:
        return Answer(library.name, peer.name, peer.ours, question.name, status, found, reproducer, shown)

    left_out = question.name in peer.lacks or (peer.only and question.name not in peer.only)
    if left_out or not question.asked(library, peer):
        return said(NOT_OFFERED)
    generator = torch.Generator().manual_seed(zlib.crc32(f"{seed} {question.name}".encode()))
    # What computes in float32 whatever it is given is told so once, and judged in float32 else.
    narrow = peer.single and question.name != "float64_stays_float64"
    one = guest(library, peer, generator, question.reduction, narrow)
    try:
        with quiet():
            question.check(one)
        return said(KEPT)
    except Broken as broken:
        found = broken.says
    except Exception as error:  # noqa: BLE001  a loss may fail in any way; what it raises is the finding
        found = f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')[:200]}"
    if question.name in peer.documented:
        return said(DOCUMENTED, peer.documented[question.name])
    reproducer = line(library, peer, question.name, found, one.memory, question.reduction)
    return said(FAILED, found, reproducer, bool(reproducer) and fails(library, reproducer))


def fails(library: Library, reproducer: str) -> bool:
    """Whether a reproducer, executed, raises."""
    names = {**scope(library.name), "torch": torch, "math": math}
    if library.kind == "jax":
        names["jax"].config.update("jax_enable_x64", False)
    try:
        with quiet():
            exec(reproducer, names)
    except Exception:  # noqa: BLE001  whatever it raises is what it shows
        return True
    finally:
        torch.use_deterministic_algorithms(False)
    return False


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings and logs of the libraries."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def everything() -> list[Answer]:
    """All answers of all libraries, in the order of the columns, with a process for each of two cores."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = {
            name: answers
            for group in pool.map(_group, GROUPS, chunksize=1)
            for name, answers in group.items()
        }
    return [answer for name in LIBRARIES for answer in found[name]]


def _group(names: tuple[str, ...]) -> dict[str, list[Answer]]:
    return {name: audit(name) for name in names}


def audit(name: str) -> list[Answer]:
    """All answers of one library; none where it is not installed."""
    torch.set_num_threads(1)
    library = find(name)
    if not library.version:
        return []
    with quiet():
        scope(name)
    return [ask(library, peer, question) for peer in library.peers() for question in QUESTIONS]
