"""Which losses are tried, and which of them a metric may judge."""

import numpy as np
import pandas as pd
import pytest

from lossary.core.errors import DataError
from lossary.lab.asking.infer import infer
from lossary.lab.asking.profile import profile
from lossary.lab.data import read
from lossary.lab.metrics import get_metric
from lossary.lab.planning.advise import Setting, candidates, reference_label
from lossary.lab.planning.candidate import Candidate

PAIR = ("quantile(level=0.3)", "quantile(level=0.7)")


def advised(losses: tuple[str, ...], reference: str | None = None) -> tuple[str, tuple[Candidate, ...]]:
    random = np.random.default_rng(0)
    table = read(pd.DataFrame({"x": random.normal(size=200), "y": random.normal(size=200)}), "y")
    task = infer(table)
    setting = Setting(task, get_metric("rmse"), inputs=1)
    found = candidates(profile(table, task), setting, losses, reference)
    return reference_label(found, setting, reference), found


def test_what_the_metric_does_not_reward_stands_apart() -> None:
    reference, found = advised(("mse", "mae", "huber"))
    assert reference == "mse"
    assert {each.label: each.judged for each in found} == {"mse": True, "mae": False, "huber": True}


def test_who_names_a_reference_compares_with_what_estimates_the_same() -> None:
    reference, found = advised((*PAIR, "mse"), reference=PAIR[0])
    assert reference == PAIR[0]
    assert all(each.judged for each in found)


def test_without_a_reference_nothing_is_left_to_judge() -> None:
    with pytest.raises(DataError, match="losses: expected at least one that estimates what RMSE rewards"):
        advised(PAIR)


def test_a_margin_is_not_judged_by_a_metric_of_probabilities_whatever_it_estimates() -> None:
    random = np.random.default_rng(0)
    table = read(pd.DataFrame({"x": random.normal(size=200), "y": random.integers(0, 2, 200)}), "y")
    task = infer(table)
    setting = Setting(task, get_metric("log_loss"), inputs=1)
    found = candidates(profile(table, task), setting, ("bce", "hinge", "squared_hinge", "mse"))
    assert {each.label: each.judged for each in found} == {
        "bce": True, "hinge": False, "squared_hinge": False, "mse on sigmoid": True,
    }  # fmt: skip
    with pytest.raises(DataError, match="reference: expected one of the judged losses bce, mse on sigmoid"):
        reference_label(found, setting, "hinge")
