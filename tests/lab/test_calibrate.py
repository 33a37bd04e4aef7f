"""Calibration undoes a scale, never touches the order, and stays finite where nothing is wrong."""

from __future__ import annotations

import pytest
import torch
from scipy.optimize import minimize_scalar

from lossary.lab.training.calibrate import calibrated, sharpness


def drawn(classes: int, rows: int = 4000) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, and classes drawn from their very probabilities."""
    numbers = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(rows, classes, generator=numbers, dtype=torch.float64)
    target = torch.multinomial(logits.softmax(-1), 1, generator=numbers)[:, 0]
    return logits, target


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("scale", [0.1, 1.0, 20.0])
def test_a_scale_that_was_put_on_the_logits_is_taken_off_again(classes: int, scale: float) -> None:
    logits, target = drawn(classes)
    assert float(sharpness(scale * logits, target)) == pytest.approx(1 / scale, rel=0.1)


def test_one_logit_is_two_whose_first_is_zero() -> None:
    logits, target = drawn(2)
    margin = logits[:, 1:] - logits[:, :1]
    assert float(sharpness(margin, target)) == pytest.approx(float(sharpness(logits, target)), rel=1e-9)


def test_the_temperature_is_the_one_that_a_general_minimiser_finds() -> None:
    logits, target = drawn(2, rows=50)
    margin = logits[:, 1] - logits[:, 0]
    ones, zeros = int(target.sum()), int((1 - target).sum())
    truth = torch.where(target == 1, (ones + 1) / (ones + 2), 1 / (zeros + 2)).double()

    def log_loss(log_b: float) -> float:
        z = margin * torch.tensor(log_b).exp()
        return float(torch.nn.functional.binary_cross_entropy_with_logits(z, truth))

    found = minimize_scalar(log_loss, bounds=(-8, 8), method="bounded", options={"xatol": 1e-10}).x
    assert float(sharpness(margin[:, None], target).log()) == pytest.approx(found, abs=1e-5)


def test_rows_without_an_error_do_not_make_one_wrong_row_infinitely_wrong() -> None:
    target = torch.tensor([0, 1]).repeat(50)
    b = sharpness((2.0 * target - 1)[:, None], target)
    assert float(b) == pytest.approx(float(torch.tensor(51.0).log()), rel=1e-6)  # sigmoid(b) = 51/52


def test_a_weight_of_two_is_a_row_twice_and_members_do_not_see_each_other() -> None:
    logits, target = drawn(3, rows=40)
    weight = torch.ones(40).index_fill(0, torch.arange(10), 2.0)
    twice = torch.cat([torch.arange(40), torch.arange(10)])
    weighted = sharpness(torch.stack([logits, 3 * logits]), target, weight)
    repeated = sharpness(logits[twice], target[twice])
    torch.testing.assert_close(weighted[0], repeated)
    torch.testing.assert_close(weighted[1], repeated / 3)
    torch.testing.assert_close(calibrated(torch.stack([logits, 3 * logits]), weighted)[1], repeated * logits)
