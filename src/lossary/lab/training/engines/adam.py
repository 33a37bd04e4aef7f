"""`torch.optim.AdamW` for stacked members: weight decay decoupled, each member at its own rate."""

from __future__ import annotations

import torch
from torch import Tensor

from lossary.lab.training.engines.stack import Stack
from lossary.lab.training.trial import Setup


class Adam:
    """The moments of a stack's weights; `step` moves the weights along the stack's gradient.

    rate: (members,) float64. Weight decay shrinks the weights by `rate * weight_decay` and never enters the
    moments, and `setup.eps` is next to nothing, so a loss multiplied by a constant takes the same path.
    """

    def __init__(self, stack: Stack, rate: Tensor, setup: Setup) -> None:
        self._stack, self._setup, self._steps = stack, setup, 0
        self._rate = rate.unsqueeze(1)
        self._decay = (1 - self._rate * setup.weight_decay).to(stack.weights.dtype)
        self._mean = torch.zeros_like(stack.weights)
        self._square = torch.zeros_like(stack.weights)
        self._move = torch.empty_like(stack.weights)
        self._moves = stack.by_member(self._move)

    def step(self) -> None:
        setup, gradient, move = self._setup, self._stack.gradient, self._move
        self._steps += 1
        mean_beta, square_beta = setup.betas
        self._mean.lerp_(gradient, 1 - mean_beta)
        self._square.mul_(square_beta).addcmul_(gradient, gradient, value=1 - square_beta)
        # Both bias corrections and eps in their places: rate * mean / c1 / (sqrt(square / c2) + eps).
        root = (1 - square_beta**self._steps) ** 0.5
        torch.sqrt(self._square, out=move)
        torch.div(self._mean, move.add_(setup.eps * root), out=move)
        factor = (self._rate * (root / (1 - mean_beta**self._steps))).to(move.dtype)
        for block, part in zip(self._stack.blocks, self._moves, strict=True):
            block.mul_(self._decay).addcmul_(part, factor, value=-1)
