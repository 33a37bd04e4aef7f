"""Models of several seeds trained as one: their weights and their rows stand along a first axis."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn

import lossary

#: Seeds that an effect is measured on.
SEEDS = 10


def generator(seed: int = 0) -> torch.Generator:
    """The one source of chance of a test."""
    return torch.Generator().manual_seed(seed)


class Members(nn.Module):
    """One linear model, or network with one hidden layer, for every seed, with the head that a loss asks for."""

    def __init__(self, name: str, x: Tensor, target: Tensor, *, hidden: int = 0, **hyper: Any) -> None:
        super().__init__()
        self.loss = lossary.get(name)
        self.hyper = hyper
        self.classes = {"class_dim": -1} if "class_dim" in self.loss.loss.options else {}
        members, _, features = x.shape
        chance = generator(1)
        self.inner = nn.ParameterList()
        if hidden:
            spread = torch.randn(members, features, hidden, generator=chance, dtype=x.dtype) * features**-0.5
            self.inner.extend([spread, torch.zeros(members, 1, hidden, dtype=x.dtype)])
        head = self.loss.card.head(hidden or features, target=target[0], **hyper)
        self.shared, self.squeeze = head.shared, head.squeeze
        width = len(head.linear.weight)
        start = 0.01 * torch.randn(members, hidden or features, width, generator=chance, dtype=x.dtype)
        self.weight = nn.Parameter(start)
        self.bias = nn.Parameter(head.bias.detach().to(x.dtype).repeat(members, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Raw outputs (members, rows, ...) of rows (members, rows, features)."""
        if self.inner:
            x = torch.baddbmm(self.inner[1], x, self.inner[0]).relu()
        raw = x @ self.weight
        raw = (raw if self.shared is None else raw * self.shared) + self.bias
        return raw.squeeze(-1) if self.squeeze else raw

    def cost(self, x: Tensor, target: Tensor, **options: Any) -> Tensor:
        """The loss over the rows of all members."""
        value: Tensor = self.loss(self(x), target, **self.hyper, **self.classes, **options)
        return value

    def descend(self, x: Tensor, target: Tensor, *, steps: int, lr: float, **options: Any) -> Self:
        """Train by Adam, all rows at once, with steps that shrink to 0; Adam does not mind the mean over members."""
        optimizer = torch.optim.Adam(self.parameters(), lr=lr)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(steps):
            optimizer.zero_grad()
            self.cost(x, target, **options).backward()
            optimizer.step()
            schedule.step()
        return self

    def settle(self, x: Tensor, target: Tensor, *, steps: int = 300, **options: Any) -> Self:
        """Train to the least cost by L-BFGS, where there are few weights."""
        optimizer = torch.optim.LBFGS(
            self.parameters(),
            max_iter=steps,
            line_search_fn="strong_wolfe",
            tolerance_grad=1e-10,
            tolerance_change=1e-14,
        )

        def closure() -> Tensor:
            optimizer.zero_grad()
            value = self.cost(x, target, **options)
            value.backward()
            return value

        optimizer.step(closure)
        return self

    @torch.no_grad()
    def answers(self, x: Tensor) -> Tensor:
        """What the raw outputs stand for."""
        found: Tensor = self.loss.decode(self(x), **self.classes, **self.hyper)
        return found

    @torch.no_grad()
    def probabilities(self, x: Tensor) -> Tensor:
        """The class probabilities that the raw outputs stand for."""
        found: Tensor = self.loss.probabilities(self(x), **self.classes, **self.hyper)
        return found
