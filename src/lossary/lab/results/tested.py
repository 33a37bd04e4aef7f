"""One loss on the test rows: every metric for every split and seed, from the outputs at the chosen rates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossary.lab.asking.task import Kind
from lossary.lab.comparison import Measured
from lossary.lab.judging.statistics import estimate
from lossary.lab.metrics import get_metric, metrics_for
from lossary.lab.running.store import Outputs
from lossary.lab.training.calibrate import calibrated, sharpness
from lossary.lab.training.rows import Rows

Values = NDArray[np.float64]
CALIBRATED = "_calibrated"  # ends the name of a metric of calibrated probabilities
CALIBRATED_METRICS = ("log_loss", "brier", "ece")


@dataclass(frozen=True, eq=False)
class Tested:
    """Scores by metric name, each (splits, seeds)."""

    scores: Mapping[str, Values]

    def measured(self, name: str, n_test: int, n_rest: int) -> Measured:
        """Mean and corrected 95 % interval over splits, seeds averaged; the interval of a share stays within [0, 1]."""
        metric = get_metric(name.removesuffix(CALIBRATED))
        title = metric.title + (", calibrated" if name.endswith(CALIBRATED) else "")
        values = self.scores[name].mean(axis=1)
        mean = low = high = nan
        if np.isfinite(values).all():
            found = estimate(values, n_test=n_test, n_rest=n_rest)
            (low, high), mean = found.interval(), found.mean
            if not metric.relative:
                high = min(high, 1.0)
            if metric.name != "r2":  # the one metric that may fall below 0
                low = max(low, 0.0)
        return Measured(name, title, metric.greater_is_better, mean, low, high, tuple(values.tolist()))


def tested(by_split: Sequence[Outputs], rows: Rows, *, probabilities: bool, calibrate: bool = True) -> Tested:
    """Every metric of one loss, from its outputs by split.

    Metrics of probabilities only where the outputs mean `probabilities`; and for every loss for classes, with
    `calibrate`, after the temperature that fits the validation rows.
    """
    kind, classes = rows.task.kind, len(rows.task.levels)
    metrics = [
        metric
        for metric in metrics_for(kind.value, classes or None)
        if probabilities or metric.reads != "probability"
    ]
    seeds = len(by_split[0].test)
    scores = {metric.name: np.empty((len(by_split), seeds)) for metric in metrics}
    tempered = CALIBRATED_METRICS if calibrate and kind is not Kind.REGRESSION else ()
    scores |= {name + CALIBRATED: np.empty((len(by_split), seeds)) for name in tempered}
    for places in _alike(by_split):
        group = [by_split[place] for place in places]
        target, weight = _stacked(rows.truth, group)
        outputs = torch.stack([in_units(each.test, rows, each.split) for each in group])
        for metric in metrics:
            scores[metric.name][places] = metric.score(outputs, target, weight).numpy()
        if tempered:
            outputs = torch.stack([torch.from_numpy(each.test) for each in group])
            outputs = calibrated(outputs, _sharpness(group, rows))
        for name in tempered:
            scores[name + CALIBRATED][places] = get_metric(name).score(outputs, target, weight).numpy()
    return Tested(scores)


def in_units(outputs: NDArray[np.float32], rows: Rows, split: int) -> Tensor:
    """Raw outputs (..., rows, K) in the user's unit, float64; logits and margins as they are."""
    values = torch.from_numpy(np.asarray(outputs, dtype=np.float64))
    scale = rows.scale(split)
    return values * scale.scale + scale.centre


def tuned(each: Outputs, rows: Rows) -> Tensor:
    """Test outputs after the temperature that fits the validation rows best: (seeds, rows, K), float64."""
    return calibrated(torch.from_numpy(each.test), _sharpness([each], rows)[0])


def _sharpness(group: Sequence[Outputs], rows: Rows) -> Tensor:
    """(splits, seeds)."""

    def truth(split: int) -> tuple[Tensor, Tensor | None]:
        data = rows.data(split)
        return data.y_valid, data.w_valid

    target, weight = _stacked(truth, group)
    return sharpness(torch.stack([torch.from_numpy(each.valid) for each in group]), target, weight)


def _stacked(
    truth: Callable[[int], tuple[Tensor, Tensor | None]], group: Sequence[Outputs]
) -> tuple[Tensor, Tensor | None]:
    """Targets and weights of some splits, (splits, 1, rows): the 1 is for the seeds."""
    found = [truth(each.split) for each in group]
    weights = [weight for _, weight in found if weight is not None]
    target = torch.stack([target for target, _ in found])[:, None]
    return target, torch.stack(weights)[:, None] if weights else None


def _alike(by_split: Sequence[Outputs]) -> Iterator[list[int]]:
    """Positions of outputs of one shape: folds may differ by a row."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, each in enumerate(by_split):
        groups.setdefault((*each.test.shape, *each.valid.shape), []).append(place)
    yield from groups.values()
