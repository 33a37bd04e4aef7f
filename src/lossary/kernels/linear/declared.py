"""Any declared loss as the loss of a row: its own math and slope on one chunk of logits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Size, Tensor

from lossary.core import checks, prepare, values
from lossary.core.declaration import Loss
from lossary.core.keeping import silence
from lossary.core.kinds import Form
from lossary.core.options import Options
from lossary.core.shapes import Frame
from lossary.core.unit import Unit

from .chunks import Work
from .slope import Slope

#: Entries of the logits that the math sees at once.
TILE = 1 << 19


class Declared(NamedTuple):
    """A loss on rows whose targets are known.

    Attributes:
        loss: the loss.
        hyper: its hyper-parameters.
        options: what its targets still need: class weights and smoothing, which would make rows of indices.
        targets: canonical but for those, one row each; None where one was left out.
        axes: whether each input has an axis of its own.
        classes: size of the class axis.
        keep: which rows (or elements) count, (N,) or (N, V); None: all.
        soft_cap: c of z = c·tanh(x/c), where x is what the head says; None: z = x.
    """

    loss: Loss
    hyper: Mapping[str, Any]
    options: Options
    targets: tuple[Tensor | None, ...]
    axes: tuple[int | None, ...]
    classes: int
    keep: Tensor | None
    soft_cap: float | None = None

    @property
    def by_class(self) -> bool:
        """Whether logits are best kept class by class: a loss's math goes along rows."""
        return False

    def narrow(self, low: int, high: int) -> Declared:
        """These rows alone."""
        rows = tuple(None if each is None else each[low:high] for each in self.targets)
        keep = None if self.keep is None else self.keep[low:high]
        return self._replace(targets=rows, keep=keep)

    def behind(self, work: Work) -> Declared:
        """The same: a loss's math takes nothing but logits."""
        return self

    def apply(self, logits: Tensor) -> Tensor:
        """One value per unit, by the loss's own math, which autograd follows."""
        value: Tensor = self.loss.apply(self._ready(self.capped(logits)), self.hyper)
        return value

    def values(self, logits: Tensor) -> Tensor:
        """One value per unit."""
        return torch.cat([part.apply(logits[here]) for part, here in self._tiles(logits)])

    def slope_(self, logits: Tensor, factor: Tensor) -> tuple[Tensor, Slope]:
        """One value per unit, and ``factor`` (of the units) times the slope of ``logits``, in their place."""
        made = [part._slope_(logits[here], factor[here]) for part, here in self._tiles(logits)]
        return torch.cat(made), Slope(logits)

    def curve_(self, logits: Tensor, dot: Tensor, factor: Tensor) -> Tensor:
        """Curvature along a direction of the logits, by differentiating the math twice; as cross-entropy's."""
        return torch.cat(
            [part._curve_(logits[here], dot[here], factor[here]) for part, here in self._tiles(logits)]
        )

    def _tiles(self, logits: Tensor) -> Iterator[tuple[Declared, slice]]:
        """A few rows at a time: the dozen tensors that the math makes on the way then stay near the core."""
        step = max(1, TILE // logits.shape[1])
        for low in range(0, len(logits), step):
            yield self.narrow(low, low + step), slice(low, low + step)

    def _slope_(self, logits: Tensor, factor: Tensor) -> Tensor:
        if self.loss.slope is None or self.soft_cap is not None:
            found, slope = self._differentiated(logits, factor)
            logits.copy_(slope)
            return found
        ready = self._ready(logits)
        made: Tensor = self.loss.apply(ready, self.hyper)
        rest = (
            each.exp() if kind.kind.form is Form.DISTRIBUTION and each is not None else each
            for each, kind in zip(ready[1:], self.loss.inputs[1:], strict=True)
        )
        slope = self.loss.slope(self._silent(logits)[0], *rest, **self.hyper)
        if self.keep is not None:
            slope = torch.where(self._wide(self.keep, slope), slope, 0.0)
        torch.mul(slope, self._wide(factor, slope), out=logits)
        return made

    def _curve_(self, logits: Tensor, dot: Tensor, factor: Tensor) -> Tensor:
        with torch.enable_grad():
            here = logits.detach().requires_grad_()
            ones = torch.ones_like(factor)
            made = self.apply(here)
            (slope,) = torch.autograd.grad((made * ones).sum(), [here], create_graph=True)
            unit = self._wide(factor, logits)
            if slope.requires_grad:
                (bent,) = torch.autograd.grad((slope * (dot * unit)).sum(), [here], allow_unused=True)
            else:
                bent = None
        slope = slope.detach()
        along = slope * dot
        along = along.sum(-1) if along.ndim > factor.ndim else along
        logits.copy_(slope * unit)
        dot.zero_() if bent is None else dot.copy_(bent)
        return along

    def _differentiated(self, logits: Tensor, factor: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            here = logits.detach().requires_grad_()
            made = self.apply(here)
            (slope,) = torch.autograd.grad(made, [here], factor.to(made.dtype))
        return made.detach(), slope

    def capped(self, logits: Tensor) -> Tensor:
        """What the loss is told of the head's answer."""
        return logits if self.soft_cap is None else self.soft_cap * torch.tanh(logits / self.soft_cap)

    def _frame(self, logits: Tensor) -> Frame:
        whole = self.loss.unit is Unit.ELEMENT and self.axes[0] is None
        samples = logits.shape if whole else Size(logits.shape[:1])
        return Frame(samples, tuple(None if each is None else 1 for each in self.axes), self.classes)

    def _silent(self, logits: Tensor) -> tuple[Tensor | None, ...]:
        inputs = (logits, *self.targets)
        if self.keep is None:
            return inputs
        return silence(self.loss, inputs, self._frame(logits), self.keep, self.options, False)

    def _ready(self, logits: Tensor) -> tuple[Any, ...]:
        inputs = self._silent(logits)
        first, there = self.loss.inputs[0], inputs[0]
        if first.kind.domain is not None and there is not None and checks.reads_values(there):
            values.numbers(self.loss, first, there, first.kind.domain)
        return prepare.prepare(self.loss, inputs, self._frame(logits), self.options, False)[0]

    @staticmethod
    def _wide(unit: Tensor, rows: Tensor) -> Tensor:
        """A number per unit beside rows of logits."""
        return unit.unsqueeze(-1) if unit.ndim < rows.ndim else unit
