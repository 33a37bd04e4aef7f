"""What `make bench` prints can be trusted: equal work on all sides, ratios round by round, broken claims said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.performance import contests, figures, page
from benchmarks.performance.contest import Claim, Contest

TINY = contests.all_of("tiny")
#: Sides with other options or without gradients, and those whose compilation alone takes seconds.
APART = ("three products", "lossary, all options", "torch.compile of eager", "lossary, compile")


@pytest.mark.parametrize("name", TINY)
def test_the_sides_of_a_contest_have_the_same_gradients(name: str) -> None:
    contest = TINY[name]
    torch.manual_seed(0)
    inputs = contest.make()
    leaves = [each for each in inputs.values() if isinstance(each, torch.Tensor) and each.requires_grad]
    sides = [side for side in contest.sides if side not in APART and contests.missing(contest, side) is None]
    found = []
    for side in sides:
        contest.sides[side](inputs)
        found.append([each.grad.clone() for each in leaves if each.grad is not None])
    assert sides and all(len(each) == len(leaves) for each in found)
    half = leaves[0].dtype is torch.bfloat16
    for each in found[1:]:
        for ours, theirs in zip(each, found[0], strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0.05 if half else 1e-3, atol=1e-2 if half else 1e-5)


def test_the_sizes_differ_in_nothing_but_size() -> None:
    def kinds(size: str) -> set[tuple[str, ...]]:
        return {contests.kind(each) for each in contests.all_of(size).values()}

    assert kinds("tiny") == kinds("whole") >= kinds("small") != set()


@pytest.mark.parametrize("size", ["small", "whole"])
def test_every_contest_has_a_tiny_one_with_its_sides(size: str) -> None:
    for name, each in contests.all_of(size).items():
        assert contests.tiny_one(size, name).sides.keys() == each.sides.keys()


def _found() -> dict[str, object]:
    seconds = {"floor": [1.0, 2.0, 1.0], "ours": [1.5, 2.0, 3.0]}
    return {
        "family": "f",
        "seconds": {"default": seconds, "kept": seconds},
        "memory": {"floor": 100.0, "ours": 20.0},
    }


def test_a_ratio_is_taken_round_by_round() -> None:
    assert figures.ratio(_found(), "default", "ours", "floor") == figures.Ratio(1.0, 1.5, 3.0)


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        (Claim("time", "ours", "floor", 1.5), True),
        (Claim("time", "ours", "floor", 1.4), False),
        (Claim("memory", "ours", "floor", 0.2), True),
        (Claim("memory", "ours", None, 19.0), False),
    ],
)
def test_a_claim_that_is_not_kept_is_said(claim: Claim, holds: bool) -> None:
    contest = Contest("one", dict, {"floor": lambda _: None, "ours": lambda _: None}, (claim,))
    said = page.broken({"one": contest}, {"one": _found()})
    assert bool(said) is not holds


def test_a_claim_that_was_not_measured_is_not_kept() -> None:
    contest = Contest("one", dict, {"floor": lambda _: None}, (Claim("time", "gone", "floor", 1.0),))
    assert page.broken({"one": contest}, {"one": _found()}) == [
        "one: gone: time at most 1 of floor: not measured"
    ]
