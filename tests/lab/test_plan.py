"""The plan trains every loss on every split, seed and rate, once, in an order frozen beforehand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from lossary.lab import record
from lossary.lab.planning.candidate import Candidate
from lossary.lab.planning.plan import RATES, SLICE, Plan, Settings, Stage, beyond
from lossary.lab.training.networks import Mlp
from lossary.lab.training.trial import Setup

SETTINGS = Settings(
    target="y",
    metric="accuracy",
    reference="hinge",
    rope=0.01,
    positive="1",
    weight=None,
    seed=0,
    splits=20,
    seeds=5,
    epochs=40,
    patience=None,
    batch=32,
    rates=RATES,
    losses=(),
)


def candidate(label: str, expression: str = "") -> Candidate:
    return Candidate(label, expression or label, label, "identity", "mode", "a reason", True, "")


def plan(*losses: Candidate, splits: int = 20) -> Plan:
    chosen = losses or tuple(candidate(f"loss {i}") for i in range(8))
    setup = Setup(Mlp(4, (8,), 1), "accuracy", epochs=5)
    return Plan("digest", "binary", replace(SETTINGS, splits=splits), chosen, setup, (("torch", "2"),))


def test_every_training_of_the_grid_is_planned_exactly_once() -> None:
    made = plan()
    trials = [t for s in made.first_stage().slices for b in s.blocks for t in made.trials(b)]
    cells = Counter((t.loss, t.split, t.seed, t.rate) for t in trials)
    assert len(cells) == len(trials) == made.first_stage().size == 8 * 20 * 5 * 6
    assert len({t.key for t in trials}) == len(trials)


@pytest.mark.parametrize("losses", [1, 2, 5, 7, 8, 11])
def test_no_slice_is_larger_than_what_is_fast(losses: int) -> None:
    made = plan(*(candidate(f"loss {i}") for i in range(losses)))
    assert max(piece.size for piece in made.first_stage().slices) <= SLICE


def test_every_split_of_a_slice_has_the_same_losses() -> None:
    for losses in (1, 2, 3, 8):
        for piece in plan(*(candidate(f"loss {i}") for i in range(losses))).first_stage().slices:
            by_split = {s: tuple(b.label for b in piece.blocks if b.split == s) for s in piece.splits}
            assert len(set(by_split.values())) == 1


def test_a_plan_and_its_stages_survive_the_ledger() -> None:
    made = plan()
    assert record.read(Plan, record.text(made)) == made
    assert record.read(Stage, record.text(made.first_stage())) == made.first_stage()


def test_an_alias_shares_the_trainings_of_the_loss_it_names() -> None:
    made = plan(
        candidate("binary_cross_entropy"), candidate("bce", "binary_cross_entropy"), candidate("hinge")
    )
    assert made.first_stage().size == 2 * 20 * 5 * 6
    assert made.trained_as(made.candidates[1]) == "binary_cross_entropy"


def test_another_seed_shares_no_training() -> None:
    first, second = SETTINGS.training_seeds, replace(SETTINGS, seed=1).training_seeds
    assert len(first) == len(second) == 5
    assert not set(first) & set(second)


def test_a_widened_stage_holds_the_losses_at_an_edge_alone() -> None:
    stage = plan().widened(1, {"loss 3": (0.3, 1.0)})
    blocks = [block for piece in stage.slices for block in piece.blocks]
    assert {block.label for block in blocks} == {"loss 3"}
    assert {block.rates for block in blocks} == {(0.3, 1.0)}
    assert len(blocks) == 20


def test_the_grid_is_carried_on_beyond_its_edges() -> None:
    assert beyond(RATES, 0.1) == (0.3, 1.0)
    assert beyond(RATES, 0.0003) == (3e-05, 0.0001)
    assert beyond((*RATES, 0.3, 1.0), 1.0) == (3.0, 10.0)
    assert beyond((1e-4, 1e-3, 1e-2), 1e-2) == (0.1, 1.0)


def test_a_best_rate_inside_the_grid_widens_nothing() -> None:
    assert beyond(RATES, 0.01) == ()
    assert beyond((0.01,), 0.01) == ()
