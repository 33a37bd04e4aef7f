"""Two labels in five are wrong, and a network is large enough to learn them by heart."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from .members import SEEDS, Members, generator

CLASSES, FEATURES, SHARE = 4, 8, 0.4
#: True class by row, observed class by column: 40 % of the labels go to each other class alike.
TRUE = torch.full((CLASSES, CLASSES), SHARE / (CLASSES - 1)).fill_diagonal_(1.0 - SHARE)


def rows(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Four clouds around centres on a sphere; a nearest centre is right on 96 of 100 rows."""
    centres = 3.5 * normalize(torch.randn(SEEDS, CLASSES, FEATURES, generator=generator()), dim=-1)
    chance = generator(seed)
    y = torch.randint(CLASSES, (SEEDS, count), generator=chance)
    near = centres.gather(1, y.unsqueeze(-1).expand(-1, -1, FEATURES))
    return near + torch.randn(SEEDS, count, FEATURES, generator=chance), y


def accuracy(name: str, **hyper: Any) -> Tensor:
    """Accuracies on clean rows, one a seed."""
    x, y = rows(200, 1)
    fresh, truth = rows(1000, 2)
    chance = generator(3)
    other = (y + torch.randint(1, CLASSES, y.shape, generator=chance)) % CLASSES
    seen = torch.where(torch.rand(y.shape, generator=chance) < SHARE, other, y)
    network = Members(name, x, seen, hidden=32, **hyper)
    with torch.no_grad():
        network.bias.zero_()  # the labels' shares are the noise's too
    network.descend(x, seen, steps=150, lr=0.03)
    return (network(fresh).argmax(-1) == truth).double().mean(-1)


@pytest.fixture(scope="module")
def plain() -> Tensor:
    return accuracy("cross_entropy")


@pytest.mark.parametrize(
    ("name", "hyper"),
    [
        ("generalized_cross_entropy", {}),
        ("active_passive", {}),
        ("categorical_mae", {}),
        ("taylor_cross_entropy", {}),
        ("bi_tempered", {"t1": 0.2, "t2": 4.0}),
        ("forward_correction", {"transition": TRUE}),
        ("backward_correction", {"transition": TRUE}),
    ],
)
def test_at_40_percent_wrong_labels_it_beats_cross_entropy_by_10_points(
    name: str, hyper: dict[str, Any], plain: Tensor
) -> None:
    # Measured: 0.541 for cross_entropy; 0.861 categorical_mae, 0.858 bi_tempered, 0.856 taylor_cross_entropy, 0.854
    # active_passive, 0.811 generalized_cross_entropy, 0.796 backward_correction, 0.755 forward_correction. The gains'
    # standard deviations over seeds are 0.05 to 0.07.
    gain = accuracy(name, **hyper) - plain
    assert (gain > 0).sum() >= 9
    assert gain.mean() > 0.10


def test_symmetric_cross_entropy_helps_less_and_mild_temperatures_and_bootstrapping_do_not(
    plain: Tensor,
) -> None:
    # Measured: 0.688 against 0.541; at their defaults 0.547 bi_tempered, 0.542 bootstrapping, 0.523 label_relaxation:
    # the network still learns the wrong labels by heart.
    assert 0.05 < (accuracy("symmetric_cross_entropy") - plain).mean() < 0.25
    for name in ("bi_tempered", "bootstrapping", "label_relaxation"):
        assert abs((accuracy(name) - plain).mean()) < 0.06
