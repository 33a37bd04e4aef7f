"""Which trials the stacked engine may train, and with which stack."""

from __future__ import annotations

import warnings
from functools import cache

import torch
from torch import Tensor
from torch.func import functional_call

from lossary.lab.training.engines.memory import CACHE, hot_bytes
from lossary.lab.training.engines.stack import Stack
from lossary.lab.training.engines.vmapped import Vmapped
from lossary.lab.training.networks import Network, Own, generator
from lossary.lab.training.networks.dropout import drop, shapes
from lossary.lab.training.trial import Trial

REASONS = {
    "random operation": "draws random numbers of its own",
    "data-dependent control flow": "decides by the numbers it sees what it does",
}
PROBE = ((0, 0), (0, 1))  # streams of the batch that decides


def stackable(trial: Trial) -> str | None:
    """None when the stacked engine trains this trial, else why it does not, in the words of the report."""
    kind, why = kind_of_stack(trial.setup.network)
    if kind is not None and hot_bytes(trial.setup) > CACHE:
        size = hot_bytes(trial.setup) / 2**20
        return f"one batch of its network holds {size:.0f} MiB, and beyond {CACHE >> 20} MiB stacking saves no time"
    return why


@cache
def kind_of_stack(network: Network) -> tuple[type[Stack] | type[Vmapped] | None, str | None]:
    """The stack that trains this network, or None and why there is none.

    Lossary's own networks are made of layers the stack knows. The user's is tried on one batch in float64: layer by
    layer where its layers are known ones, else as torch can run it for many weights at once.
    """
    if not isinstance(network, Own):
        return Stack, None
    why = _private_state(network)
    if why is not None:
        return None, why
    for kind in (Stack, Vmapped):
        try:
            with warnings.catch_warnings():  # a loop in disguise saves nothing
                warnings.filterwarnings("error", "There is a performance drop")
                if _agrees(kind, network):
                    return kind, None
            why = f"{network.name} gives other numbers when many are run at once"
        except Exception as error:  # noqa: BLE001 — it is the user's code, which may raise anything
            why = f"{network.name} {_reason(error)}"
    return None, why


def _reason(error: Exception) -> str:
    """What torch's `vmap` says, in a few words."""
    said = " ".join(str(error).split()) or type(error).__name__
    for sign, words in REASONS.items():
        if sign in said:
            return words
    return f"cannot be run for many weights at once ({said.split('. ')[0][:120].rstrip('.')})"


def _private_state(network: Own) -> str | None:
    """Why a network is more than its learned weights: numbers that it keeps, or that are frozen and differ."""
    first, second = (network.module(*stream) for stream in PROBE)
    before = {name: each.clone() for name, each in first.named_buffers()}
    with torch.random.fork_rng(devices=[]):
        first.train()(rows_like(network, 4, 0))
    for name, each in first.named_buffers():
        if name not in before or not torch.equal(before[name], each):
            return f"{network.name} keeps a record of its batches ({name})"
    frozen = {name: each for name, each in second.named_parameters() if not each.requires_grad}
    for name, each in {**dict(second.named_buffers()), **frozen}.items():
        if not torch.equal({**before, **dict(first.named_parameters())}[name], each):
            return f"{network.name} has numbers that are drawn and not learned ({name})"
    return None


def _agrees(kind: type[Stack] | type[Vmapped], network: Own) -> bool:
    """Two streams of two members each, moved apart: outputs and gradients against one network at a time."""
    numbers = torch.Generator().manual_seed(0)
    stack = kind(network, PROBE, 2, torch.float64)
    stack.weights.add_(0.01 * torch.randn(stack.weights.shape, dtype=torch.float64, generator=numbers))
    x = torch.stack([rows_like(network, 5, seed) for seed in (1, 2)])
    x = x.double() if x.is_floating_point() else x
    dropped = {
        name: torch.rand(2, 5, *shape, dtype=torch.float64, generator=numbers)
        for name, (_, shape) in shapes(network.module(0, 0, torch.float64).eval(), x[0, :1]).items()
    }
    silent = stack.forward(x).mT.clone()
    outputs = stack.forward(x, dropped, learning=True).mT.clone()
    slope = torch.randn(outputs.shape, dtype=torch.float64, generator=numbers)
    stack.backward(slope.mT.contiguous())
    weights, gradients = stack.named(stack.weights), stack.named(stack.gradient)
    module = network.module(0, 0, torch.float64)
    for member in range(4):
        stream = member // 2
        own = {name: each[member].clone().requires_grad_() for name, each in weights.items()}
        drop(module, {})
        quiet = functional_call(module.eval(), own, (x[stream],))
        drop(module, {name: each[stream] for name, each in dropped.items()})
        found = functional_call(module.train(), own, (x[stream],))
        expected = torch.autograd.grad(
            found, list(own.values()), slope[member], allow_unused=True, materialize_grads=True
        )
        pairs = [(silent[member], quiet), (outputs[member], found)]
        pairs += [(gradients[name][member], each) for name, each in zip(own, expected, strict=True)]
        if not all(torch.allclose(one, other, rtol=1e-9, atol=1e-12) for one, other in pairs):
            return False
    return True


def rows_like(network: Own, rows: int, seed: int) -> Tensor:
    """Made-up rows as the network takes them."""
    numbers = generator(0, seed, 0)
    if network.floating:
        return torch.randn(rows, *network.shape, generator=numbers)
    return torch.randint(2, (rows, *network.shape), generator=numbers)
