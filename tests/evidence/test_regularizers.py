"""What a price on weights, activations or predictions does to them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import Dropout, Linear, ReLU, Sequential, Tanh

import lossary
from lossary import nn

from .members import generator

ROWS = 200


def line() -> tuple[Tensor, Tensor]:
    """Twelve features of which the first three matter."""
    chance = generator()
    x = torch.randn(ROWS, 12, generator=chance)
    return x, x[:, :3] @ torch.tensor([1.0, -1.0, 0.5]) + 0.3 * torch.randn(ROWS, generator=chance)


def classes() -> tuple[Tensor, Tensor]:
    """Three clouds that overlap."""
    chance = generator()
    y = torch.randint(3, (ROWS,), generator=chance)
    return torch.randn(ROWS, 6, generator=chance) + 1.5 * torch.eye(6)[y], y


def descend(loss: nn.LossModule, network: torch.nn.Module, x: Tensor, y: Tensor, steps: int = 200) -> None:
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        found = network(x)
        loss(found.squeeze(-1), y).backward()
        optimizer.step()
        schedule.step()


def test_an_l1_penalty_shrinks_useless_weights_to_zero_and_an_l2_penalty_does_not() -> None:
    x, t = line()
    kept = {}
    for penalty in (nn.L1Penalty(), nn.L2Penalty()):
        network = Linear(12, 1)
        descend(nn.Mse() + 0.2 * nn.Penalty(penalty, network, only="weight"), network, x, t)
        kept[repr(penalty)] = network.weight[0].detach().abs()
    one, two = kept.values()
    # Measured: below 0.0005, and 0.010 on average.
    assert one[3:].max() < 0.003 < 0.005 < two[3:].mean()
    assert (one[:3] > 0.2).all()


def test_a_group_lasso_removes_whole_features() -> None:
    chance = generator()
    x, _ = line()
    t = x[:, :3] @ torch.randn(3, 4, generator=chance) + 0.3 * torch.randn(ROWS, 4, generator=chance)
    network = torch.nn.Parameter(0.1 * torch.randn(12, 4, generator=chance))
    optimizer = torch.optim.Adam([network], lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 400)
    for _ in range(400):
        optimizer.zero_grad()
        (lossary.mse(x @ network, t) + 0.05 * lossary.group_lasso(network, reduction="sum")).backward()
        optimizer.step()
        schedule.step()
    lengths = network.detach().norm(dim=1)
    # A group is a feature's row of weights. Measured: 2.5, 1.8 and 0.8, then below 0.0005.
    assert (lengths[3:] < 0.01).all() and (lengths[:3] > 0.3).all()


def test_an_orthogonality_penalty_makes_rows_nearly_orthonormal() -> None:
    x, y = classes()
    apart = {}
    for share in (0.0, 1.0):
        torch.manual_seed(0)
        network = Sequential(Linear(6, 5), ReLU(), Linear(5, 3))
        loss = nn.CrossEntropy() + share * nn.Penalty(nn.Orthogonality(), network, only="0.weight")
        descend(loss, network, x, y)
        weight = network[0].weight.detach()
        apart[share] = (weight @ weight.T - torch.eye(5)).norm()
    # Measured: a distance from the identity of 0.020 against 2.8.
    assert apart[1.0] < 0.3 < 1.0 < apart[0.0]


def test_entropy_decides_unlabelled_rows_and_its_negative_leaves_them_open() -> None:
    x, y = classes()
    found = {}
    for share in (-0.5, 0.0, 1.0):
        torch.manual_seed(0)
        network = Linear(6, 3)
        optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
        for _ in range(150):
            optimizer.zero_grad()
            (
                lossary.cross_entropy(network(x[:60]), y[:60]) + share * lossary.entropy(network(x[60:]))
            ).backward()
            optimizer.step()
        found[share] = lossary.entropy(network(x[60:])).item()
    # Measured: 0.16, 0.30 and 0.75.
    assert found[1.0] < 0.75 * found[0.0] and found[-0.5] > 1.3 * found[0.0]


@pytest.mark.parametrize("name", ["r_drop", "consistency"])
def test_two_passes_with_dropout_come_closer_by_a_third(name: str) -> None:
    x, y = classes()
    apart = {}
    for alpha in (0.0, 3.0):
        torch.manual_seed(0)
        network = Sequential(Linear(6, 32), ReLU(), Dropout(0.3), Linear(32, 3))
        optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
        for _ in range(150):
            optimizer.zero_grad()
            one, two = network(x), network(x)
            if name == "r_drop":
                cost = lossary.r_drop(one, two, y, alpha=alpha)
            else:
                teacher = two.detach()
                cost = lossary.cross_entropy(one, y) + alpha * lossary.consistency(
                    one, teacher, target_inputs="logits"
                )
            cost.backward()
            optimizer.step()
        with torch.no_grad():
            apart[alpha] = lossary.consistency(network(x), network(x).softmax(-1)).item()
    # Measured: 0.016 against 0.050 for r_drop, 0.022 against 0.045 for consistency.
    assert apart[3.0] < 0.7 * apart[0.0]


def test_a_jacobian_penalty_lowers_the_jacobian_to_a_third_and_costs_less_than_20_points() -> None:
    x, y = classes()
    found, right = {}, {}
    for share in (0.0, 0.1):
        torch.manual_seed(0)
        network = Sequential(Linear(6, 32), Tanh(), Linear(32, 3))
        optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
        for _ in range(150):
            optimizer.zero_grad()
            cost = lossary.cross_entropy(network(x), y)
            if share:
                cost = cost + 0.5 * share * lossary.jacobian_penalty(network, x, projections=1)
            cost.backward()
            optimizer.step()
        found[share] = lossary.jacobian_penalty(network, x, projections=None).item()
        right[share] = (network(x).argmax(-1) == y).float().mean().item()
    # Measured: 2.0 against 16; accuracies 0.850 and 0.880.
    assert found[0.1] < found[0.0] / 3
    assert right[0.1] > right[0.0] - 0.20


def test_a_penalty_on_activations_makes_them_sparse() -> None:
    x, t = line()
    active = {}
    for share in (0.0, 1.0):
        torch.manual_seed(0)
        network = Sequential(Linear(12, 32), ReLU(), Linear(32, 1))
        price = nn.Penalty(nn.L1Penalty(reduction="mean"), network, only="1", activations=True)
        descend(nn.Mse() + share * price, network, x, t, steps=200)
        with torch.no_grad():
            active[share] = (network[:2](x) > 1e-3).float().mean().item()
    # Measured: 18 of 100 active against 50.
    assert active[1.0] < 0.7 * active[0.0]
