"""Metrics of several labels a row: outputs, targets (..., N, L); a label is chosen where its output is above 0."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from lossary.lab.metrics.metric import Formula, average, ratio
from lossary.lab.metrics.ranking import average_precision, roc_area


def micro_f1(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """F1 of all labels of all rows counted together; 0 where no label is there and none chosen."""
    hits, there, chosen = _counts(outputs, target, measure)
    return ratio(2 * hits.sum(-1), there.sum(-1) + chosen.sum(-1))


def macro_f1(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Mean of the labels' own F1, over the labels that occur or were chosen."""
    hits, there, chosen = _counts(outputs, target, measure)
    seen = (there + chosen) > 0
    return ratio(2 * hits, there + chosen).sum(-1) / seen.sum(-1)


def subset_accuracy(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Share of rows with every label right."""
    return average(((outputs > 0) == (target > 0)).all(-1).to(measure.dtype), measure)


def hamming_accuracy(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Share of labels that are right."""
    return average(((outputs > 0) == (target > 0)).to(measure.dtype).mean(-1), measure)


def label_ranking(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Average precision within a row: of the labels at or above a present one, the share present; averaged.

    A row with all labels or with none is ranked rightly, as scikit-learn has it.
    """
    there = target > 0
    total = torch.zeros(measure.shape, dtype=measure.dtype)
    for label in range(outputs.shape[-1]):  # one at a time: all pairs of labels at once are much memory
        above = outputs >= outputs[..., label : label + 1]
        precision = (above & there).sum(-1) / above.sum(-1).clamp(min=1).to(measure.dtype)
        total = total + torch.where(there[..., label], precision, 0.0)
    count = there.sum(-1)
    trivial = (count == 0) | (count == outputs.shape[-1])
    return average(torch.where(trivial, 1.0, total / count.clamp(min=1)), measure)


def mean_average_precision(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """PR-AUC of each label over the rows, averaged over the labels that occur."""
    return _over_labels(average_precision, outputs, target, measure)


def label_roc_auc(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """ROC-AUC of each label over the rows, averaged over the labels that some rows have and some lack."""
    return _over_labels(roc_area, outputs, target, measure)


def label_log_loss(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Mean of -log of the probability given to what happened, over rows and labels."""
    return average(softplus(torch.where(target > 0, -outputs, outputs)).mean(-1), measure)


def label_brier(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Mean squared distance of a label's probability from what happened, over rows and labels."""
    return average((outputs.sigmoid() - target.to(measure.dtype)).square().mean(-1), measure)


def _counts(outputs: Tensor, target: Tensor, measure: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Per label, as weights of rows: chosen and there, there, chosen. (..., L) each."""
    there, chosen = target > 0, outputs > 0
    weight = torch.where(measure > 0, measure, 0.0)[..., None]
    return (weight * (there & chosen)).sum(-2), (weight * there).sum(-2), (weight * chosen).sum(-2)


def _over_labels(area: Formula, outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    there = target.mT > 0
    weight = measure[..., None, :].expand(there.shape)
    return area(outputs.mT.contiguous(), there, weight).nanmean(-1)
