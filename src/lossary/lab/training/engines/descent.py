"""One step of descent for stacked members, each at its own rate, with decoupled weight decay."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

import torch
from torch import Tensor

from lossary.lab.training.engines.stack import Weights
from lossary.lab.training.trial import Setup

LARGE = 2**14  # learned numbers of a member, from which passes over memory cost more than calls


class Descent:
    """`step` moves a stack's weights along its gradient as `torch.optim.AdamW` does, or plain gradient descent.

    rate: (members,) float64. Weight decay shrinks weights by `rate * weight_decay` and never enters the moments, and
    `setup.eps` is next to nothing, so with Adam a loss multiplied by a constant takes the same path.

    Of small networks torch's own optimiser finds the direction of all members at once, at rate 1 from 0; then
    weights shrink and go `rate` times that way. Of large ones it moves the weights itself, rate by rate.
    """

    def __init__(self, stack: Weights, rate: Tensor, setup: Setup) -> None:
        self._stack = stack
        self._adam: torch.optim.Optimizer | None = None
        large = stack.weights.numel() >= LARGE * stack.members
        adam = partial(torch.optim.AdamW, betas=setup.betas, eps=setup.eps, fused=True)
        self._way: Tensor | None = None
        if setup.optimizer == "adamw" and large:
            groups = [
                {"params": members, "lr": own, "weight_decay": setup.weight_decay}
                for own, members in self._by_rate(rate).items()
            ]
            self._adam = adam(groups)
            return
        dtype = stack.weights.dtype
        self._rate = rate.unsqueeze(1).to(dtype)
        self._decay = (1 - rate.unsqueeze(1) * setup.weight_decay).to(dtype)
        self._way = torch.zeros_like(stack.weights)
        self._ways = stack.by_member(self._way)
        if setup.optimizer == "adamw":
            self._way.grad = stack.gradient
            self._adam = adam([self._way], lr=1.0, weight_decay=0.0)

    def step(self) -> None:
        """One step along the gradient that the stack holds."""
        if self._way is None:
            assert self._adam is not None
            self._adam.step()
            return
        if self._adam is None:
            torch.neg(self._stack.gradient, out=self._way)
        else:
            self._way.zero_()
            self._adam.step()
        for block, way in zip(self._stack.blocks, self._ways, strict=True):
            block.mul_(self._decay).addcmul_(way, self._rate)

    def _by_rate(self, rate: Tensor) -> dict[float, list[Tensor]]:
        """The members' own parameters, each a view that knows its gradient, by rate."""
        found: dict[float, list[Tensor]] = defaultdict(list)
        slopes = self._stack.by_member(self._stack.gradient)
        for block, slope in zip(self._stack.blocks, slopes, strict=True):
            for member, own in enumerate(rate.tolist()):
                part = block[member].detach()
                part.grad = slope[member]
                found[own].append(part)
        return found
