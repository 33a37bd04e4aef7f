"""Canonical outputs: one form for every kind of answer, whatever loss trained the network."""

from __future__ import annotations

import pytest
import torch

import lossary
from lossary.core.errors import DataError
from lossary.lab.training.random_features import random_features
from lossary.lab.training.readout import reader

RAW = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(0))  # members, rows, outputs
X = torch.randn(6, 3, generator=torch.Generator().manual_seed(1))


def test_most_losses_are_read_as_they_are() -> None:
    assert reader("identity", "focal")(RAW, X) is RAW


def test_a_count_is_read_as_its_mean() -> None:
    torch.testing.assert_close(reader("exp", "poisson_nll")(RAW[..., :1], X), RAW[..., :1].exp())


@pytest.mark.parametrize("expression", ["coral", "corn", "0.5*coral + coral"])
def test_ranks_are_read_as_the_logarithms_of_chances_that_sum_to_one(expression: str) -> None:
    found = reader("classes", expression)(RAW, X)
    assert found.shape == (2, 6, 4)
    torch.testing.assert_close(found.exp().sum(-1), torch.ones(2, 6))
    sure = reader("classes", "coral")(torch.full((1, 1, 3), -1e4), X)
    assert sure.isfinite().all()


def test_thresholds_far_apart_still_read_as_finite_numbers_and_lost_ones_do_not() -> None:
    assert reader("classes", "coral")(torch.full((1, 3), 200.0), X).isfinite().all()
    assert reader("classes", "coral")(torch.full((1, 3), torch.nan), X).isnan().any()


def test_a_distribution_is_read_as_its_mean() -> None:
    torch.testing.assert_close(reader("mean", "gaussian_nll")(RAW[..., :2], X), RAW[..., :1])
    columns = RAW[..., :2]
    expected = lossary.get("negative_binomial_nll").decode(columns, class_dim=-1)
    torch.testing.assert_close(reader("mean", "negative_binomial_nll")(columns, X)[..., 0], expected)


def test_what_cannot_be_rebuilt_is_read_as_its_mean_squared_distance() -> None:
    found = reader("error", "mse")(RAW, X)
    torch.testing.assert_close(found[1, 2, 0], (RAW[1, 2] - X[2]).square().mean())
    pictures = torch.randn(6, 1, 2, 2)
    flat = pictures.flatten(1)
    torch.testing.assert_close(reader("error", "mse")(flat + 2, pictures), torch.full((6, 1), 4.0))


def test_one_side_is_read_as_the_squared_length_of_the_outputs() -> None:
    known = random_features(X)
    torch.testing.assert_close(
        reader("surprise", "mse")(known, X)[..., 0], torch.zeros(len(X), dtype=X.dtype)
    )
    torch.testing.assert_close(
        reader("surprise", "mse")(known + 2, X)[..., 0], torch.full((len(X),), 4.0, dtype=X.dtype)
    )


@pytest.mark.parametrize(
    ("readout", "expression", "message"),
    [
        ("mean", "mse", "readout mean of mse: expected a loss whose outputs stand for a distribution"),
        ("classes", "cross_entropy + coral", "expected parts that read the outputs alike, got cross_entropy"),
        ("halves", "mse", "readout: expected one of .*, got 'halves'; choose one of them"),
    ],
)
def test_a_readout_that_means_nothing_is_refused(readout: str, expression: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        reader(readout, expression)  # type: ignore[arg-type]
