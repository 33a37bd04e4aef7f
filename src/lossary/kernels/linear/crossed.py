"""Cross-entropy as the loss of a row: its chunk math, with a z-loss and a soft cap."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .softmax import Target, curve_, slope_, sums, value


class CrossEntropy(NamedTuple):
    """Cross-entropy of rows whose target is known.

    Attributes:
        target: the distribution q of every row.
        z_loss: how much lse(z)² costs.
        soft_cap: c of z = c·tanh(x/c), where x is what the head says; None: z = x.
    """

    target: Target
    z_loss: float = 0.0
    soft_cap: float | None = None

    def narrow(self, low: int, high: int) -> CrossEntropy:
        """These rows alone."""
        return CrossEntropy(self.target.narrow(low, high), self.z_loss, self.soft_cap)

    def values(self, logits: Tensor) -> Tensor:
        """One value per row, (R,). ``logits`` (R, V) is used up."""
        if self.soft_cap is not None:
            logits.div_(self.soft_cap).tanh_().mul_(self.soft_cap)
        found, _ = sums(logits, self.target)
        return value(found, self.target, self.z_loss)

    def slope_(self, logits: Tensor, factor: Tensor) -> Tensor:
        """One value per row, (R,); ``logits`` become ``factor`` (R,) times the slope."""
        steep = None if self.soft_cap is None else cap_(logits, self.soft_cap)
        found, pivot = sums(logits, self.target)
        made = value(found, self.target, self.z_loss)
        slope_(logits, pivot, found, self.target, factor, self.z_loss)
        if steep is not None:
            logits.mul_(steep)
        return made

    def curve_(self, logits: Tensor, dot: Tensor, factor: Tensor) -> Tensor:
        """Curvature along a direction of the logits.

        ``dot`` (R, V) becomes ``factor`` times Hessian times itself, ``logits`` ``factor`` times the slope.

        Returns:
            The slope's product with the direction, (R,), without ``factor``.
        """
        if self.soft_cap is None:
            found, pivot = sums(logits, self.target)
            return curve_(logits, dot, pivot, found, self.target, factor, self.z_loss)
        steep = cap_(logits, self.soft_cap)
        bent = logits * (-2.0 / self.soft_cap**2) * dot
        dot.mul_(steep)
        found, pivot = sums(logits, self.target)
        along = curve_(logits, dot, pivot, found, self.target, factor, self.z_loss)
        logits.mul_(steep)
        dot.mul_(steep).addcmul_(logits, bent)
        return along


def cap_(logits: Tensor, cap: float) -> Tensor:
    """Cap logits in place; returns the derivative, 1/cosh², which 1 − tanh² would lose where the cap is reached."""
    logits.div_(cap)
    steep = torch.cosh(logits).square_().reciprocal_()
    logits.tanh_().mul_(cap)
    return steep
