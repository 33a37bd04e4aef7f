"""What a metric is: a formula over stacked outputs, and what the verdict must know about it."""

from __future__ import annotations

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
    of 0.01 in its own unit.
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

    def score(
        self,
        outputs: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        *,
        threshold: float | Tensor = 0.0,
    ) -> Tensor:
        """One value per member: outputs (..., N, K), target and weight (N,) or (..., N) -> (...), float64.

        Outputs are raw: logits or margins for classes (K = 1 for two classes, the sign decides; a threshold
        other than 0, one number or one per member, moves the cut), the prediction in the user's units for
        numbers. A NaN in a row that counts makes the member's score NaN; a row of weight 0 does not count.
        """
        if outputs.ndim < 2 or target.shape[-1:] != outputs.shape[-2:-1]:
            raise ShapeError(
                f"outputs: expected (..., N, K) with one row per target, got {tuple(outputs.shape)} for a "
                f"target of shape {tuple(target.shape)}; add a missing last axis with outputs.unsqueeze(-1)."
            )
        values = outputs.detach().to(torch.float64)
        if self.reads == "decision" and outputs.shape[-1] == 1:
            values = values - torch.as_tensor(threshold, dtype=torch.float64)[..., None, None]
        measure = torch.ones((), dtype=torch.float64) if weight is None else weight.detach().to(torch.float64)
        lead = (values[..., 0] + target + measure).shape
        values, target, measure = values.expand(*lead, -1), target.expand(lead), measure.expand(lead)
        blank = values.isnan().any(-1)
        spoilt = (blank & (measure > 0)).any(-1)
        result = self.formula(torch.where(blank[..., None], 0.0, values), target, measure)
        return torch.where(spoilt, torch.nan, result)

    def better(self, first: float, second: float) -> bool:
        """Whether `first` is strictly the better value; NaN is never better and never best."""
        if first != first:
            return False
        return second != second or (first > second if self.greater_is_better else first < second)

    def judges(self, functional: str) -> bool:
        """Whether a loss that elicits this functional may be judged by this metric."""
        return functional in self.rewards


def average(values: Tensor, measure: Tensor) -> Tensor:
    """Weighted mean over the last axis, whatever rows of weight 0 hold; NaN where nothing counts."""
    counted = torch.where(measure > 0, values, 0.0)
    return (counted * measure).sum(-1) / measure.sum(-1)


def margin(outputs: Tensor) -> Tensor:
    """The score of the positive class (..., N): the only column, or the second minus the first."""
    return outputs[..., 0] if outputs.shape[-1] == 1 else outputs[..., 1] - outputs[..., 0]
