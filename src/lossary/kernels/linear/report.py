"""What else a pass over the logits can tell: how often the greatest is right, and how undecided they are."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .chunks import tiles

NAMES = ("accuracy", "entropy")


class Reported(NamedTuple):
    """A loss and what was asked for beside it.

    Attributes:
        loss: what the call returns without ``report``.
        accuracy: the share of rows whose greatest logit is the target's class; None: not asked for.
        entropy: the mean entropy of the softmax of the logits, in nats; None: not asked for.
    """

    loss: Tensor
    accuracy: Tensor | None = None
    entropy: Tensor | None = None


class Watch:
    """Looks at each chunk of logits before it is used up. Its means are over the rows that count, each once."""

    def __init__(
        self, names: tuple[str, ...], target: Tensor | None, cap: float | None, keep: Tensor | None
    ) -> None:
        self.names, self.target, self.cap, self.keep = names, target, cap, keep
        self.right: list[Tensor] = []
        self.entropies: list[Tensor] = []

    def look(self, low: int, high: int, logits: Tensor) -> None:
        """Rows ``low`` to ``high`` of the logits, which stay as they are."""
        for here in tiles(*logits.shape):
            target = None if self.target is None else self.target[low:high][here]
            self._look(target, logits[here].detach())

    def _look(self, target: Tensor | None, logits: Tensor) -> None:
        if "accuracy" in self.names and target is not None:
            label = target.argmax(-1) if target.is_floating_point() else target
            self.right.append(logits.argmax(-1) == label)
        if "entropy" in self.names:
            if self.cap is not None:
                logits = self.cap * torch.tanh(logits / self.cap)
            gap = logits - logits.amax(-1, keepdim=True)
            odds = gap.exp()
            size = odds.sum(-1)
            # Σ p·(log size − gap), where a logit of −inf has no part.
            spent = torch.where(odds == 0, 0.0, gap).mul_(odds).sum(-1) / size
            self.entropies.append(size.log() - spent)

    def report(self, loss: Tensor) -> Reported:
        """The loss with the means asked for; 0 where no row counts."""
        return Reported(
            loss,
            self._mean(self.right, loss) if "accuracy" in self.names else None,
            self._mean(self.entropies, loss) if "entropy" in self.names else None,
        )

    def _mean(self, found: list[Tensor], like: Tensor) -> Tensor:
        if not found:
            return like.new_zeros(())
        rows = torch.cat(found).float()
        if self.keep is None:
            return rows.mean() if rows.numel() else rows.sum()
        return torch.where(self.keep, rows, 0.0).sum() / self.keep.sum().clamp(min=1)
