"""Class weights as a factor of their own: in what is learned from, and in nothing that is measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lossary.core.errors import DataError
from lossary.lab import compare
from lossary.lab.design import design
from lossary.lab.planning.options import Options
from lossary.lab.running.slice import train_slice
from lossary.lab.training.engines.lesson import lesson
from lossary.lab.training.rows import balance

SMALL: dict[str, Any] = {"splits": 3, "seeds": 1, "epochs": 4, "rates": (0.01, 0.03), "workers": 1}


def frame(rows: int = 300) -> pd.DataFrame:
    """One row in ten is "yes", and the two overlap."""
    rng = np.random.default_rng(0)
    y = np.arange(rows) % 10 == 0
    return pd.DataFrame(
        {
            "a": rng.normal(size=rows) + 1.2 * y,
            "b": rng.normal(size=rows),
            "w": rng.uniform(0.5, 2.0, size=rows),
            "y": np.where(y, "yes", "no"),
        }
    )


def test_every_class_weighs_as_much_as_any_other_and_all_rows_as_many_as_they_are() -> None:
    codes = torch.tensor([0, 0, 0, 2, 2, 5])
    weights = balance(codes)
    torch.testing.assert_close(weights, torch.tensor([2 / 3, 2 / 3, 2 / 3, 1.0, 1.0, 2.0]))
    assert float(weights.sum()) == pytest.approx(len(codes))


def test_they_multiply_the_weights_of_rows_in_the_losses_and_leave_those_of_metrics() -> None:
    asked = Options(target="y", weight="w", class_weight="balanced", **SMALL)
    planned, rows = design(frame(), asked)
    data = rows.data(1)
    assert data.w_train is not None and data.balance is not None
    learned = lesson(data, "answer").weight
    assert learned is not None
    torch.testing.assert_close(learned, data.w_train * data.balance)
    ones = data.y_train == 1
    torch.testing.assert_close(learned[ones].sum(), learned[~ones].sum())
    torch.testing.assert_close(learned.sum(), data.w_train.sum())
    plain, _ = design(frame(), Options(target="y", weight="w", **SMALL))
    assert planned.plan.data != plain.plan.data  # no ledger mixes the two
    (note,) = [each for each in planned.notes if "every class weighs alike" in each]
    assert "0.562 for 'no', 4.53 for 'yes'" in note


@pytest.mark.parametrize("engine", ["stacked", "plain"])
def test_a_training_is_the_one_with_those_weights_and_its_scores_are_without(engine: str) -> None:
    asked = Options(target="y", class_weight="balanced", losses=("binary_cross_entropy",), engine=engine,
                    metric="log_loss", **SMALL)  # fmt: skip
    planned, rows = design(frame(), asked)
    piece, data = planned.plan.first_stage().slices[0], rows.data(0)
    every = {split: rows.data(split) for split in piece.splits}
    found = train_slice(planned.plan, piece, every)
    assert data.balance is not None
    by_hand = {split: replace(each, w_train=each.balance, balance=None) for split, each in every.items()}
    again = train_slice(planned.plan, piece, by_hand)
    for one, other in zip(found.outputs, again.outputs, strict=True):
        np.testing.assert_array_equal(one.test, other.test)
    # The same course, but a score on the training rows that counts every row once.
    assert [each.score for each in found.trained] == [each.score for each in again.trained]
    assert all(one.train != other.train for one, other in zip(found.trained, again.trained, strict=True))


def test_a_rare_class_is_found_more_often() -> None:
    recall = {}
    for how in ("none", "balanced"):
        found = compare(frame(), "y", losses="mse", class_weight=how, **SMALL | {"epochs": 30})
        (others,) = [each for each in found.rows[0].others if each.metric == "recall"]
        recall[how] = others.mean
    # Measured: 0.72 against 0.
    assert recall["balanced"] > recall["none"] + 0.3


def test_numbers_have_no_classes_to_weigh() -> None:
    table = frame().assign(y=np.random.default_rng(1).normal(size=300))
    with pytest.raises(DataError, match="class_weight: expected a target of one class a row"):
        design(table, Options(target="y", class_weight="balanced"))
