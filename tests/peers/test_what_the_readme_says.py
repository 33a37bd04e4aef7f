"""Each row of the README's table, run: what torch answers, and what Lossary does."""

import math
import warnings

import pytest
import torch
from torch import tensor
from torch.nn import functional as F

import lossary
from lossary.core.errors import DomainError, ShapeError

LOGITS = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
WEIGHTS = tensor([1.0, 2.0, 3.0])


def test_an_index_and_its_one_hot_row_are_one_target() -> None:
    index, soft = tensor([0, 1]), F.one_hot(tensor([0, 1]), 3).float()
    by_torch = [F.cross_entropy(LOGITS, each, weight=WEIGHTS).item() for each in (index, soft)]
    by_us = [lossary.cross_entropy(LOGITS, each, class_weight=WEIGHTS).item() for each in (index, soft)]
    assert [round(value, 3) for value in by_torch] == [1.099, 1.648]
    assert [round(value, 3) for value in by_us] == [1.099, 1.099]


def test_a_batch_of_which_nothing_counts_is_zero() -> None:
    nothing = tensor([-100, -100])
    assert math.isnan(F.cross_entropy(LOGITS, nothing))
    x = LOGITS.clone().requires_grad_()
    value = lossary.cross_entropy(x, nothing)
    value.backward()
    assert value == 0 and x.grad is not None and (x.grad == 0).all()


def test_a_nan_in_an_ignored_row_goes_nowhere() -> None:
    def gradient(loss: object) -> torch.Tensor:
        x = tensor([[1.0, 2.0, 3.0], [math.nan] * 3], requires_grad=True)
        loss(x, tensor([2, -100])).backward()  # type: ignore[operator]
        assert x.grad is not None
        return x.grad

    assert gradient(F.cross_entropy).isnan().any()
    assert gradient(lossary.cross_entropy).isfinite().all()


def test_nothing_broadcasts_in_silence() -> None:
    x, t = torch.arange(4.0).unsqueeze(1), torch.arange(4.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert F.mse_loss(x, t) == 2.5
    with pytest.raises(
        ShapeError, match=r"prediction \(4, 1\) and target \(4,\); pass prediction\.squeeze\(-1\)"
    ):
        lossary.mse(x, t)


def test_a_target_of_seven_is_refused() -> None:
    x, t = tensor([1.0]), tensor([7.0])
    assert F.binary_cross_entropy_with_logits(x, t) < 0
    with pytest.raises(DomainError, match="expected values from 0 to 1, got 7"):
        lossary.binary_cross_entropy(x, t)


def test_a_small_loss_keeps_its_digits() -> None:
    x, y = tensor([[25.0, 0.0]], requires_grad=True), tensor([0])
    assert F.cross_entropy(x, y) == 0
    value = lossary.cross_entropy(x, y)
    value.backward()
    assert value.item() == pytest.approx(1.3888e-11, rel=1e-4)
    assert x.grad is not None and x.grad[0, 0].item() == pytest.approx(-1.3888e-11, rel=1e-4)


def test_a_loss_of_half_precision_inputs_is_a_float32_number() -> None:
    x, t = torch.zeros(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.bfloat16)
    assert F.mse_loss(x, t).dtype is torch.bfloat16
    assert lossary.mse(x, t).dtype is torch.float32


def test_micro_batches_add_up_to_the_batch() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(8, 3, dtype=torch.float64), tensor([0, 1, -100, -100, -100, 2, 1, 0])

    def gradient(parts: list[slice], **options: object) -> torch.Tensor:
        logits = x.clone().requires_grad_()
        for part in parts:
            (lossary.cross_entropy(logits[part], y[part], **options)).backward()  # type: ignore[arg-type]
        assert logits.grad is not None
        return logits.grad

    halves = [slice(0, 4), slice(4, 8)]
    whole = gradient([slice(0, 8)])
    torch.testing.assert_close(gradient(halves, denominator=lossary.cross_entropy.count(y)), whole)
    means = x.clone().requires_grad_()
    for part in halves:
        (F.cross_entropy(means[part], y[part]) / 2).backward()
    assert means.grad is not None and not torch.allclose(means.grad, whole)


def test_every_loss_takes_weights_and_masks() -> None:
    x, t, w = tensor([0.0, 1.0, 5.0]), torch.zeros(3), tensor([1.0, 3.0, 9.0])
    mask = tensor([True, True, False])
    for name in ("mse", "mae", "huber", "log_cosh", "quantile", "hinge", "focal"):
        loss = lossary.get(name)
        values = loss(x, t, reduction="none")
        by_hand = (w * values)[:2].sum() / w[:2].sum()
        torch.testing.assert_close(loss(x, t, weight=w, mask=mask), by_hand)
    with pytest.raises(TypeError):
        torch.nn.HuberLoss()(x, t, weight=w)
