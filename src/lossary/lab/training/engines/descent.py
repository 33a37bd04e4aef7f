"""One step of descent for stacked members, each at its own rate, with decoupled weight decay."""

from __future__ import annotations

import torch
from torch import Tensor

from lossary.lab.training.engines.stack import Weights
from lossary.lab.training.trial import Setup


class Descent:
    """`step` moves a stack's weights along its gradient as `torch.optim.AdamW` does, or plain gradient descent.

    rate: (members,) float64. torch's own optimiser finds the direction of all members, at rate 1 from 0; then
    weights shrink by `rate * weight_decay` and go `rate` times that way. Decay never enters the moments and
    `setup.eps` is next to nothing, so with Adam a loss multiplied by a constant takes the same path.
    """

    def __init__(self, stack: Weights, rate: Tensor, setup: Setup) -> None:
        self._stack = stack
        dtype = stack.weights.dtype
        self._rate = rate.unsqueeze(1).to(dtype)
        self._decay = (1 - rate.unsqueeze(1) * setup.weight_decay).to(dtype)
        self._way = torch.zeros_like(stack.weights)
        self._ways = stack.by_member(self._way)
        self._adam = None
        if setup.optimizer == "adamw":
            self._way.grad = stack.gradient
            self._adam = torch.optim.AdamW(
                [self._way], lr=1.0, betas=setup.betas, eps=setup.eps, weight_decay=0.0, fused=True
            )

    def step(self) -> None:
        if self._adam is None:
            torch.neg(self._stack.gradient, out=self._way)
        else:
            self._way.zero_()
            self._adam.step()
        for block, way in zip(self._stack.blocks, self._ways, strict=True):
            block.mul_(self._decay).addcmul_(way, self._rate)
