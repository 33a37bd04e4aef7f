"""The audit of other libraries: its page says what running finds, and its lines show what they say."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from audit.peer import Peer, find, with_names  # noqa: E402
from audit.questions import QUESTIONS, reason_left_out  # noqa: E402
from audit.run import FAILED, KEPT, NOT_OFFERED, Answer, ask, fails  # noqa: E402

from lossary.doctor import PROMISES  # noqa: E402

#: Compiling takes seconds, and another of torch's losses compiles no less than these.
CHEAP = [each for each in QUESTIONS if each.name != "compiles_whole"]
SHOWN = ("torch.nn.functional.soft_margin_loss", "torch.nn.functional.mse_loss")


@cache
def asked(name: str) -> tuple[Answer, ...]:
    """Every cheap question, put to one of torch's losses."""
    library = find("torch")
    peer = next(each for each in library.peers() if each.name == name)
    return tuple(ask(library, peer, question) for question in CHEAP)


def failures_on_page(name: str) -> dict[str, str]:
    """What the committed page says that a loss of torch does not keep, with the line that shows it."""
    text = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    section = text.partition("\n### torch ")[2].partition("\n### ")[0]
    block = section.partition(f"\n`{name}`, our ")[2].partition("\n`torch.")[0]
    return dict(re.findall(r"- \*\*(\w+)\*\*: .*\n  [`(](.*)[`)]", block))


@pytest.mark.parametrize("name", SHOWN)
def test_the_page_says_what_running_finds(name: str) -> None:
    found = {each.question: each.reproducer for each in asked(name) if each.status == FAILED}
    said = {
        question: line for question, line in failures_on_page(name).items() if question != "compiles_whole"
    }
    assert said == found, "run make audit"


def test_a_loss_that_fails_is_shown_by_lines_that_fail() -> None:
    failed = [each for each in asked(SHOWN[0]) if each.status == FAILED]
    assert failed
    assert all(each.shown and fails(find("torch"), each.reproducer) for each in failed)


def test_a_line_that_finds_nothing_wrong_does_not_fail() -> None:
    assert not fails(find("torch"), "got = F.mse_loss(torch.zeros(3), torch.zeros(3)); assert got == 0, got")


def test_the_same_questions_find_nothing_in_a_loss_that_keeps_them() -> None:
    assert {each.status for each in asked(SHOWN[1])} <= {KEPT, NOT_OFFERED}


def test_ours_is_asked_in_the_same_words() -> None:
    library = find("lossary")
    peer = Peer(
        "lossary.mse",
        "mse",
        "lossary.mse(prediction, target, reduction=reduction)",
        weighted="lossary.mse(prediction, target, reduction=reduction, weight=weight)",
    )
    answers = [ask(library, peer, question) for question in CHEAP]
    assert {each.status for each in answers} <= {KEPT, NOT_OFFERED}, [
        a for a in answers if a.status == FAILED
    ]


@pytest.mark.parametrize(
    ("call", "question"),
    [
        ("F.mse_loss(prediction, target, reduction=reduction) * 1.0001", "values_are_exact"),
        ("F.mse_loss(prediction, target.detach(), reduction=reduction)", "gradients_are_exact"),
        ("F.mse_loss(prediction.nan_to_num(), target, reduction=reduction)", "nan_in_what_counts_passes_through"),
        ("F.mse_loss(prediction.float(), target.float(), reduction=reduction)", "float64_stays_float64"),
        ("((prediction - target) ** 2).sum() if reduction == 'sum' else "
         "((prediction - target) ** 2).mean() if reduction == 'mean' else (prediction - target) ** 2",
         "nothing_broadcasts"),
    ],
)  # fmt: skip
def test_a_broken_peer_is_found_out(call: str, question: str) -> None:
    chosen = next(each for each in QUESTIONS if each.name == question)
    assert ask(find("torch"), Peer("broken", "mse", call), chosen).status == FAILED


def test_what_is_documented_or_not_offered_is_no_failure() -> None:
    library, question = find("torch"), next(each for each in QUESTIONS if each.name == "values_are_exact")
    call = "F.mse_loss(prediction, target, reduction=reduction) * 2"
    declared = Peer("declared", "mse", call, documented={"values_are_exact": "twice the square"})
    lacking = Peer("lacking", "mse", call, lacks=frozenset({"values_are_exact"}))
    assert ask(library, declared, question).status == "documented"
    assert ask(library, lacking, question).status == NOT_OFFERED


def test_every_promise_of_the_doctor_is_asked_or_left_out_with_a_reason() -> None:
    names = {each.name for each in QUESTIONS}
    assert all(name in names or reason_left_out(name) for name in PROMISES)


def test_an_adapter_leaves_names_that_it_binds_itself_alone() -> None:
    assert with_names("f(lambda a: a + b, a)", {"b": "1"}) == "f(lambda a: a + 1, a)"


def test_torch_is_left_as_it_was() -> None:
    asked(SHOWN[0])
    assert not torch.are_deterministic_algorithms_enabled()
