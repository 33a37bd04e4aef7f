"""Distances between two sets of rows that have no partners, against SciPy's and against closed forms."""

from __future__ import annotations

from typing import Any

import pytest
import scipy.stats
import torch
from torch import Tensor
from torch.nn import Linear, Sequential, Tanh

import lossary
from lossary.core.errors import DomainError, DtypeError, OptionError, ShapeError

from .members import generator


def clouds(n: int = 9, m: int = 6, features: int = 4) -> tuple[Tensor, Tensor]:
    chance = generator()
    x = torch.randn(n, features, generator=chance, dtype=torch.float64)
    return x, 0.5 + 2.0 * torch.randn(m, features, generator=chance, dtype=torch.float64)


@pytest.mark.parametrize("sizes", [(9, 6), (7, 7), (1, 5)])
def test_a_sliced_distance_is_the_mean_of_scipys_along_each_direction(sizes: tuple[int, int]) -> None:
    x, y = clouds(*sizes)
    directions = lossary.random_directions(20, 4, generator=generator(), dtype=torch.float64)
    wanted = [scipy.stats.wasserstein_distance(x @ each, y @ each) for each in directions]
    found = lossary.sliced_wasserstein(x, y, directions, p=1.0)
    assert float(found) == pytest.approx(sum(wanted) / 20, rel=1e-12)
    # Only where a direction points counts, not how far.
    assert float(lossary.sliced_wasserstein(x, y, 3.0 * directions, p=1.0)) == pytest.approx(float(found))


def test_the_squared_distance_of_a_cloud_and_its_shifted_copy_is_that_of_their_means_over_the_features() -> (
    None
):
    x, _ = clouds(30)
    shift = torch.tensor([1.0, -2.0, 0.5, 0.0], dtype=torch.float64)
    directions = lossary.random_directions(20_000, 4, generator=generator(), dtype=torch.float64)
    # Along a direction the distance is shift·θ, and E[(shift·θ)²] = |shift|²/D on the sphere.
    found = lossary.sliced_wasserstein(x + shift, x, directions)
    assert float(found) == pytest.approx(float(shift.square().sum()) / 4, rel=0.02)


def test_directions_are_of_length_1_and_point_everywhere_alike() -> None:
    drawn = lossary.random_directions(20_000, 3, generator=generator())
    torch.testing.assert_close(drawn.norm(dim=1), torch.ones(20_000))
    torch.testing.assert_close(drawn.T @ drawn / 20_000, torch.eye(3) / 3, atol=0.01, rtol=0)
    with pytest.raises(DomainError, match="count"):
        lossary.random_directions(0, 3)


def test_a_critic_with_bounded_slope_finds_the_distance_of_two_points() -> None:
    # Between the points 0 and 3 the best critic of slope 1 scores them 3 apart.
    real, generated = torch.full((64, 1), 3.0), torch.zeros(64, 1)
    torch.manual_seed(0)
    judge = Sequential(Linear(1, 16), Tanh(), Linear(16, 1))
    optimizer = torch.optim.Adam(judge.parameters(), lr=0.02)
    chance = generator()
    for _ in range(300):
        optimizer.zero_grad()
        ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
        apart = lossary.critic(judge(real), ones) + lossary.critic(judge(generated), zeros)
        (apart + 10.0 * lossary.gradient_penalty(judge, real, generated, generator=chance)).backward()
        optimizer.step()
    # Measured: -3.14; a price of 10 lets the slope be 1 + 3/20 at most.
    assert -3.5 < apart.item() < -2.8


def test_unequal_batches_of_a_critic_are_each_averaged_by_themselves() -> None:
    real, generated = torch.tensor([1.0, 3.0, 8.0]), torch.tensor([2.0, 6.0])
    both = lossary.critic(real, torch.ones(3)) + lossary.critic(generated, torch.zeros(2))
    assert float(both) == float(generated.mean() - real.mean())


def test_the_gradient_penalty_of_a_linear_critic_is_that_of_its_weights() -> None:
    judge = Linear(4, 1)
    x, y = (each[:6].float() for each in clouds())
    for sides in (1, 2):
        with torch.no_grad():
            judge.weight.mul_(2.0 / judge.weight.norm())
        penalty = lossary.gradient_penalty(judge, x, y, sides=sides)
        torch.testing.assert_close(penalty, torch.tensor(1.0))
        (pull,) = torch.autograd.grad(penalty, [judge.weight])
        torch.testing.assert_close(pull, judge.weight)  # 2·(|w| - 1)·w/|w|
    with torch.no_grad():
        judge.weight.div_(4.0)
    assert float(lossary.gradient_penalty(judge, x, y).detach()) == pytest.approx(0.25)
    assert float(lossary.gradient_penalty(judge, x, y, sides=1).detach()) == 0.0


def test_a_gradient_penalty_looks_between_the_rows_and_is_repeatable() -> None:
    seen: list[Tensor] = []

    def judge(rows: Tensor) -> Tensor:
        seen.append(rows.detach())
        return rows.square().sum((1, 2))

    x, y = torch.zeros(500, 2, 3), torch.ones(500, 2, 3)
    found = [lossary.gradient_penalty(judge, x, y, generator=generator()) for _ in range(2)]
    assert found[0] == found[1]
    between = seen[0].flatten(1)
    assert (between == between[:, :1]).all() and 0.0 <= between.min() < 0.02 < 0.98 < between.max() <= 1.0
    assert lossary.gradient_penalty(judge, x[:0], y[:0]).item() == 0.0
    assert lossary.gradient_penalty(lambda rows: torch.zeros(500), x, y).item() == 1.0


@pytest.mark.parametrize(
    ("real", "generated", "options", "error", "says"),
    [
        (torch.zeros(3, 2), torch.zeros(4, 2), {}, ShapeError, r"shapes \(3, 2\) and \(4, 2\)"),
        (torch.zeros(3, 2), torch.zeros(3, 2).double(), {}, DtypeError, "one dtype"),
        (torch.zeros(3, 2).long(), torch.zeros(3, 2), {}, DtypeError, r"gradient_penalty\(real\)"),
        (torch.zeros(3, 2), torch.zeros(3, 2), {"sides": 3}, OptionError, "1 or 2"),
        (torch.zeros(3, 5), torch.zeros(3, 5), {}, ShapeError, "one score per row"),
    ],
)
def test_a_gradient_penalty_of_what_does_not_fit_is_refused(
    real: Tensor, generated: Tensor, options: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        lossary.gradient_penalty(lambda rows: rows, real, generated, **options)
