"""What a metric is: a formula over stacked outputs, and what the verdict must know about it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lossary.core.errors import ShapeError

Formula = Callable[[Tensor, Tensor, Tensor], Tensor]
Reads = Literal["decision", "order", "probability", "value"]


@dataclass(frozen=True)
class Metric:
    """A number that judges outputs against targets.

    `reads` says what of the outputs it looks at: the decision (sign, or greatest column), their order, the
    probabilities they stand for, or the value itself. `rewards` names the functionals for which the best
    expected metric is reached by estimating that functional; a loss that elicits another is not judged by it.
    `relative` metrics are errors: their region of equivalence is 1 % of the reference's value. `share` metrics are
    rates and scores between 0 and 1, shown in percent: theirs is one point. One that is neither (R²) has a region
    of 0.01 in its own unit. `wide` metrics have a target for every output of a row: labels, or the pixels of a
    picture. `cutter` chooses the cut of a metric that needs one, from rows whose targets it may see.
    """

    name: str
    title: str
    summary: str
    reads: Reads
    kinds: frozenset[str]
    rewards: frozenset[str]
    greater_is_better: bool
    relative: bool
    share: bool
    formula: Formula
    wide: bool = False
    cutter: Formula | None = None
    natural: float = 0.0  # the cut of outputs that are log-odds already, where a cutter has no rows to see
    in_target_unit: bool = False  # an error measured in what the target is measured in

    def score(
        self,
        outputs: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        *,
        threshold: float | Tensor | None = None,
    ) -> Tensor:
        """One value per member: outputs (..., N, K), target and weight (N,) or (..., N) -> (...), float64.

        Outputs are those of the kind: logits or margins for classes (K = 1 for two classes), labels and pixels; the
        prediction in the user's units for numbers; embeddings. The target of a `wide` metric is (..., N, K). What is
        decided by a sign is cut at 0; a threshold, one number or one per member, moves the cut, and a metric with a
        `cutter` chooses its own from these rows unless it is told one. A NaN in a row that counts makes the member's
        score NaN; a row of weight 0 does not count, and where no row counts the score is NaN.
        """
        cuts = self.reads == "decision" and (self.wide or outputs.shape[-1] == 1)
        if cuts and threshold is not None:
            outputs = outputs.detach().to(torch.float64)
            outputs = outputs - torch.as_tensor(threshold, dtype=torch.float64)[..., None, None]
        values, target, measure, spoilt = self._members(outputs, target, weight)
        if not values.shape[-2]:
            return torch.full(spoilt.shape, torch.nan, dtype=torch.float64)
        if cuts and threshold is None and self.cutter is not None:
            values = values - self.cutter(values, target, measure)[..., None, None]
        return torch.where(spoilt, torch.nan, self.formula(values, target, measure))

    def cut(self, outputs: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The cut (...) that a metric with a `cutter` chooses on these rows; NaN for outputs that are NaN."""
        assert self.cutter is not None, f"{self.name} cuts where the loss does"
        values, target, measure, spoilt = self._members(outputs, target, weight)
        return torch.where(spoilt, torch.nan, self.cutter(values, target, measure))

    def _members(
        self, outputs: Tensor, target: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Everything as (members ..., rows, ...): outputs without NaN, targets, weights; and which had a NaN."""
        values = outputs.detach().to(torch.float64)
        measure = torch.ones((), dtype=torch.float64) if weight is None else weight.detach().to(torch.float64)
        rows = self._rows(outputs, target)
        lead: torch.Size = torch.broadcast_shapes(values.shape[:-1], rows, measure.shape)  # type: ignore[no-untyped-call]
        values, measure = values.expand(*lead, -1), measure.expand(lead)
        target = target.expand(*lead, -1) if self.wide else target.expand(lead)
        blank = values.isnan().any(-1)
        if values.shape[-1] > 1 and not self.wide:
            # A share of infinity is not defined; of minus infinity it is 0, but not where every class has it.
            blank = blank | (values == torch.inf).any(-1) | (values == -torch.inf).all(-1)
        counts = measure > 0
        spoilt = (blank & counts).any(-1) | ~counts.any(-1)
        return torch.where(blank[..., None], 0.0, values), target, measure, spoilt

    def _rows(self, outputs: Tensor, target: Tensor) -> torch.Size:
        """The shape of the target's rows. Raises ShapeError where they are not those of the outputs."""
        if not self.wide:
            if outputs.ndim < 2 or target.shape[-1:] != outputs.shape[-2:-1]:
                raise ShapeError(
                    f"outputs: expected (..., N, K) with one row per target, got {tuple(outputs.shape)} for a "
                    f"target of shape {tuple(target.shape)}; add a missing last axis with outputs.unsqueeze(-1)."
                )
            return target.shape
        if outputs.ndim < 2 or target.shape[-2:] != outputs.shape[-2:]:
            raise ShapeError(
                f"outputs: expected (..., N, K) with one column per column of the target, got "
                f"{tuple(outputs.shape)} for a target of shape {tuple(target.shape)}; flatten both to (..., N, K)."
            )
        return target.shape[:-1]

    def better(self, first: float, second: float) -> bool:
        """Whether `first` is strictly the better value; NaN is never better and never best."""
        if first != first:
            return False
        return second != second or (first > second if self.greater_is_better else first < second)

    @property
    def least(self) -> float:
        """What no value is below: 0 for shares and errors; a score such as R² has no bound."""
        return 0.0 if self.share or self.relative else -math.inf

    def judges(self, functional: str) -> bool:
        """Whether a loss that elicits this functional may be judged by this metric."""
        return functional in self.rewards


def average(values: Tensor, measure: Tensor) -> Tensor:
    """Weighted mean over the last axis, whatever rows of weight 0 hold; NaN where nothing counts."""
    counted = torch.where(measure > 0, values, 0.0)
    return (counted * measure).sum(-1) / measure.sum(-1)


def ratio(part: Tensor, whole: Tensor, empty: float = 0.0) -> Tensor:
    """part / whole, and `empty` where the whole is 0."""
    return torch.where(whole > 0, part / torch.where(whole > 0, whole, 1.0), empty)


def margin(outputs: Tensor) -> Tensor:
    """The score of the positive class (..., N): the only column, or the second minus the first."""
    return outputs[..., 0] if outputs.shape[-1] == 1 else outputs[..., 1] - outputs[..., 0]
