"""A budget is a time; what fits into it is chosen by what can be detected, and no clock time is written down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lossary.core.errors import DataError
from lossary.lab.judging.statistics import detectable
from lossary.lab.planning.budget import (
    LEAST_SPLITS,
    TRAININGS,
    Choice,
    Cost,
    chosen,
    duration,
    fitted,
    left_out,
    reach,
)
from lossary.lab.planning.candidate import Candidate
from lossary.lab.planning.plan import RATES, Plan, Settings
from lossary.lab.training.networks import Mlp
from lossary.lab.training.trial import Setup

LABELS = ("hinge", "mse", "focal", "squared_hinge")
ROWS = {"n_test": 114, "n_rest": 455}


def plan(losses: tuple[str, ...] = ()) -> Plan:
    settings = Settings(
        target="y",
        metric="accuracy",
        reference="mse",
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
        losses=losses,
    )
    candidates = tuple(
        Candidate(name, name, name, "identity", "mode", "a reason", True, "") for name in LABELS
    )
    return Plan("digest", "binary", settings, candidates, Setup(Mlp(4, (8,), 1), "accuracy", epochs=40), ())


COST = Cost(dict.fromkeys(LABELS, 0.01), anchors=0.1)
FULL = COST.of(chosen(plan()), 1) / TRAININGS  # what the whole plan needs


def fits(seconds: float, of: Plan | None = None, **more: int) -> Choice:
    return fitted(of or plan(), COST, seconds, **ROWS, **more)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h30m", 5400), (" 1h 2m 3s", 3723), ("0.5m", 30), ("2H", 7200)],
)
def test_a_time_is_read_with_its_units(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "5min", "-5m", "m", "5m1h", "0s", "1e3s", "nans", "five"])
def test_what_is_no_time_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(DataError, match="budget: expected a time such as 90s, 5m or 1h30m, got"):
        duration(text)


def test_what_fits_altogether_is_run_altogether() -> None:
    assert fits(1.01 * FULL) == chosen(plan())
    assert fits(1.01 * FULL / 2, workers=2) == chosen(plan())


@pytest.mark.parametrize("share", [0.9, 0.6, 0.4, 0.3, 0.2, 0.14])
def test_what_is_chosen_fits_and_nothing_else_that_fits_detects_more(share: float) -> None:
    full, found = chosen(plan()), fits(share * FULL)
    assert COST.of(found, 1) <= TRAININGS * share * FULL
    assert found.rates == RATES
    for splits in range(LEAST_SPLITS, 21):
        for seeds in range(2, 6):
            other = replace(found, splits=splits, seeds=seeds)
            if COST.of(other, 1) <= TRAININGS * share * FULL:
                assert reach(found, full, **ROWS) <= reach(other, full, **ROWS)


def test_less_time_never_detects_more() -> None:
    full = chosen(plan())
    reached = [reach(fits(share * FULL), full, **ROWS) for share in (1.01, 0.8, 0.5, 0.3, 0.15)]
    assert reached == sorted(reached)
    assert reached[0] == 1.0


def test_splits_alone_cost_what_the_statistics_say() -> None:
    full = chosen(plan())
    half, whole = (detectable(1.0, splits, 114, 455, level=0.05 / 3) for splits in (10, 20))
    assert reach(replace(full, splits=10), full, **ROWS) == pytest.approx(half / whole)


def test_rates_give_way_after_splits_and_seeds_and_losses_last() -> None:
    thinned = fits(0.09 * FULL)
    assert (thinned.rates, thinned.losses) == (RATES[::2], LABELS)
    fewer = fits(0.07 * FULL)
    assert (fewer.splits, fewer.seeds, fewer.rates) == (6, 2, RATES[::2])
    assert fewer.losses == ("hinge", "mse", "focal")
    assert "mse" in fits(0.05 * FULL).losses  # the reference stays


def test_losses_that_were_asked_for_are_all_compared() -> None:
    with pytest.raises(
        DataError, match=r"budget: expected about .* at least, for 4 losses at 3 rates, got room"
    ):
        fits(0.07 * FULL, plan(LABELS))


def test_too_little_for_anything_is_refused_with_what_it_would_take() -> None:
    with pytest.raises(
        DataError, match=r"expected about \d+ s at least, for 2 losses .* raise it, or name fewer"
    ):
        fits(0.1)


def test_a_sweep_shares_the_budget_with_the_clean_comparison() -> None:
    alone, together = fits(0.5 * FULL), fits(0.5 * FULL, comparisons=3)
    assert together.splits * together.seeds < alone.splits * alone.seeds
    assert COST.of(together, 1, 3) <= TRAININGS * 0.5 * FULL


def test_what_was_left_out_is_said_in_one_sentence() -> None:
    full = chosen(plan())
    smaller = replace(full, splits=9, seeds=4, rates=RATES[::2], losses=LABELS[:3])
    assert left_out(smaller, full, "5m", "1.1 points", "1.4 points") == (
        "the budget of 5m left out 1 of 4 losses (squared_hinge), 11 of 20 splits, 1 of 5 seeds and 3 of 6 rates; "
        "the detectable difference rises from 1.1 points to 1.4 points"
    )
    assert left_out(full, full, "5m", "1 point", "1 point") == "the budget of 5m left nothing out"
