"""From raw outputs to the answer: classes of ordered losses by hand, and the way there and back."""

from __future__ import annotations

import pytest
import torch

import lossary
from lossary.core import answers
from lossary.core.card import Link

#: Losses of classes that say which outputs stand for given chances.
BACK = [
    name
    for name in (
        "cross_entropy",
        "coral",
        "corn",
        "cumulative_link",
        "emd2",
        "sparsemax",
        "entmax15",
        "bi_tempered",
    )
    if answers.raw(lossary.get(name).loss, torch.tensor([0.2, 0.5, 0.3]), lossary.get(name).loss.defaults)
    is not None
]


@pytest.mark.parametrize(
    ("name", "raw", "answer"),
    [
        ("coral", [0.5, 0.2, -0.2], 2),  # two logits above 0
        ("coral", [-0.1, -0.2, -0.3], 0),
        ("corn", [0.2, 0.2, 3.0], 1),  # 0.55 is above one half; 0.55·0.55 and all that follows is not
        ("corn", [3.0, 3.0, 3.0], 3),
        (
            "cumulative_link",
            [-1.0, 0.4, 3.0],
            2,
        ),  # cuts at -1, -0.09 and 2.96: the third is the first above 0
        ("cumulative_link", [0.3, 0.0, 0.0], 0),
        ("emd2", [0.1, 0.3, 0.2], 1),
        ("soft_ordinal", [0.1, 0.3, 0.2], 1),
        ("quadratic_weighted_kappa", [0.1, 0.3, 0.4], 2),
    ],
)
def test_scores_of_ordered_classes_become_the_class(name: str, raw: list[float], answer: int) -> None:
    function = lossary.get(name)
    assert function.decode(torch.tensor([raw])).tolist() == [answer]
    assert function.decode(torch.tensor([raw]).T, class_dim=0).tolist() == [answer]


def test_thresholds_become_chances_by_hand() -> None:
    s = torch.sigmoid(torch.tensor([1.0, -0.5], dtype=torch.float64))
    raw = torch.tensor([[1.0, -0.5]], dtype=torch.float64)
    by_hand = torch.stack([1 - s[0], s[0] - s[1], s[1]])
    torch.testing.assert_close(lossary.coral.probabilities(raw)[0], by_hand)
    in_turn = torch.stack([1 - s[0], s[0] * (1 - s[1]), s[0] * s[1]])
    torch.testing.assert_close(lossary.corn.probabilities(raw)[0], in_turn)


@pytest.mark.parametrize("name", BACK)
def test_outputs_that_say_chances_say_them(name: str) -> None:
    function = lossary.get(name)
    chances = torch.softmax(torch.randn(20, 4, dtype=torch.float64), -1)
    raw = answers.raw(function.loss, chances, function.loss.defaults)
    assert raw is not None
    torch.testing.assert_close(function.probabilities(raw), chances)


def test_every_ordered_loss_is_among_them() -> None:
    assert set(BACK) >= {"coral", "corn", "cumulative_link", "emd2"}


def test_a_rate_is_the_exponential_of_its_logarithm() -> None:
    found = lossary.poisson_nll.decode(torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(found, torch.tensor([1.0, 2.718281828]))
    assert lossary.poisson_nll.card.link is Link.EXP
