"""The descriptions of networks, and the user's own network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lossary.core.errors import DataError
from lossary.lab import record
from lossary.lab.training.engines import plain, stackable, stacked
from lossary.lab.training.engines.memory import members_at_once, slice_members
from lossary.lab.training.networks import Bag, Cnn, Mlp, Network, Segmenter, own
from lossary.lab.training.trial import Setup, SplitData, Trial

OWN = """
import torch
from torch import nn
from torch.nn import functional as F

class Layers(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(nn.Linear(inputs, 6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, outputs))

class Residual(nn.Module):
    def __init__(self, inputs, hidden=6, *, outputs):
        super().__init__()
        self.first, self.norm = nn.Linear(inputs, hidden), nn.LayerNorm(hidden)
        self.second, self.drop, self.last = nn.Linear(hidden, hidden), nn.Dropout(0.2), nn.Linear(hidden, outputs)
    def forward(self, x):
        h = F.gelu(self.first(x))
        return self.last(h + self.drop(F.silu(self.second(self.norm(h)))))

class ReluFirst(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(nn.Tanh(), nn.Linear(inputs, outputs))

class Batch(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, outputs))
    def forward(self, x):
        return self.net(x)

class Undecided(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.last = nn.Linear(5, outputs)
    def forward(self, x):
        y = self.last(x)
        return y if y.mean() > 0 else 2 * y

class Noisy(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.last = nn.Linear(5, outputs)
    def forward(self, x):
        return self.last(x + 0.1 * torch.randn_like(x) if self.training else x)

class Frozen(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.first = nn.Linear(5, 6).requires_grad_(False)
        self.last = nn.Linear(6, outputs)
    def forward(self, x):
        return self.last(torch.relu(self.first(x)))

class Three(nn.Linear):
    def __init__(self):
        super().__init__(5, 3)

class Narrow(nn.Linear):
    def __init__(self):
        super().__init__(4, 1)

class Nothing:
    pass

class Broken(nn.Module):
    def __init__(self, outputs):
        raise RuntimeError("no such layer")
"""
NETWORKS: tuple[tuple[Network, tuple[int, ...]], ...] = (
    (Mlp(5, (4, 3), 2, dropout=0.1), (5,)),
    (Mlp(5, (), 1), (5,)),
    (Cnn(1, 8, 8, 10), (1, 8, 8)),
    (Cnn(3, 33, 20, 2, (8, 8, 8), "layer", 0.2), (3, 33, 20)),
    (Cnn(1, 1, 3, 2, (4,), "none"), (1, 1, 3)),
    (Segmenter(3, 9, 7), (3, 9, 7)),
    (Bag(20, 4, (3,), 2), (6,)),
    (Bag(20, 4, (), 2, 0.1), (6,)),
)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "net.py"
    path.write_text(OWN)
    return str(path)


def rows(network: Network, shape: tuple[int, ...], count: int) -> torch.Tensor:
    numbers = torch.Generator().manual_seed(0)
    if isinstance(network, Bag):
        return torch.randint(network.vocabulary, (count, *shape), generator=numbers)
    return torch.randn(count, *shape, generator=numbers)


@pytest.mark.parametrize(("network", "shape"), NETWORKS, ids=lambda each: type(each).__name__)
def test_a_network_gives_its_outputs_and_knows_its_size(network: Network, shape: tuple[int, ...]) -> None:
    module = network.module(0, 0)
    x = rows(network, shape, 3)
    assert module(x).shape == (3, network.outputs)
    assert network.size == sum(parameter.numel() for parameter in module.parameters())
    setup = Setup(network, "accuracy", 1)
    assert record.read(Setup, record.text(setup)) == setup
    assert network.describe()
    # (split, seed) alone decides the weights, and torch's own numbers are left alone.
    before = torch.random.get_rng_state()
    assert torch.equal(module(x), network.module(0, 0)(x))
    assert not torch.equal(module(x), network.module(0, 1)(x))
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(("network", "shape"), NETWORKS, ids=lambda each: type(each).__name__)
def test_a_row_s_outputs_do_not_depend_on_the_other_rows(network: Network, shape: tuple[int, ...]) -> None:
    module, x = network.module(0, 0, torch.float64), rows(network, shape, 6)
    x = x if isinstance(network, Bag) else x.double()
    torch.testing.assert_close(module(x)[:2], module(x[:2]))


def test_padding_does_not_count_among_the_words() -> None:
    module = Bag(20, 4, (), 2).module(0, 0)
    words = torch.tensor([[3, 7, 0, 0], [7, 3, 0, 0]])
    torch.testing.assert_close(module(words), module(words[:, :2]))
    assert module(torch.zeros(1, 4, dtype=torch.int64)).isfinite().all()


def test_another_number_of_outputs_makes_another_last_layer_and_pixels_allow_none() -> None:
    assert Mlp(5, (4,), 1).with_outputs(3).outputs == 3
    assert Cnn(1, 8, 8, 1).with_outputs(3).module(0, 0)(torch.zeros(2, 1, 8, 8)).shape == (2, 3)
    assert Segmenter(1, 8, 8).with_outputs(64).outputs == 64
    with pytest.raises(ValueError, match="expected 64 outputs, got 3; Segmenter gives one for every pixel"):
        Segmenter(1, 8, 8).with_outputs(3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Mlp(5, (4,), 1, dropout=1.0),
            "dropout: expected a share of at least 0 and below 1, got 1.0",
        ),
        (lambda: Cnn(1, 8, 8, 2, norm="batch"), "norm: expected group, layer or none, got 'batch'"),  # type: ignore[arg-type]
        (lambda: Bag(1, 4, (), 2), "network: expected sizes of at least 1"),
        (lambda: Segmenter(1, 0, 8), "network: expected sizes of at least 1"),
    ],
)
def test_a_network_that_cannot_be_is_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Layers", None),
        ("Residual", None),
        ("ReluFirst", None),
        ("Batch", "Batch keeps a record of its batches (net.1.running_mean)"),
        ("Undecided", "Undecided decides by the numbers it sees what it does"),
        ("Noisy", "Noisy draws random numbers of its own"),
        ("Frozen", "Frozen has numbers that are drawn and not learned (first.weight)"),
    ],
)
def test_one_s_own_network_is_stacked_where_one_batch_shows_that_it_may_be(
    file: str, name: str, why: str | None
) -> None:
    network = own(f"{file}:{name}", (5,), 1)
    x = rows(network, (5,), 72)
    y = (x[:, 0] > 0).float()
    data = {0: SplitData(x[:48], y[:48], x[48:60], y[48:60], x[60:], y[60:])}
    common = Setup(network, "log_loss", epochs=2, batch=16, dtype="float64")
    every = [Trial("focal", rate, seed, 0, common) for rate in (1e-3, 1e-2) for seed in (0, 1)]
    assert stackable(every[0]) == why
    assert record.read(Setup, record.text(common)) == common
    kept, before = x.clone(), torch.random.get_rng_state()
    ours, theirs, again = stacked.run(every, data), plain.run(every, data), plain.run(every, data)
    assert torch.equal(before, torch.random.get_rng_state()) and torch.equal(x, kept)
    for one, other, same in zip(ours, theirs, again, strict=True):
        np.testing.assert_allclose(one.curve, other.curve, rtol=1e-5)
        np.testing.assert_allclose(one.test, other.test, rtol=1e-4, atol=1e-5)
        assert other.test.tobytes() == same.test.tobytes()
    assert ours[0].curve != ours[1].curve


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Three", r"model Three: expected outputs of shape \(2, 1\) for two rows, got \(2, 3\); let it take"),
        ("Narrow", r"model Narrow: expected to take rows of shape \(5,\), got RuntimeError"),
        ("Nothing", "model Nothing: expected a torch.nn.Module that learns something, got Nothing"),
        ("Broken", r"model Broken: expected a class that can be made as .* got RuntimeError: no such layer"),
        ("Missing", "model: expected a class Missing in .*net.py, got none; check its name"),
    ],
)
def test_one_s_own_network_that_cannot_be_used_is_refused(file: str, name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        own(f"{file}:{name}", (5,), 1)


def test_one_s_own_network_has_the_outputs_that_a_loss_needs_or_says_that_it_has_not(file: str) -> None:
    assert own(f"{file}:Residual", (5,), 1).with_outputs(2).module(0, 0)(torch.zeros(4, 5)).shape == (4, 2)
    with pytest.raises(DataError, match=r"model Three: expected outputs of shape \(2, 1\)"):
        own(f"{file}:Three", (5,), 3).with_outputs(1)


def test_a_file_that_is_none_or_has_changed_is_refused(file: str, tmp_path: Path) -> None:
    for reference in ("net.py", f"{tmp_path}/absent.py:Net", f"{file}:"):
        with pytest.raises(
            DataError, match=r"model: expected a Python file and a class in it, as in net\.py:Net"
        ):
            own(reference, (5,), 1)
    network = own(f"{file}:Layers", (5,), 1)
    with pytest.raises(DataError, match=r"net.py as it was when the comparison began, got another content"):
        replace(network, digest="0" * 64).module(0, 0)
    (tmp_path / "wrong.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(DataError, match=r"a Python file that can be imported, .* got ModuleNotFoundError"):
        own(f"{tmp_path}/wrong.py:Net", (5,), 1)


def test_a_stack_holds_no_more_members_than_its_budget_allows() -> None:
    small = Setup(Mlp(30, (32,), 1), "accuracy", 1)
    assert members_at_once(small) >= 120
    assert members_at_once(small, budget=10 * 2**20) < members_at_once(small, budget=20 * 2**20) < 120
    assert members_at_once(small, budget=1) == 1
    pictures = Setup(Cnn(1, 8, 8, 10), "accuracy", 1)
    assert 4 <= members_at_once(pictures) < 40
    large = Trial("focal", 1e-3, 0, 0, Setup(Segmenter(3, 64, 64), "dice", 1))
    why = stackable(large)
    assert why is not None and why.endswith("MiB, and beyond 12 MiB stacking saves no time")


def test_a_slice_holds_no_more_outputs_than_fit() -> None:
    assert slice_members(1, 1000, 300, 300, most=120) == 120
    assert 1 <= slice_members(64 * 64, 1000, 300, 300, most=120) < 20
    assert slice_members(1024**2, 1000, 300, 300, most=120) == 1
