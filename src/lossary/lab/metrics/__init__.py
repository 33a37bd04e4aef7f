"""The metrics a comparison knows: found by name, by kind of target, and the one that decides unless one is named."""

from __future__ import annotations

from difflib import get_close_matches

from lossary.core.errors import DataError
from lossary.lab.metrics.catalogue import METRICS, NEIGHBOUR_GAP
from lossary.lab.metrics.metric import Metric
from lossary.lab.metrics.parametrised import cost_metric, parametrised

__all__ = [
    "METRICS",
    "OPERATING",
    "Metric",
    "cost_metric",
    "default_metric",
    "get_metric",
    "metrics_for",
    "tie_breaker",
]

# WORKBENCH, "One metric decides": below this share of the smallest class, accuracy rewards ignoring it.
SMALLEST_SHARE = 0.20
# More than this share of gross outliers and RMSE is their metric alone. Gross: beyond three interquartile
# ranges outside the quartiles (Tukey 1977, "far out"), where an exponential target, merely skewed, has 0.9 %
# of its rows.
OUTLIER_SHARE = 0.01
OPERATING = (0.01, 0.05)  # false positive rates at which a detector is read, unless another is asked for

# Kinds whose metric does not follow from the data. Counts: the deviance weighs an error by how much a count of that
# size varies anyway. Anomalies: their precision is what a rare class is about. Ranks: an error is as bad as it is far.
DEFAULTS = {
    "ordinal": "rank_error",
    "count": "poisson_deviance",
    "anomaly": "pr_auc",
    "multilabel": "micro_f1",
    "segmentation": "dice",
    "retrieval": "recall_at_1",
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
    "cohen_kappa": "qwk",
    "cross_entropy": "log_loss",
    "deviance": "poisson_deviance",
    "dice_score": "dice",
    "exact_match": "subset_accuracy",
    "expected_calibration_error": "ece",
    "f1_macro": "macro_f1",
    "f1_micro": "micro_f1",
    "f1_score": "f1",
    "false_positive_rate": "fpr",
    "jaccard": "iou",
    "kappa": "qwk",
    "label_ranking_average_precision": "label_ranking",
    "lrap": "label_ranking",
    "matthews": "mcc",
    "matthews_corrcoef": "mcc",
    "mean_absolute_error": "mae",
    "mean_average_precision": "map",
    "mean_poisson_deviance": "poisson_deviance",
    "median_absolute_error": "median_error",
    "quadratic_weighted_kappa": "qwk",
    "r2_score": "r2",
    "ranked_probability_score": "rps",
    "root_mean_squared_error": "rmse",
    "sensitivity": "recall",
    "true_positive_rate": "tpr",
}
# What a name means for one kind of target alone.
_BY_KIND = {
    "multilabel": {
        "accuracy": "hamming_accuracy",
        "brier": "label_brier",
        "f1": "micro_f1",
        "log_loss": "label_log_loss",
        "pr_auc": "map",
        "roc_auc": "label_roc_auc",
    },
    "segmentation": {
        "accuracy": "pixel_accuracy",
        "brier": "pixel_brier",
        "f1": "dice",
        "log_loss": "pixel_log_loss",
        "precision": "pixel_precision",
        "recall": "pixel_recall",
    },
    "ordinal": {"mae": "rank_error", "rmse": "rank_rmse"},
    "retrieval": {"accuracy": "neighbour_accuracy", "recall": "recall_at_1"},
}
_TIES = {
    "regression": "mae",
    "count": "mae",
    "multilabel": "label_log_loss",
    "segmentation": "pixel_log_loss",
}


def get_metric(name: str, kind: str | None = None) -> Metric:
    """The metric of this name or alias, for this kind of target; else DataError with the nearest name.

    A name may carry parameters: "pinball(0.9)", "tpr_at_fpr(0.01)", "cost(fn=10,fp=1)". They are read, never
    evaluated.
    """
    key = name.strip().lower()
    if "(" not in key:
        key = key.replace("-", "_").replace(" ", "_")
    key = _ALIASES.get(key, key)
    key = _BY_KIND.get(kind or "", {}).get(key, key)
    found = METRICS.get(key) or parametrised(key)
    if found is not None and (kind is None or kind in found.kinds):
        return found
    known = METRICS if kind is None else {m.name: m for m in metrics_for(kind)}
    if found is not None:
        raise DataError(
            f"metric: expected one for a {kind} target, got {name!r}, which judges "
            f"{' and '.join(sorted(found.kinds))} targets; use one of {', '.join(known)}."
        )
    near = get_close_matches(key, [*known, *_ALIASES], n=1)
    hint = f"did you mean {_ALIASES.get(near[0], near[0])!r}? Known are" if near else "known are"
    raise DataError(f"metric: expected the name of a metric, got {name!r}; {hint} {', '.join(known)}.")


def metrics_for(kind: str, classes: int | None = None) -> tuple[Metric, ...]:
    """Every metric that is shown for this kind of target; a top-k needs more than k classes."""
    operating = [get_metric(f"tpr_at_fpr({rate:g})") for rate in OPERATING]
    return tuple(
        metric
        for metric in (*METRICS.values(), *operating)
        if kind in metric.kinds
        and not (classes is not None and metric.name.startswith("top_") and int(metric.name[4:]) >= classes)
    )


def default_metric(kind: str, *, smallest_share: float = 1.0, outlier_share: float = 0.0) -> Metric:
    """The metric that decides unless the user names one.

    Classes: accuracy, or balanced accuracy where the smallest class has under 20 % of the rows. Numbers:
    RMSE, or MAE where more than 1 % of the targets lie beyond three interquartile ranges outside the
    quartiles. Every other kind has one of its own: see `DEFAULTS`.
    """
    if kind in DEFAULTS:
        return METRICS[DEFAULTS[kind]]
    if kind == "regression":
        return METRICS["mae" if outlier_share > OUTLIER_SHARE else "rmse"]
    return METRICS["balanced_accuracy" if smallest_share < SMALLEST_SHARE else "accuracy"]


def tie_breaker(kind: str) -> Metric:
    """What decides between rates that score the same on validation, less being better.

    The log-loss (of outputs calibrated first) for classes, labels, pixels and anomalies; the mean absolute error for
    numbers and counts; for embeddings how much nearer a row of the same class is than one of another.
    """
    return NEIGHBOUR_GAP if kind == "retrieval" else METRICS[_TIES.get(kind, "log_loss")]
