"""Metrics of a training by name, computed on what the network puts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lossary.core.errors import DataError, sentence
from lossary.core.kinds import Form
from lossary.lab.fitting.goal import Goal
from lossary.lab.metrics import Metric, get_metric


def chosen(names: str | Sequence[str]) -> dict[str, Metric]:
    """The metrics by the names they were asked for. Raises DataError for one that is not known."""
    listed = (names,) if isinstance(names, str) else tuple(names)
    return {name: get_metric(name) for name in listed}


def scored(
    metrics: Mapping[str, Metric], outputs: Tensor, target: Tensor, weight: Tensor | None, aim: Goal, end: str
) -> dict[str, float]:
    """One value a metric: outputs (rows,) or (rows, K), target (rows,) or one-hot (rows, K)."""
    if not metrics:
        return {}
    values, truth = _columns(outputs, end), _labels(target, outputs)
    # A number that was fitted to 0 and 1 is decided at the middle between them.
    middle = 0.5 if aim.outputs is Form.REAL and not end else 0.0
    cut = {"threshold": middle} if values.shape[-1] == 1 else {}
    return {name: float(each.score(values, truth, weight, **cut)) for name, each in metrics.items()}


def refuse(metrics: Mapping[str, Metric], outputs: Tensor, target: Tensor) -> None:
    """Raises DataError where outputs or targets are not what the metrics read."""
    for name, metric in metrics.items():
        values, truth = _columns(outputs, ""), _labels(target, outputs)
        codes = truth if not truth.is_floating_point() else truth.round()
        two = values.shape[-1] == 1
        classes = bool(
            (codes == truth).all() and (codes >= 0).all() and (codes < max(2, values.shape[-1])).all()
        )
        if "regression" in metric.kinds and not two:
            got = f"{values.shape[-1]} columns"
            raise _refused(name, "one number a row", got, "choose a metric of classes")
        if "regression" not in metric.kinds and not classes:
            raise _refused(
                name, "targets that are classes", "other numbers", "choose a metric of numbers such as mae"
            )


def _refused(name: str, expected: str, got: str, remedy: str) -> DataError:
    return DataError(sentence(f"metric {name}", expected=expected, got=got, remedy=remedy))


def _columns(outputs: Tensor, end: str) -> Tensor:
    """(rows, K) as the metrics read them: probabilities of a last activation become logits again."""
    values = outputs.detach().double()
    values = values.unsqueeze(-1) if values.ndim == 1 else values
    if values.ndim != 2:
        got = f"outputs of shape {tuple(outputs.shape)}"
        raise _refused(
            "of a training", "outputs (rows,) or (rows, K)", got, "leave metrics out, or flatten the outputs"
        )
    if end == "sigmoid":
        return torch.logit(values)
    return values.log() if end == "softmax" else values


def _labels(target: Tensor, outputs: Tensor) -> Tensor:
    if target.ndim == 2 and target.shape[1] > 1:
        return target.argmax(-1)
    return target.flatten() if target.ndim == 2 else target
