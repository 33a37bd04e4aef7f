"""A class axis on which every class has several entries, as the centres of soft_triple, and what users do with it."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import mpmath
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import lossary
from lossary.core.errors import DomainError, DtypeError, LossaryError, OptionError, ShapeError

CLASSES, CENTRES, ROWS = 3, 4, 7
TARGET = torch.tensor([0, 1, 2, 0, 1, 2, 2])


@pytest.fixture
def cosines() -> Tensor:
    return torch.linspace(-40.0, 40.0, ROWS * CLASSES * CENTRES, dtype=torch.float64).sin().reshape(ROWS, -1)


def slope(value: Tensor, leaf: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(value, leaf)
    return found


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("temperature", [0.01, 0.1, 5.0])
def test_one_centre_a_class_is_cosface(cosines: Tensor, temperature: float, smoothing: float) -> None:
    leaf = cosines[:, :CLASSES].clone().requires_grad_()
    shared: dict[str, Any] = {"margin": 0.2, "scale": 30.0, "label_smoothing": smoothing}
    ours = lossary.soft_triple(leaf, TARGET, centres=1, temperature=temperature, **shared)
    theirs = lossary.cosface(leaf, TARGET, **shared)
    torch.testing.assert_close(ours, theirs, rtol=1e-14, atol=0)
    torch.testing.assert_close(slope(ours, leaf), slope(theirs, leaf), rtol=1e-12, atol=1e-14)


def test_the_value_is_that_of_the_paper_in_fifty_digits(cosines: Tensor) -> None:
    found = lossary.soft_triple(cosines, TARGET, centres=CENTRES, reduction="none")
    with mpmath.workdps(50):
        for row, truth, value in zip(cosines.tolist(), TARGET.tolist(), found.tolist(), strict=True):
            near = []
            for place in range(CLASSES):
                own = [mpmath.mpf(each) for each in row[place * CENTRES : (place + 1) * CENTRES]]
                raised = [mpmath.exp(each / mpmath.mpf(0.1)) for each in own]
                near.append(mpmath.fdot(raised, own) / mpmath.fsum(raised))
            led = mpmath.exp(20 * (near[truth] - mpmath.mpf(0.01)))
            rest = mpmath.fsum(mpmath.exp(20 * each) for place, each in enumerate(near) if place != truth)
            assert abs(value / -mpmath.log(led / (led + rest)) - 1) < 1e-13


def test_at_a_low_temperature_only_the_nearest_centre_counts(cosines: Tensor) -> None:
    nearest = cosines.reshape(ROWS, CLASSES, CENTRES).amax(-1)
    ours = lossary.soft_triple(cosines, TARGET, centres=CENTRES, temperature=1e-6)
    torch.testing.assert_close(ours, lossary.cosface(nearest, TARGET, margin=0.01, scale=20.0))


def test_a_temperature_near_nothing_still_has_a_gradient() -> None:
    leaf = torch.tensor([[0.9, -1.0, 0.3, 0.3]], requires_grad=True)
    value = lossary.soft_triple(leaf, torch.tensor([0]), centres=2, temperature=1e-38)
    assert value.isfinite() and slope(value, leaf).isfinite().all()


def test_a_centre_that_lags_behind_is_pushed_away_from_its_own_class() -> None:
    leaf = torch.tensor([[0.8, 0.5, 0.7, 0.7]], dtype=torch.float64, requires_grad=True)
    near, far, *_ = slope(lossary.soft_triple(leaf, torch.tensor([0]), centres=2), leaf)[0].tolist()
    assert near < 0 < far


def test_pictures_and_classes_last_are_the_same_rows(cosines: Tensor) -> None:
    by_row = lossary.soft_triple(cosines, TARGET, centres=CENTRES, reduction="none")
    picture, target = cosines.T.reshape(1, -1, 1, ROWS), TARGET.reshape(1, 1, ROWS)
    at_1 = lossary.soft_triple(picture, target, centres=CENTRES, reduction="none")
    last = lossary.soft_triple(cosines[None], TARGET[None], centres=CENTRES, class_dim=-1, reduction="none")
    torch.testing.assert_close(at_1.flatten(), by_row)
    torch.testing.assert_close(last.flatten(), by_row)


def test_a_single_row_needs_no_batch(cosines: Tensor) -> None:
    whole = lossary.soft_triple(cosines, TARGET, centres=CENTRES, reduction="none")
    single = lossary.soft_triple(cosines[2], TARGET[2], centres=CENTRES)
    torch.testing.assert_close(single, whole[2])


def test_class_weights_soft_targets_and_counts_are_of_classes_not_of_centres(cosines: Tensor) -> None:
    weights = torch.tensor([1.0, 2.0, 0.0], dtype=torch.float64)
    rows = F.one_hot(TARGET, CLASSES).double()
    options: dict[str, Any] = {"centres": CENTRES, "class_weight": weights}
    torch.testing.assert_close(
        lossary.soft_triple(cosines, TARGET, **options), lossary.soft_triple(cosines, rows, **options)
    )
    for target in (TARGET, rows):
        assert lossary.soft_triple.count(target, **options) == 6.0
        assert lossary.soft_triple.count(cosines, target, **options) == 6.0


def test_the_answer_is_the_class_of_the_greatest_similarity() -> None:
    # The nearest centre of all is class 0's; at a high temperature the mean decides, which is class 1's.
    raw = torch.tensor([[0.6, -0.6, 0.5, 0.5]])
    assert lossary.soft_triple.decode(raw, centres=2).tolist() == [0]
    assert lossary.soft_triple.decode(raw, centres=2, temperature=10.0).tolist() == [1]
    assert lossary.soft_triple.decode(raw.T, centres=2, class_dim=0).tolist() == [0]


@pytest.mark.parametrize(
    ("error", "says", "target", "settings"),
    [
        (ShapeError, r"multiple of centres=5, got shape \(7, 12\)", TARGET, {"centres": 5}),
        (DomainError, r"class indices from 0 to 1, got 2", TARGET, {"centres": 6}),
        (ShapeError, r"one size of the class axis, centres times that for cosines", torch.rand(7, 4), {"centres": 4}),
        (DtypeError, r"one-hot", F.one_hot(TARGET, CLASSES), {"centres": CENTRES}),
        (DomainError, r"whole number of at least 1, got 0", TARGET, {"centres": 0}),
        (DomainError, r"whole number of at least 1, got 1.5", TARGET, {"centres": 1.5}),
        (ShapeError, r"\(12,\)", TARGET, {"centres": CENTRES, "class_weight": torch.ones(12).double()}),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(
    cosines: Tensor, error: type[LossaryError], says: str, target: Tensor, settings: dict[str, Any]
) -> None:
    target = target.double() if target.is_floating_point() else target
    with pytest.raises(error, match=says):
        lossary.soft_triple(cosines, target, **settings)


def test_the_number_of_centres_must_be_given(cosines: Tensor) -> None:
    with pytest.raises(OptionError, match="centres"):
        lossary.soft_triple.math(cosines, TARGET)
    with pytest.raises(OptionError, match="centres"):
        lossary.soft_triple.count(TARGET)
    with pytest.raises(OptionError, match="centres"):
        lossary.soft_triple.decode(cosines)
    with pytest.raises(OptionError, match="centres"):
        lossary.nn.SoftTriple()  # type: ignore[call-arg]
    with pytest.raises(ShapeError, match="multiple of centres=5"):
        lossary.soft_triple.decode(cosines, centres=5)


def test_the_module_is_rebuilt_by_what_it_says_and_agrees_with_the_function(cosines: Tensor) -> None:
    module = lossary.nn.SoftTriple(centres=CENTRES, margin=0.1)
    assert "centres=4" in repr(module)
    wanted = lossary.soft_triple(cosines, TARGET, centres=CENTRES, margin=0.1)
    assert torch.equal(module(cosines, TARGET), wanted)
    assert torch.equal(copy.deepcopy(module)(cosines, TARGET), wanted)


def test_a_compiled_step_takes_another_number_of_centres(cosines: Tensor) -> None:
    torch._dynamo.reset()
    step = torch.compile(
        lambda x, n: lossary.soft_triple(x, TARGET % 2, centres=n), fullgraph=True, backend="aot_eager"
    )
    for centres in (2, 3, 6):
        torch.testing.assert_close(
            step(cosines, centres), lossary.soft_triple(cosines, TARGET % 2, centres=centres)
        )


def test_behind_a_linear_head_it_is_the_same_without_its_cosines() -> None:
    generator = torch.Generator().manual_seed(0)
    hidden, weight = (
        F.normalize(torch.randn(n, 5, generator=generator, dtype=torch.float64)).requires_grad_()
        for n in (7, 12)
    )
    whole = lossary.soft_triple(hidden @ weight.T, TARGET, centres=CENTRES)
    wanted = torch.autograd.grad(whole, (hidden, weight))
    found = lossary.linear("soft_triple", hidden, weight, TARGET, centres=CENTRES)
    torch.testing.assert_close(found, whole)
    torch.testing.assert_close(torch.autograd.grad(found, (hidden, weight)), wanted)


def test_the_price_on_centres_is_the_regulariser_of_the_paper() -> None:
    generator = torch.Generator().manual_seed(0)
    weight = F.normalize(torch.randn(CLASSES * CENTRES, 5, generator=generator, dtype=torch.float64))
    total = sum(
        (2 - 2 * weight[place + s] @ weight[place + t]).sqrt()
        for place in range(0, CLASSES * CENTRES, CENTRES)
        for s, t in itertools.combinations(range(CENTRES), 2)
    )
    found = lossary.sparse_centres(weight.reshape(CLASSES, CENTRES, 5))
    torch.testing.assert_close(found, torch.as_tensor(total / (CLASSES * CENTRES * (CENTRES - 1))))


def test_centres_in_one_place_and_single_centres_cost_nothing_and_pull_nowhere() -> None:
    for centres in (torch.ones(2, 3, 4), torch.randn(2, 1, 4)):
        leaf = centres.requires_grad_()
        value = lossary.sparse_centres(leaf)
        assert value == 0.0 and (slope(value, leaf) == 0).all()


def trained(centres: int) -> float:
    """The share of right answers where each of two classes lies on two opposite sides of a circle."""
    torch.manual_seed(0)
    angle = torch.arange(4).repeat(25) * torch.pi / 2 + 0.2 * torch.randn(100)
    points, target = torch.stack([angle.cos(), angle.sin()], 1), torch.arange(4).repeat(25) % 2
    weight = nn.Parameter(torch.randn(2 * centres, 2))
    loss = lossary.nn.SoftTriple(centres=centres)
    optimiser = torch.optim.Adam([weight], lr=0.05)
    for _ in range(150):
        optimiser.zero_grad()
        value = loss(points @ F.normalize(weight).T, target)
        price = lossary.sparse_centres(F.normalize(weight).reshape(2, centres, 2))
        torch.autograd.backward(value + 0.2 * price)
        optimiser.step()
    found = lossary.soft_triple.decode(points @ F.normalize(weight).T, centres=centres)
    return (found == target).float().mean().item()


def test_classes_of_two_clusters_need_two_centres() -> None:
    assert trained(1) < 0.8
    assert trained(2) == 1.0
