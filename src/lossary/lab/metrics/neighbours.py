"""Metrics of embeddings: each scored row is a query, all other scored rows are what is searched.

Rows are compared by the Euclidean distance of their outputs divided by their length, so by angle, whatever distance
a loss trains: an embedding's length is not to buy a rank. Of two rows at one distance the one of another class comes
first, so that an embedding that tells nothing apart finds nothing. A weight counts queries; a row of weight 0 is
neither asked nor found. A query without a second row of its class has nothing to find and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lossary.lab.metrics.metric import Formula, average

CELLS = 4_000_000  # pairs of rows looked at at a time: 32 MB
SLACK = 1e-9  # squared distances of unit vectors this near are one distance: products of equal rows differ by 1e-16


def recall_at(k: int) -> Formula:
    """The formula of recall@k: the share of queries with a row of their class among the k nearest."""

    def formula(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
        return _over_queries(lambda far, same: _before_first(far, same) < k, outputs, target, measure)

    return formula


def neighbour_accuracy(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Share of rows whose nearest other row is of their class; a row alone in its class is wrong."""
    return _over_queries(lambda far, same: _before_first(far, same) < 1, outputs, target, measure, alone=0.0)


def precision_at_r(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """MAP@R: precision at each hit among the R nearest over R, where R is how many there are (Musgrave et al. 2020)."""
    return _over_queries(_average_precision, outputs, target, measure)


def neighbour_gap(outputs: Tensor, target: Tensor, measure: Tensor) -> Tensor:
    """Squared distance to the nearest row of one's class minus that to the nearest of another, averaged; -4 to 4."""
    return _over_queries(_gap, outputs, target, measure)


Answer = Callable[
    [Tensor, Tensor], Tensor
]  # distances, same class (members, queries, N) -> (members, queries)


def _before_first(far: Tensor, same: Tensor) -> Tensor:
    nearest = torch.where(same, far, torch.inf).amin(-1, keepdim=True)
    others = ~same & far.isfinite()
    return (others & (far <= nearest + SLACK)).sum(-1)


def _average_precision(far: Tensor, same: Tensor) -> Tensor:
    many = same.sum(-1, keepdim=True)
    most = max(1, int(many.max())) if many.numel() else 1
    order = torch.where(same, far + SLACK, far).topk(most, dim=-1, largest=False).indices
    hits = same.gather(-1, order)
    place = torch.arange(1, most + 1, dtype=far.dtype)
    counted = hits & (place <= many)
    return (hits.cumsum(-1) / place * counted).sum(-1) / many[..., 0].clamp(min=1)


def _gap(far: Tensor, same: Tensor) -> Tensor:
    near = torch.where(same, far, torch.inf).amin(-1)
    other = torch.where(same, torch.inf, far).amin(-1)
    return torch.where(other.isfinite(), near - other, near)  # a single class: how near its rows lie


def _over_queries(
    answer: Answer, outputs: Tensor, target: Tensor, measure: Tensor, alone: float = torch.nan
) -> Tensor:
    """The weighted mean of what every query answers; queries with nothing to find count as `alone`, NaN: not at all."""
    lead, rows = measure.shape[:-1], measure.shape[-1]
    units = normalize(outputs, dim=-1).reshape(-1, rows, outputs.shape[-1])
    labels, weights = target.reshape(-1, rows), measure.reshape(-1, rows)
    found = torch.empty_like(weights)
    for members, queries in _blocks(len(units), rows):
        block, classes, counted = units[members], labels[members], weights[members] > 0
        far = 2 - 2 * block[:, queries] @ block.mT
        itself = torch.arange(rows)[queries, None] == torch.arange(rows)
        far = far.masked_fill(itself | ~counted[:, None, :], torch.inf)
        same = (classes[:, queries, None] == classes[:, None, :]) & far.isfinite()
        value = answer(far, same).to(weights.dtype)
        found[members, queries] = torch.where(same.any(-1), value, alone)
    asked = torch.where(found.isnan(), 0.0, weights)
    lost = (~units.isfinite().all(-1) & (weights > 0)).any(-1)  # an infinite output is near nothing
    return torch.where(lost, torch.nan, average(found.nan_to_num(), asked)).reshape(lead)


def _blocks(members: int, rows: int) -> Iterator[tuple[slice, slice]]:
    """Members and queries at a time, so that no block has more pairs than CELLS."""
    together = max(1, CELLS // max(1, rows * rows))
    queries = rows if rows * rows <= CELLS else max(1, CELLS // rows)
    for first in range(0, members, together):
        for start in range(0, rows, queries):
            yield slice(first, first + together), slice(start, start + queries)
