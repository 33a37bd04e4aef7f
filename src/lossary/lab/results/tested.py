"""One loss on the test rows: every metric for every split and seed, from the outputs at the chosen rates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossary.lab.comparison import Measured
from lossary.lab.judging.statistics import estimate
from lossary.lab.metrics import Metric, get_metric, metrics_for
from lossary.lab.results.validated import Part, line, scored, validated
from lossary.lab.running.store import Outputs
from lossary.lab.training.calibrate import calibrated
from lossary.lab.training.rows import Rows

Values = NDArray[np.float64]
CELLS = 4_000_000  # outputs looked at at a time: 32 MB


@dataclass(frozen=True, eq=False)
class Tested:
    """Scores by name, each (splits, seeds): metrics, and what validation makes of them (see `validated`)."""

    scores: Mapping[str, Values]

    def measured(self, name: str, n_test: int, n_rest: int) -> Measured:
        """Mean and corrected 95 % interval over splits, seeds averaged; the interval of a share stays within [0, 1]."""
        metric, title = scored(name)
        values = self.scores[name].mean(axis=1)
        mean = low = high = nan
        if np.isfinite(values).all():
            found = estimate(values, n_test=n_test, n_rest=n_rest)
            (low, high), mean = found.interval(), found.mean
            if not metric.relative:
                high = min(high, 1.0)
            low = max(low, metric.least)
        return Measured(name, title, metric.greater_is_better, mean, low, high, tuple(values.tolist()))


def tested(
    by_split: Sequence[Outputs],
    rows: Rows,
    *,
    probabilities: bool,
    metric: Metric | None = None,
    calibrate: bool = True,
    seen: bool = True,
) -> Tested:
    """Every metric of one loss, from its outputs by split, and `metric` where it is not among them anyway.

    Metrics of probabilities only where the outputs mean `probabilities`. With `calibrate` also what a temperature, an
    offset or a cut makes of them that fits the validation rows. `seen` says that there are outputs of validation rows
    at all: a simple model has none, and its own cut decides.
    """
    metrics = shown(rows, probabilities=probabilities, metric=metric)
    scores: dict[str, Values] = {}
    for places in _alike(by_split):
        group = [by_split[place] for place in places]
        test, valid = _test(group, rows), _valid(group, rows) if seen else None
        found = {each.name: _score(each, test, valid) for each in metrics}
        if calibrate and valid is not None:
            found |= validated(rows.task.kind.value, test, valid, probabilities=probabilities)
        if metric is not None and metric.name not in found:  # it reads probabilities, and these are none
            found[metric.name] = torch.full(test.outputs.shape[:2], nan, dtype=torch.float64)
        for name, values in found.items():
            whole = scores.setdefault(name, np.empty((len(by_split), len(by_split[0].test))))
            whole[places] = values.numpy()
    return Tested(scores)


def shown(rows: Rows, *, probabilities: bool, metric: Metric | None = None) -> tuple[Metric, ...]:
    """The metrics of a loss: those of the kind, and the one that decides where it has parameters of its own."""
    kind, classes = rows.task.kind, len(rows.task.levels)
    known = metrics_for(kind.value, classes or None)
    extra = [] if metric is None or metric in known else [metric, *_beside(metric)]
    return tuple(each for each in (*known, *extra) if probabilities or each.reads != "probability")


def _beside(metric: Metric) -> list[Metric]:
    """What is read together with a metric: how often a quantile covers, with its pinball."""
    return [get_metric(metric.name.replace("pinball", "coverage"))] if "pinball" in metric.name else []


def _score(metric: Metric, test: Part, valid: Part | None) -> Tensor:
    if metric.cutter is None:
        return metric.score(test.outputs, test.target, test.weight)
    threshold = metric.natural if valid is None else metric.cut(valid.outputs, valid.target, valid.weight)
    return metric.score(test.outputs, test.target, test.weight, threshold=threshold)


def in_units(outputs: NDArray[np.float32], rows: Rows, split: int) -> Tensor:
    """Raw outputs (..., rows, K) in the user's unit, float64; logits and margins as they are."""
    values = torch.from_numpy(np.asarray(outputs, dtype=np.float64))
    scale = rows.scale(split)
    return values * scale.scale + scale.centre


def tuned(each: Outputs, rows: Rows) -> Tensor:
    """Test outputs that are no probabilities after what fits the validation rows best: (seeds, rows, K), float64."""
    found = line(_valid([each], rows), rows.task.kind.value, probabilities=False)
    return calibrated(torch.from_numpy(each.test)[None], found)[0]


def _test(group: Sequence[Outputs], rows: Rows) -> Part:
    """Test rows of some splits: outputs in the user's unit (splits, seeds, rows, K)."""
    truths = [rows.truth(each.split) for each in group]
    return _part([in_units(each.test, rows, each.split) for each in group], truths)


def _valid(group: Sequence[Outputs], rows: Rows) -> Part:
    """Validation rows, in the unit that the networks learn in."""
    data = [rows.data(each.split) for each in group]
    return _part([torch.from_numpy(each.valid) for each in group], [(d.y_valid, d.w_valid) for d in data])


def _part(outputs: Sequence[Tensor], truths: Sequence[tuple[Tensor, Tensor | None]]) -> Part:
    """Targets and weights get an axis of length 1 for the seeds."""
    weights = [weight for _, weight in truths if weight is not None]
    target = torch.stack([target for target, _ in truths])[:, None]
    return Part(torch.stack(list(outputs)), target, torch.stack(weights)[:, None] if weights else None)


def _alike(by_split: Sequence[Outputs]) -> Iterator[list[int]]:
    """Positions of outputs of one shape, no more than CELLS at a time: folds may differ by a row."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, each in enumerate(by_split):
        groups.setdefault((*each.test.shape, *each.valid.shape), []).append(place)
    for places in groups.values():
        together = max(1, CELLS // max(1, by_split[places[0]].test.size))
        for first in range(0, len(places), together):
            yield places[first : first + together]
