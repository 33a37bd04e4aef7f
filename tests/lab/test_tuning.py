"""An equal budget of settings for every loss: which settings, how they are chosen, and what the second table says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lossary
from lossary.lab import Comparison, compare
from lossary.lab.design import design
from lossary.lab.judging.tuned import Picked
from lossary.lab.planning.options import Options
from lossary.lab.planning.tuning import BUDGET, RATES_BETWEEN, Tuning, between, steps
from lossary.lab.running.store import Store

SMALL: dict[str, Any] = {"splits": 3, "seeds": 1, "epochs": 3, "rates": (0.003, 0.03), "workers": 1}


def frame(rows: int = 150, numbers: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 2))
    signal = x[:, 0] + 0.5 * rng.normal(size=rows)
    return pd.DataFrame(x, columns=["a", "b"]).assign(y=signal if numbers else (signal > 0).astype(int))


def planned(losses: str, numbers: bool = False) -> Tuning:
    asked = Options(target="y", losses=(losses,), tune_losses=True, **SMALL)
    found = design(frame(numbers=numbers), asked)[0].tuning
    assert found is not None
    return found


def said(tuning: Tuning, label: str) -> list[str]:
    return [each.says for each in tuning.family(label).members]


def test_every_loss_is_trained_as_often_as_any_other() -> None:
    tuning = planned("binary_cross_entropy, focal, focal(gamma=1), hinge, 0.5*focal + hinge, mse")
    trainings = {
        family.label: sum(len(each.candidate.rates or SMALL["rates"]) for each in family.members)
        for family in tuning.families
    }
    assert set(trainings.values()) == {(BUDGET - 1) * len(SMALL["rates"])}
    assert said(tuning, "focal") == ["gamma=4.0", "alpha=0.25", "gamma=1.0"]
    assert said(tuning, "hinge") == said(tuning, "0.5*focal + hinge") == [RATES_BETWEEN]
    assert tuning.family("mse on sigmoid").members[0].candidate.link == "sigmoid"


def test_what_was_asked_for_stays_as_it_was_asked_for() -> None:
    members = planned("binary_cross_entropy, focal(gamma=1)").family("focal(gamma=1)").members
    assert all("gamma=1.0" in each.candidate.expression for each in members)
    assert [each.says for each in members] == ["alpha=0.25", "alpha=0.7", RATES_BETWEEN]


def test_no_setting_changes_what_a_loss_estimates() -> None:
    tuning = planned("mse, quantile, barron, huber", numbers=True)
    # Another level is another quantile, and barron's alpha leads from the mean to the mode.
    assert said(tuning, "quantile") == [RATES_BETWEEN]
    assert all(each.startswith("scale") for each in said(tuning, "barron"))
    assert said(tuning, "huber") == ["delta=2.0", "delta=0.5", "delta=4.0"]


def test_steps_stay_in_their_domain() -> None:
    for name in lossary.names():
        for each in lossary.get(name).loss.hyper:
            found = list(steps(each))
            assert each.default not in found and len(found) == len(set(map(repr, found)))
            assert all(each.domain.holds(value) for value in found)


@pytest.mark.parametrize("rates", [(0.01,), (0.001, 0.01), (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_rates_in_between_are_new_and_as_many_as_asked_for(rates: tuple[float, ...], times: int) -> None:
    found = between(rates, times)
    assert len({*found, *rates}) == (times + 1) * len(rates)
    assert list(found) == sorted(found) and min(rates) / 3.2 < found[0] and found[-1] < 3.2 * max(rates)


def test_setting_and_rate_are_those_that_are_best_on_validation(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"losses": "binary_cross_entropy, focal, bce", **SMALL}
    found = compare(frame(), "y", tune_losses=True, out=tmp_path, **asked)
    table = found.tuned
    assert table is not None and table.budget == BUDGET
    with Store(tmp_path) as first, Store(tmp_path / "tuned") as second:
        own = [each for each in first.trained() if each.label == "focal"]
        others = [each for each in second.trained() if each.label.startswith("focal: ")]
    picked = []
    for split in range(SMALL["splits"]):
        here = [each for each in (*own, *others) if each.split == split]
        best = max(each.score for each in here)
        least = min(each.tie for each in here if each.score == best)
        picked.append(next(each for each in here if (each.score, each.tie) == (best, least)))
    row = table.row("focal")
    assert {each.says: each.splits for each in row.picked} == _counted(
        "as asked for" if each.label == "focal" else each.label.removeprefix("focal: ") for each in picked
    )
    assert row.rate == sorted(each.rate for each in picked)[1]
    assert row.gain.mean == pytest.approx(row.score.mean - found.row("focal").score.mean)
    # An alias shares the trainings, and the first table is what it is without the second.
    assert table.row("bce").by_split == table.row("binary_cross_entropy").by_split
    assert compare(frame(), "y", **asked).rows == found.rows
    # The same call again reads everything off the two ledgers.
    again = compare(frame(), "y", tune_losses=True, out=tmp_path, **asked)
    assert again.to_json() == found.to_json() == Comparison.from_json(found.to_json()).to_json()
    assert "With 4 settings a loss, chosen on validation" in str(found)


def _counted(names: Any) -> dict[str, int]:
    listed = list(names)
    return {each: listed.count(each) for each in listed}


def test_a_picked_setting_says_whether_it_is_the_losss_own() -> None:
    found = compare(frame(), "y", tune_losses=True, losses="binary_cross_entropy, hinge", **SMALL)
    assert found.tuned is not None
    for row in found.tuned.rows:
        assert sum(each.splits for each in row.picked) == SMALL["splits"]
        assert all(each.own == (each.says == "as asked for") for each in row.picked)
        assert isinstance(row.picked[0], Picked)
    assert compare(frame(), "y", losses="binary_cross_entropy, hinge", **SMALL).tuned is None
