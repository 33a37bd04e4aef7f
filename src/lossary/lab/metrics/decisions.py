"""Metrics of decisions: they see the class that was chosen and nothing else."""

from __future__ import annotations

import torch
from torch import Tensor

from lossary.lab.metrics.metric import Formula, average, ratio


def decide(outputs: Tensor) -> Tensor:
    """The chosen class (..., N): 1 where the only column is above 0, else the first greatest column."""
    return (outputs[..., 0] > 0).long() if outputs.shape[-1] == 1 else outputs.argmax(-1)


def confusion(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Weighted counts (..., C, C): the true class in the rows, the chosen one in the columns."""
    return tallied(decide(outputs), target, measure, max(2, outputs.shape[-1]))


def tallied(chosen: Tensor, target: Tensor, measure: Tensor, classes: int) -> Tensor:
    """Weighted counts (..., C, C) of chosen classes (..., N): the true class in the rows."""
    cell = target.long() * classes + chosen
    counts = torch.zeros(*cell.shape[:-1], classes * classes, dtype=measure.dtype)
    return counts.scatter_add(-1, cell, measure).reshape(*cell.shape[:-1], classes, classes)


def accuracy(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Share of rows whose class was chosen rightly."""
    return average((decide(outputs) == target).to(measure.dtype), measure)


def balanced_accuracy(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Mean over the classes that occur of the share chosen rightly."""
    counts = confusion(outputs, target, measure)
    present = counts.sum(-1)
    shares = ratio(counts.diagonal(dim1=-2, dim2=-1), present)
    return shares.sum(-1) / (present > 0).sum(-1)


def precision(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Of what was chosen, the share that is right; 0 where nothing was chosen."""
    counts = confusion(outputs, target, measure)
    return _positive_or_mean(ratio(counts.diagonal(dim1=-2, dim2=-1), counts.sum(-2)), counts, outputs)


def recall(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Of what is there, the share that was chosen; 0 where nothing is there."""
    counts = confusion(outputs, target, measure)
    return _positive_or_mean(ratio(counts.diagonal(dim1=-2, dim2=-1), counts.sum(-1)), counts, outputs)


def f1(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Harmonic mean of precision and recall; 0 where both are 0."""
    counts = confusion(outputs, target, measure)
    hits = counts.diagonal(dim1=-2, dim2=-1)
    return _positive_or_mean(ratio(2 * hits, counts.sum(-1) + counts.sum(-2)), counts, outputs)


def false_positive_rate(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Of the negative rows, the share called positive; 0 where there are none."""
    counts = confusion(outputs, target, measure)
    return ratio(counts[..., 0, 1], counts[..., 0, :].sum(-1))


def matthews(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Correlation of decision and truth, -1 to 1; 0 where either is always the same class (Gorodkin 2004, R_K)."""
    counts = confusion(outputs, target, measure)
    total, truth, chosen = counts.sum((-2, -1)), counts.sum(-1), counts.sum(-2)
    together = counts.diagonal(dim1=-2, dim2=-1).sum(-1) * total - (truth * chosen).sum(-1)
    spread = (total.square() - truth.square().sum(-1)) * (total.square() - chosen.square().sum(-1))
    return ratio(together, spread.clamp(min=0).sqrt())


def expected_cost(fn: float, fp: float) -> Formula:
    """The formula of the mean cost of a row, where a missed positive costs `fn` and a false alarm `fp`."""

    def formula(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
        counts = confusion(outputs, target, measure)
        return (fn * counts[..., 1, 0] + fp * counts[..., 0, 1]) / measure.sum(-1)

    return formula


def top(k: int) -> Formula:
    """The formula of top-k: the share of rows whose class is among the k greatest columns.

    Ties go to the first column, as in `decide`, so that top(1) is accuracy.
    """

    def formula(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
        classes = torch.arange(outputs.shape[-1])
        mine = outputs.gather(-1, target.long()[..., None])
        ahead = (outputs > mine) | ((outputs == mine) & (classes < target[..., None]))
        return average((ahead.sum(-1) < k).to(measure.dtype), measure)

    return formula


def _positive_or_mean(shares: Tensor, counts: Tensor, outputs: Tensor) -> Tensor:
    # Two classes: the positive class's. More: the mean over classes that occur or were chosen ("macro").
    if outputs.shape[-1] <= 2:
        return shares[..., 1]
    seen = (counts.sum(-1) + counts.sum(-2)) > 0
    return shares.sum(-1) / seen.sum(-1)
