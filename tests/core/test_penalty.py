"""Penalties on a network's own numbers: what they touch, and what they cost."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import lossary
from lossary.core.errors import OptionError, ShapeError


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def test_it_sums_over_the_weights_it_names_and_no_others() -> None:
    net = network()
    penalty = lossary.nn.Penalty(lossary.nn.L2Penalty(), net, only="*.weight")
    assert penalty.touches == ("0.weight", "2.weight")
    by_hand = 0.5 * (net[0].weight.square().sum() + net[2].weight.square().sum())
    torch.testing.assert_close(penalty(), by_hand)
    penalty().backward()
    torch.testing.assert_close(net[0].weight.grad, net[0].weight)
    assert net[0].bias.grad is None


def test_its_gradient_is_weight_decay() -> None:
    net, decayed = network(), network()
    x = torch.randn(5, 3)
    loss = lossary.nn.Mse() + 0.1 * lossary.nn.Penalty(lossary.nn.L2Penalty(), net)
    loss(net(x), torch.zeros(5, 2)).backward()
    torch.optim.SGD(net.parameters(), lr=0.5).step()
    lossary.mse(decayed(x), torch.zeros(5, 2)).backward()
    torch.optim.SGD(decayed.parameters(), lr=0.5, weight_decay=0.1).step()
    for one, other in zip(net.parameters(), decayed.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_it_composes_with_losses_and_names_itself_among_the_terms() -> None:
    net = network()
    x, y = torch.randn(5, 3), torch.tensor([0, 1, 1, 0, 1])
    loss = lossary.nn.CrossEntropy() + 1e-2 * lossary.nn.Penalty(lossary.nn.L1Penalty(), net, skip="*.bias")
    terms = loss.terms(net(x), y)
    assert set(terms) == {"cross_entropy", "l1_penalty"}
    torch.testing.assert_close(sum(terms.values()), loss(net(x), y))
    assert "Penalty(L1Penalty() on 2 parameters: 0.weight, 2.weight)" in repr(loss)


def test_it_owns_nothing_of_the_network() -> None:
    penalty = lossary.nn.Penalty(lossary.nn.L1Penalty(), network())
    assert list(penalty.parameters()) == []
    assert penalty.state_dict() == {}


def test_activations_are_those_of_the_last_forward_pass() -> None:
    net = network()
    penalty = lossary.nn.Penalty(lossary.nn.L1Penalty(), net, only="1", activations=True)
    with pytest.raises(OptionError, match="call the network first"):
        penalty()
    x = torch.randn(5, 3)
    net(x)
    torch.testing.assert_close(penalty(), net[1](net[0](x)).abs().sum())


def test_a_kernel_is_a_table_of_its_first_axis() -> None:
    convolution = nn.Sequential(nn.Conv2d(2, 3, 3))
    penalty = lossary.nn.Penalty(lossary.nn.GroupLasso(), convolution, only="*.weight")
    rows = convolution[0].weight.flatten(1)
    torch.testing.assert_close(penalty(), 18**0.5 * rows.norm(dim=1).sum())
    orthogonal = lossary.nn.Penalty(lossary.nn.Orthogonality(), convolution, only="*.weight")
    torch.testing.assert_close(orthogonal(), (rows @ rows.T - torch.eye(3)).square().sum())


def test_the_mean_is_over_all_numbers_touched() -> None:
    net = network()
    penalty = lossary.nn.Penalty(lossary.nn.L1Penalty(reduction="mean"), net)
    numbers = torch.cat([each.flatten() for each in net.parameters()])
    torch.testing.assert_close(penalty(), numbers.abs().mean())


def test_what_cannot_be_touched_is_refused() -> None:
    net = network()
    with pytest.raises(OptionError, match=r"there are 4 names, such as '0\.weight'"):
        lossary.nn.Penalty(lossary.nn.L1Penalty(), net, only="0.weigth")
    with pytest.raises(OptionError, match="one input"):
        lossary.nn.Penalty(lossary.nn.Mse(), net)
    with pytest.raises(ShapeError, match=r"0\.bias of shape"):
        lossary.nn.Penalty(lossary.nn.Orthogonality(), net)()


def test_the_jacobian_of_a_linear_map_is_its_matrix() -> None:
    linear = nn.Linear(3, 2)
    x = torch.randn(6, 3)
    exact = lossary.jacobian_penalty(linear, x, projections=None)
    torch.testing.assert_close(exact, linear.weight.square().sum())
    exact.backward()
    torch.testing.assert_close(linear.weight.grad, 2 * linear.weight)


def test_its_estimate_is_unbiased() -> None:
    torch.manual_seed(1)
    net = network()
    x = torch.randn(4, 3)
    exact = lossary.jacobian_penalty(net, x, projections=None)
    drawn = lossary.jacobian_penalty(net, x, projections=4000, generator=torch.Generator().manual_seed(2))
    assert abs(float((drawn / exact).detach()) - 1) < 0.05


def test_an_empty_batch_and_wrong_outputs() -> None:
    assert float(lossary.jacobian_penalty(network(), torch.zeros(0, 3)).detach()) == 0.0
    with pytest.raises(ShapeError, match="flatten"):
        lossary.jacobian_penalty(lambda x: x.sum(), torch.randn(4, 3))
    with pytest.raises(lossary.LossaryError, match="projections"):
        lossary.jacobian_penalty(network(), torch.randn(4, 3), projections=0)
