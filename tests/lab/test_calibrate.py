"""Calibration undoes a scale, never touches the order, and stays finite where nothing is wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from lossary.lab.training.calibrate import Line, calibrated, fitted, flattened, sharpness


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


def test_labels_share_one_temperature_and_pixels_are_sampled() -> None:
    numbers = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 300, 4, generator=numbers, dtype=torch.float64) * 2
    target = (torch.rand(300, 4, generator=numbers) < logits[0].sigmoid()).double()
    line = fitted(torch.stack([logits[0], 5 * logits[0]]), target, wide=True)
    assert line.offset is None
    torch.testing.assert_close(line.scale[0], 5 * line.scale[1], rtol=1e-6, atol=0)
    assert float(line.scale[0]) == pytest.approx(1, abs=0.15)
    many = torch.zeros(2, 300, 400)
    values, truth, weight = flattened(many, torch.arange(120_000.0).reshape(300, 400), torch.arange(300.0))
    assert values.shape == (2, 10_000, 1) and truth.shape == (10_000,)
    assert weight is not None and torch.equal(weight, (truth / 400).floor())


def test_a_line_is_a_scale_and_an_offset() -> None:
    outputs = torch.ones(2, 3, 1)
    line = Line(torch.tensor([2.0, 3.0]), torch.tensor([0.5, -1.0]))
    assert calibrated(outputs, line)[:, 0, 0].tolist() == [2.5, 2.0]
    assert calibrated(outputs, line.scale)[:, 0, 0].tolist() == [2.0, 3.0]


def test_scale_and_offset_are_an_unpenalised_logistic_regressions_with_platts_targets() -> None:
    logits, target = drawn(2, rows=60)
    z, y = (3 * (logits[:, 1] - logits[:, 0]) + 5).numpy(), target.numpy()
    line = fitted(torch.as_tensor(z)[:, None], torch.as_tensor(y), scores=True)
    ones, zeros = y.sum(), (1 - y).sum()
    held = np.where(y == 1, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    both = np.concatenate([z, z])[:, None]
    found = LogisticRegression(C=np.inf, tol=1e-10).fit(
        both, np.repeat([1, 0], len(z)), sample_weight=np.concatenate([held, 1 - held])
    )
    assert line.offset is not None
    assert float(line.scale) == pytest.approx(found.coef_[0, 0], rel=1e-5)
    assert float(line.offset) == pytest.approx(found.intercept_[0], abs=1e-5)


def test_a_probability_of_0_can_be_calibrated() -> None:
    outputs = torch.tensor([[0.0, -torch.inf, -torch.inf], [-1.0, -1.0, -2.0], [-2.0, -1.0, -0.5]])
    line = fitted(outputs, torch.tensor([0, 1, 2]))
    assert bool(line.scale.isfinite())
