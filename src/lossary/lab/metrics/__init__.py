"""The metrics a comparison knows: each with its formula, its direction, and the functionals it rewards."""

from __future__ import annotations

from difflib import get_close_matches

from lossary.core.errors import DataError
from lossary.lab.metrics.decisions import (
    accuracy,
    balanced_accuracy,
    f1,
    false_positive_rate,
    precision,
    recall,
    top,
)
from lossary.lab.metrics.distances import mae, median_error, r2, rmse
from lossary.lab.metrics.metric import Formula, Metric, Reads
from lossary.lab.metrics.probabilities import brier, calibration_error, log_loss
from lossary.lab.metrics.ranking import pr_auc, roc_auc

__all__ = ["METRICS", "Metric", "default_metric", "get_metric", "metrics_for", "tie_breaker"]

# WORKBENCH, "One metric decides": below this share of the smallest class, accuracy rewards ignoring it.
SMALLEST_SHARE = 0.20
# More than this share of gross outliers and RMSE is their metric alone. Gross: beyond three interquartile
# ranges outside the quartiles (Tukey 1977, "far out"), where an exponential target, merely skewed, has 0.9 %
# of its rows.
OUTLIER_SHARE = 0.01

_CLASSES = frozenset({"binary", "multiclass"})
_TWO = frozenset({"binary"})
_MANY = frozenset({"multiclass"})
_NUMBERS = frozenset({"regression"})

# A decision is best under a loss that finds the likelier class; whoever has the order or the probability has it.
_ANY_CLASSIFIER = frozenset({"mode", "order", "probability", "mean"})
_CHOICE = _ANY_CLASSIFIER | {"overlap"}
_ORDER = frozenset({"order", "probability", "mean"})
_PROBABILITY = frozenset({"probability", "mean"})
# Huber and its like lie between the two and are the mean on symmetric noise, so both metrics may judge them.
_BETWEEN = "between mean and median"
_MEAN = frozenset({"mean", _BETWEEN})
_MEDIAN = frozenset({"median", _BETWEEN})


def _rate(
    name: str,
    title: str,
    reads: Reads,
    kinds: frozenset[str],
    rewards: frozenset[str],
    formula: Formula,
    *,
    up: bool = True,
    share: bool = True,
) -> Metric:
    return Metric(name, title, _first_line(formula), reads, kinds, rewards, up, False, share, formula)


def _error(
    name: str, title: str, reads: Reads, kinds: frozenset[str], rewards: frozenset[str], formula: Formula
) -> Metric:
    return Metric(name, title, _first_line(formula), reads, kinds, rewards, False, True, False, formula)


def _top(k: int) -> Metric:
    summary = f"Share of rows whose class is among the {k} greatest outputs."
    return Metric(f"top_{k}", f"Top-{k}", summary, "decision", _MANY, _ORDER, True, False, True, top(k))


def _first_line(formula: Formula) -> str:
    return (formula.__doc__ or "").strip().partition("\n")[0]


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _rate("accuracy", "Accuracy", "decision", _CLASSES, _ANY_CLASSIFIER, accuracy),
        _rate(
            "balanced_accuracy", "Balanced accuracy", "decision", _CLASSES, _ANY_CLASSIFIER, balanced_accuracy
        ),
        _rate("f1", "F1", "decision", _CLASSES, _CHOICE, f1),
        _rate("precision", "Precision", "decision", _CLASSES, _CHOICE, precision),
        _rate("recall", "Recall", "decision", _CLASSES, _CHOICE, recall),
        _rate("tpr", "True positive rate", "decision", _TWO, _ANY_CLASSIFIER, recall),
        _rate("fpr", "False positive rate", "decision", _TWO, _ANY_CLASSIFIER, false_positive_rate, up=False),
        _top(2),
        _top(3),
        _top(5),
        _rate("roc_auc", "ROC-AUC", "order", _CLASSES, _ORDER, roc_auc),
        _rate("pr_auc", "PR-AUC", "order", _CLASSES, _ORDER, pr_auc),
        _error("log_loss", "Log-loss", "probability", _CLASSES, _PROBABILITY, log_loss),
        _error("brier", "Brier score", "probability", _CLASSES, _PROBABILITY, brier),
        _rate("ece", "Calibration error", "probability", _CLASSES, _PROBABILITY, calibration_error, up=False),
        _error("rmse", "RMSE", "value", _NUMBERS, _MEAN, rmse),
        _error("mae", "MAE", "value", _NUMBERS, _MEDIAN, mae),
        _error("median_error", "Median error", "value", _NUMBERS, _MEDIAN, median_error),
        _rate("r2", "R²", "value", _NUMBERS, _MEAN, r2, share=False),
    )
}

_ALIASES = {
    "acc": "accuracy",
    "auc": "roc_auc",
    "auroc": "roc_auc",
    "average_precision": "pr_auc",
    "ap": "pr_auc",
    "balanced": "balanced_accuracy",
    "bce": "log_loss",
    "brier_score": "brier",
    "cross_entropy": "log_loss",
    "expected_calibration_error": "ece",
    "f1_score": "f1",
    "false_positive_rate": "fpr",
    "mean_absolute_error": "mae",
    "median_absolute_error": "median_error",
    "r2_score": "r2",
    "root_mean_squared_error": "rmse",
    "sensitivity": "recall",
    "true_positive_rate": "tpr",
}


def get_metric(name: str, kind: str | None = None) -> Metric:
    """The metric of this name or alias, for this kind of target; else DataError with the nearest name."""
    key = name.strip().lower().replace("-", "_").replace(" ", "_")
    key = _ALIASES.get(key, key)
    known = METRICS if kind is None else {m.name: m for m in metrics_for(kind)}
    if key in known:
        return known[key]
    if key in METRICS:
        raise DataError(
            f"metric: expected one for a {kind} target, got {name!r}, which judges "
            f"{' and '.join(sorted(METRICS[key].kinds))} targets; use one of {', '.join(known)}."
        )
    near = get_close_matches(key, [*known, *_ALIASES], n=1)
    hint = f"did you mean {_ALIASES.get(near[0], near[0])!r}? Known are" if near else "known are"
    raise DataError(f"metric: expected the name of a metric, got {name!r}; {hint} {', '.join(known)}.")


def metrics_for(kind: str, classes: int | None = None) -> tuple[Metric, ...]:
    """Every metric that means something for this kind of target; a top-k needs more than k classes."""
    return tuple(
        metric
        for metric in METRICS.values()
        if kind in metric.kinds
        and not (classes is not None and metric.name.startswith("top_") and int(metric.name[4:]) >= classes)
    )


def default_metric(kind: str, *, smallest_share: float = 1.0, outlier_share: float = 0.0) -> Metric:
    """The metric that decides unless the user names one.

    Classes: accuracy, or balanced accuracy where the smallest class has under 20 % of the rows. Numbers:
    RMSE, or MAE where more than 1 % of the targets lie beyond three interquartile ranges outside the
    quartiles.
    """
    if kind in _NUMBERS:
        return METRICS["mae" if outlier_share > OUTLIER_SHARE else "rmse"]
    return METRICS["balanced_accuracy" if smallest_share < SMALLEST_SHARE else "accuracy"]


def tie_breaker(kind: str) -> Metric:
    """What decides between rates that score the same on validation: log-loss (calibrated first), or MAE."""
    return METRICS["mae" if kind in _NUMBERS else "log_loss"]
