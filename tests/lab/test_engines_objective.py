"""What the stacked engine trains on, the slope of every row, against autograd through the public loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import lossary
from lossary.lab.training.engines import plain, stacked
from lossary.lab.training.engines.objective import mean_loss, unit_slope
from lossary.lab.training.engines.rowwise import by_rows, telling
from lossary.lab.training.networks import Mlp
from lossary.lab.training.trial import Link, Setup, SplitData, Trial

SETUP = Setup(Mlp(3, (4,), 1), "log_loss", epochs=2)

ONE_OUTPUT: tuple[tuple[str, Link], ...] = (
    ("mse", "identity"),
    ("quantile(level=0.3)", "identity"),
    ("0.5*mse + huber(delta=2)", "identity"),
    ("3 * (mae + 2*log_cosh)", "identity"),
    ("binary_cross_entropy(pos_weight=3)", "identity"),
    ("binary_cross_entropy(label_smoothing=0.1)", "identity"),
    ("focal(gamma=1.5, alpha=0.25)", "identity"),
    ("0.5*hinge + squared_hinge", "identity"),
    ("huber(delta=0.2)", "sigmoid"),
    ("mse + 0.1*mae", "sigmoid"),
)
MANY_OUTPUTS: tuple[tuple[str, Link], ...] = (
    ("cross_entropy", "identity"),
    ("cross_entropy(label_smoothing=0.1)", "identity"),
    ("cross_entropy + 0.5*categorical_focal(gamma=3)", "identity"),
    ("mse", "softmax"),
    ("0.5*mae + huber", "softmax"),
)


def assert_slopes_are_autograd(
    expression: str, link: Link, outputs: torch.Tensor, target: torch.Tensor
) -> None:
    weight = torch.rand(len(outputs), dtype=outputs.dtype) + 0.1
    raw = outputs.clone().requires_grad_()
    (expected,) = torch.autograd.grad(mean_loss(expression, link)(raw, target, weight), raw)
    share = (weight / weight.sum()).view(-1, *[1] * (outputs.ndim - 1))
    torch.testing.assert_close(unit_slope(expression, link)(outputs, target) * share, expected)


def binary(rows: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    numbers = torch.Generator().manual_seed(0)
    outputs = 3 * torch.randn(rows, dtype=torch.float64, generator=numbers)
    return outputs, (torch.rand(rows, generator=numbers) > 0.4).double()


@pytest.mark.parametrize(("expression", "link"), ONE_OUTPUT)
def test_a_row_s_slope_is_what_autograd_finds_for_one_output(expression: str, link: Link) -> None:
    outputs, target = binary()
    assert by_rows(expression, link, 1, target) is None
    assert_slopes_are_autograd(expression, link, outputs, target)


@pytest.mark.parametrize(("expression", "link"), MANY_OUTPUTS)
def test_a_row_s_slope_is_what_autograd_finds_for_classes(expression: str, link: Link) -> None:
    numbers = torch.Generator().manual_seed(0)
    outputs = 3 * torch.randn(40, 3, dtype=torch.float64, generator=numbers)
    target = torch.randint(3, (40,), generator=numbers)
    assert by_rows(expression, link, 3, target) is None
    assert_slopes_are_autograd(expression, link, outputs, target)


def test_a_loss_that_declares_no_slope_is_differentiated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lossary.get("focal").loss, "slope", None)
    assert_slopes_are_autograd("focal(gamma=1.5)", "identity", *binary())


TWO_CLASSES = torch.arange(12) % 2


@pytest.mark.parametrize(
    ("expression", "outputs", "target", "reason"),
    [
        (
            "triplet_batch_hard",
            2,
            TWO_CLASSES,
            "triplet_batch_hard compares the rows of a batch with each other",
        ),
        (
            "binary_cross_entropy(ignore_index=1)",
            1,
            TWO_CLASSES.double(),
            "binary_cross_entropy is given ignore_index, which may be a matter of the whole batch",
        ),
        ("msle", 1, TWO_CLASSES.double(), "msle does not take every output"),
    ],
)
def test_a_loss_without_rows_of_its_own_says_why(
    expression: str, outputs: int, target: torch.Tensor, reason: str
) -> None:
    assert by_rows(expression, "identity", outputs, target) == reason


def test_a_slope_that_autograd_contradicts_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = lossary.get("mse").loss.slope
    assert declared is not None
    assert by_rows("mse + hinge", "identity", 1, TWO_CLASSES.double()) is None
    monkeypatch.setattr(lossary.get("mse").loss, "slope", lambda x, y: declared(x, y) / 2)
    reason = "the slope of mse + hinge is not what autograd finds"
    assert by_rows("mse + hinge", "identity", 1, TWO_CLASSES.double()) == reason


def test_a_loss_is_tried_on_every_class_and_on_the_emptiest_and_the_fullest_picture() -> None:
    codes = torch.zeros(100, dtype=torch.int64)
    codes[-1] = 2
    assert telling(codes).unique().tolist() == [0, 2]
    pictures = torch.zeros(100, 4)
    pictures[:50, 0] = 1
    pictures[-1] = 1
    assert telling(pictures).sum(1).unique().tolist() == [0, 1, 4]


def test_a_loss_whose_slope_is_wrong_is_called_member_by_member(monkeypatch: pytest.MonkeyPatch) -> None:
    focal = lossary.get("focal").loss
    monkeypatch.setattr(focal, "slope", lambda logits, target, *, gamma, alpha: torch.zeros_like(logits))
    numbers = torch.Generator().manual_seed(0)
    parts = [
        part
        for rows in (40, 20, 20)
        for part in (
            torch.randn(rows, 3, generator=numbers),
            (torch.rand(rows, generator=numbers) > 0.5).float(),
        )
    ]
    data = {0: SplitData(*parts)}
    common = replace(SETUP, dtype="float64")
    both = [Trial(loss, 1e-2, 0, 0, common) for loss in ("focal", "hinge", "focal + hinge")]
    for one, other in zip(stacked.run(both, data), plain.run(both, data), strict=True):
        assert one.key == other.key
        np.testing.assert_allclose(one.curve, other.curve, rtol=1e-6)
        np.testing.assert_allclose(one.test, other.test, rtol=1e-5, atol=1e-6)
