"""Which losses are tried, and which of them a metric may judge."""

import numpy as np
import pandas as pd
import pytest

from lossary.core.errors import DataError
from lossary.lab.asking.profile import profile
from lossary.lab.asking.task import infer
from lossary.lab.data import read
from lossary.lab.metrics import get_metric
from lossary.lab.planning.advise import candidates, reference_label
from lossary.lab.planning.candidate import Candidate
from lossary.lab.planning.known import known

PAIR = ("quantile(level=0.3)", "quantile(level=0.7)")


def advised(losses: tuple[str, ...], reference: str | None = None) -> tuple[str, tuple[Candidate, ...]]:
    random = np.random.default_rng(0)
    table = read(pd.DataFrame({"x": random.normal(size=200), "y": random.normal(size=200)}), "y")
    task, metric = infer(table), get_metric("rmse")
    found = candidates(profile(table, task), task, metric, losses, reference)
    return reference_label(found, task, metric, reference), found


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


@pytest.mark.parametrize("name", ["gaussian_nll", "poisson_nll", "msle", "distillation", "r_drop"])
def test_a_loss_of_other_outputs_is_refused_with_the_layer_it_needs(name: str) -> None:
    with pytest.raises(DataError, match=rf"got '{name}', which takes .*lossary\.{name}\.card\.head"):
        known(name)


@pytest.mark.parametrize(
    "name", ["cauchy", "barron(alpha=-2)", "sparsemax", "generalized_cross_entropy", "poly1"]
)
def test_losses_of_one_number_or_one_per_class_are_known(name: str) -> None:
    assert known(name).expression
