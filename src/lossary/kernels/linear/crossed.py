"""Cross-entropy as the loss of a row: its chunk math, with a z-loss and a soft cap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from .chunks import Work, tiles
from .slope import Slope
from .softmax import Slices, Sums, Target, curve_, slope_, sums, value

#: Fewer classes than this are added up one by one: it costs little, and of one class nothing is left but 0.
_MANY = 1024


class CrossEntropy(NamedTuple):
    """Cross-entropy of rows whose target is known.

    Attributes:
        target: the distribution q of every row.
        z_loss: how much lse(z)² costs.
        soft_cap: c of z = c·tanh(x/c), where x is what the head says; None: z = x.
        slices: those who hold the other classes of the same rows; None: all classes are here.
        total: Σ spread of all classes, where there are slices.
    """

    target: Target
    z_loss: float = 0.0
    soft_cap: float | None = None
    slices: Slices | None = None
    total: Tensor | float = 0.0

    @property
    def by_class(self) -> bool:
        """Whether logits are best kept class by class: where nothing else has a number for each of them."""
        return self.target.soft is None and self.soft_cap is None

    def narrow(self, low: int, high: int) -> CrossEntropy:
        """These rows alone."""
        return self._replace(target=self.target.narrow(low, high))

    def behind(self, work: Work) -> CrossEntropy:
        """The same with what the head says of all rows before it makes logits: what smoothing weighs of them."""
        target = self.target
        told = self.by_class and target.smooth and not target.holes and work.head.narrow is None
        if not told or len(work.weight) < _MANY:
            return self
        drawn = work.hidden @ work.gathered(target.spread)
        if work.bias is not None:
            drawn += work.bias.sum() if target.spread is None else work.bias @ target.spread
        return self._replace(target=target._replace(drawn=drawn))

    def values(self, logits: Tensor) -> Tensor:
        """One value per row, (R,), the same for all who hold slices. ``logits`` (R, V) are used up."""
        return torch.cat([part._values(logits[here]) for part, here in self._tiles(logits)])

    def slope_(self, logits: Tensor, factor: Tensor) -> tuple[Tensor, Slope]:
        """One value per row, (R,), and ``factor`` (R,) times the slope of ``logits`` (R, V), which are used up."""
        if self.by_class:
            return self._slope_(logits, factor)
        made = []
        for part, here in self._tiles(logits):
            steep = None if self.soft_cap is None else cap_(logits[here], self.soft_cap)
            found, slope = part._slope_(logits[here], factor[here])
            whole = slope.whole_()
            if steep is not None:
                whole.mul_(steep)
            made.append(found)
        return torch.cat(made), Slope(logits)

    def curve_(self, logits: Tensor, dot: Tensor, factor: Tensor) -> Tensor:
        """Curvature along a direction of the logits.

        ``dot`` (R, V) becomes ``factor`` times Hessian times itself, ``logits`` ``factor`` times the slope.

        Returns:
            The slope's product with the direction, (R,), without ``factor``.
        """
        return torch.cat(
            [part._curve_(logits[here], dot[here], factor[here]) for part, here in self._tiles(logits)]
        )

    def _tiles(self, logits: Tensor) -> Iterator[tuple[CrossEntropy, slice]]:
        """A few rows at a time where tensors of the logits' size are made on the way."""
        for here in tiles(*logits.shape) if not self.by_class else [slice(0, len(logits))]:
            yield self._replace(target=self.target.narrow(here.start, here.stop).settled()), here

    def _sums(self, logits: Tensor) -> tuple[Sums, Tensor]:
        if self.slices is None:
            return sums(logits, self.target)
        top = self.slices.greatest(logits.amax(1))
        mine, pivot = sums(logits, self.target, top)
        parts = [mine.others, mine.own, mine.reach, *([] if mine.pull is None else [mine.pull])]
        others, own, reach, *pull = self.slices.added(*parts)
        return Sums(top, others, own, reach, pull[0] if pull else None, self.total), pivot

    def _values(self, logits: Tensor) -> Tensor:
        if self.soft_cap is not None:
            logits.div_(self.soft_cap).tanh_().mul_(self.soft_cap)
        return value(self._sums(logits)[0], self.target, self.z_loss)

    def _slope_(self, logits: Tensor, factor: Tensor) -> tuple[Tensor, Slope]:
        found, pivot = self._sums(logits)
        made = value(found, self.target, self.z_loss)
        return made, slope_(logits, pivot, found, self.target, factor, self.z_loss)

    def _curve_(self, logits: Tensor, dot: Tensor, factor: Tensor) -> Tensor:
        steep = bent = None
        if self.soft_cap is not None:
            steep = cap_(logits, self.soft_cap)
            bent = logits * (-2.0 / self.soft_cap**2) * dot
            dot.mul_(steep)
        found, pivot = self._sums(logits)
        along = curve_(logits, dot, pivot, found, self.target, factor, self.z_loss, self.slices)
        if steep is not None and bent is not None:
            logits.mul_(steep)
            dot.mul_(steep).addcmul_(logits, bent)
        return along


def cap_(logits: Tensor, cap: float) -> Tensor:
    """Cap logits in place; returns the derivative, 1/cosh², which 1 − tanh² would lose where the cap is reached."""
    logits.div_(cap)
    steep = torch.cosh(logits).square_().reciprocal_()
    logits.tanh_().mul_(cap)
    return steep
