"""What the stacked engine trains on, the slope of every row, against autograd through the public loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

import lossary
from lossary.lab.training.engines import plain, stackable, stacked, stacking
from lossary.lab.training.engines.objective import mean_loss, unit_slope
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
CLASSES = replace(SETUP, network=Mlp(3, (4,), 3))
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
    assert stackable(Trial(expression, 1e-3, 0, 0, SETUP, link)) is None
    assert_slopes_are_autograd(expression, link, *binary())


@pytest.mark.parametrize(("expression", "link"), MANY_OUTPUTS)
def test_a_row_s_slope_is_what_autograd_finds_for_classes(expression: str, link: Link) -> None:
    numbers = torch.Generator().manual_seed(0)
    outputs = 3 * torch.randn(40, 3, dtype=torch.float64, generator=numbers)
    target = torch.randint(3, (40,), generator=numbers)
    assert stackable(Trial(expression, 1e-3, 0, 0, CLASSES, link)) is None
    assert_slopes_are_autograd(expression, link, outputs, target)


def test_a_loss_that_declares_no_slope_is_differentiated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lossary.get("focal").loss, "slope", None)
    assert_slopes_are_autograd("focal(gamma=1.5)", "identity", *binary())


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("triplet_batch_hard", "triplet_batch_hard compares the rows of a batch with each other"),
        ("mse + binary_dice", "binary_dice does not give one value for a row's outputs and its target"),
        (
            "binary_cross_entropy(ignore_index=1)",
            "binary_cross_entropy is given ignore_index, which its slope does not know",
        ),
    ],
)
def test_what_cannot_be_stacked_says_why(expression: str, reason: str) -> None:
    assert stackable(Trial(expression, 1e-3, 0, 0, SETUP)) == reason


@pytest.fixture
def fresh_reasons() -> Iterator[None]:
    """Reasons are remembered within a process; what a test does to a loss must not be."""
    stacking._unstackable.cache_clear()
    yield
    stacking._unstackable.cache_clear()


@pytest.mark.usefixtures("fresh_reasons")
def test_a_slope_that_autograd_contradicts_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = lossary.get("mse").loss.slope
    assert declared is not None
    monkeypatch.setattr(lossary.get("mse").loss, "slope", lambda x, y: declared(x, y) / 2)
    reason = "the slope of mse + hinge is not what autograd finds"
    assert stackable(Trial("mse + hinge", 1e-3, 0, 0, SETUP)) == reason


@pytest.mark.usefixtures("fresh_reasons")
def test_what_cannot_be_stacked_is_trained_by_the_plain_engine(monkeypatch: pytest.MonkeyPatch) -> None:
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
    both = [Trial(loss, 1e-2, 0, 0, SETUP) for loss in ("focal", "hinge", "focal + hinge")]
    assert [stackable(trial) is None for trial in both] == [False, True, False]
    ours, theirs = stacked.run(both, data), plain.run(both, data)
    assert [outcome.key for outcome in ours] == [trial.key for trial in both]
    for one, other in ((ours[0], theirs[0]), (ours[2], theirs[2])):
        assert one.curve == other.curve
        np.testing.assert_array_equal(one.test, other.test)
