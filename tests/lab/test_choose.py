"""The rate of a loss is chosen on validation alone, and the grid grows only where the loss is still getting better."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from lossary.lab.training.choose import Trained, best_rate, chosen_rates, still_rising


def one(rate: float, score: float, tie: float = 0.0, *, split: int = 0, seed: int = 0) -> Trained:
    return Trained(f"{rate} {split} {seed}", "mse", split, rate, seed, score, 0.0, tie, 1, (score,), None)


def grid(scores: Mapping[float, list[float]]) -> list[Trained]:
    """One training for every rate and split."""
    return [one(rate, s, split=i) for rate, by_split in scores.items() for i, s in enumerate(by_split)]


def test_seeds_are_averaged_before_a_rate_is_chosen() -> None:
    lucky = [one(0.1, 1.0), one(0.1, 0.0, seed=1)]
    steady = [one(0.01, 0.6), one(0.01, 0.6, seed=1)]
    assert best_rate([*lucky, *steady], greater_is_better=True) == 0.01
    assert best_rate([*lucky, *steady], greater_is_better=False) == 0.1


def test_ties_go_to_the_better_calibrated_rate_and_then_to_the_smaller() -> None:
    assert best_rate([one(0.01, 0.9, 0.5), one(0.1, 0.9, 0.4)], greater_is_better=True) == 0.1
    assert best_rate([one(0.1, 0.9, 0.4), one(0.01, 0.9, 0.4)], greater_is_better=True) == 0.01


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_rate_without_a_score_is_never_chosen(bad: float) -> None:
    for greater in (True, False):
        assert best_rate([one(0.01, 0.1), one(0.1, bad)], greater_is_better=greater) == 0.01


def test_every_split_has_a_rate_of_its_own() -> None:
    trained = grid({0.01: [0.9, 0.1], 0.1: [0.2, 0.8]})
    assert chosen_rates(trained, greater_is_better=True) == {("mse", 0): 0.01, ("mse", 1): 0.1}


def test_a_loss_that_improves_up_to_the_edge_is_still_rising() -> None:
    noise = np.random.default_rng(0).normal(scale=0.01, size=20)
    trained = grid({rate: (level + noise).tolist() for rate, level in ((0.01, 0.5), (0.1, 0.7))})
    assert still_rising(trained, 0.1, greater_is_better=True)
    assert not still_rising(trained, 0.01, greater_is_better=True)


def test_the_best_of_equal_rates_is_not_still_rising() -> None:
    same = [0.9] * 20
    assert not still_rising(grid({0.01: same, 0.1: same}), 0.1, greater_is_better=True)
    noise = np.random.default_rng(0).normal(scale=0.01, size=(2, 20))
    a, b = (0.9 + noise - noise.mean(axis=1, keepdims=True) + [[0.0], [0.001]]).tolist()
    assert not still_rising(grid({0.01: a, 0.1: b}), 0.1, greater_is_better=True)


def test_beside_rates_that_diverge_the_last_good_one_is_still_rising() -> None:
    trained = grid({0.001: [0.5, 0.5], 0.01: [math.nan, math.nan]})
    assert still_rising(trained, 0.001, greater_is_better=False)
