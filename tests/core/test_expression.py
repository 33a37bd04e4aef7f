"""Losses written as text."""

import pytest
import torch

import lossary
from lossary.core.errors import DomainError, ExpressionError, LossaryError, UnknownLossError

X, T = torch.tensor([0.5, -2.0, 3.0]), torch.tensor([0.0, 1.0, 1.0])


def test_a_sum_of_losses_is_their_weighted_sum() -> None:
    loss = lossary.parse("0.5*mse + huber(delta=2)*2 + mae")
    by_hand = 0.5 * lossary.mse(X, T) + 2 * lossary.huber(X, T, delta=2) + lossary.mae(X, T)
    torch.testing.assert_close(loss(X, T), by_hand)


def test_an_expression_prints_as_one_that_means_the_same() -> None:
    assert repr(lossary.parse("0.5*mse + huber(delta=2)")) == "0.5 * Mse() + Huber(delta=2)"


def test_a_factor_goes_into_a_bracket() -> None:
    torch.testing.assert_close(
        lossary.parse("2*(mse + mae)")(X, T), 2 * lossary.mse(X, T) + 2 * lossary.mae(X, T)
    )


@pytest.mark.parametrize(
    "text",
    ["", "mse +", "__import__('os')", "mse.math", "mse[0]", "mse(1)", "mse(**x)", "mse - mae", "'a'*mse", "True*mse",
     "huber(delta=print())", "mse(nonsense=1)", "huber(delta=lambda: 1)", "mse; mae", "a\x00b", "(" * 300, "2", None,
     "+".join(["mse"] * 5000)],
)  # fmt: skip
def test_what_is_no_expression_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(LossaryError) as caught:
        lossary.parse(text)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, (ExpressionError, UnknownLossError))


def test_a_hyper_parameter_outside_its_domain_is_refused_when_it_is_set() -> None:
    with pytest.raises(DomainError) as caught:
        lossary.parse("huber(delta=-1)")
    assert str(caught.value) == (
        "huber(delta=...): expected a finite number above 0, got -1; choose one inside."
    )


def test_a_negative_factor_is_refused() -> None:
    with pytest.raises(LossaryError):
        lossary.parse("mse") * -1.0
