"""Every metric that needs no parameters, by name: its formula, its direction, and the functionals it rewards."""

from __future__ import annotations

from lossary.lab.metrics import (
    decisions,
    distances,
    labels,
    neighbours,
    probabilities,
    ranking,
    ranks,
    regions,
)
from lossary.lab.metrics.metric import Formula, Metric, Reads

CLASSES = frozenset({"binary", "multiclass"})
TWO = frozenset({"binary"})
MANY = frozenset({"multiclass"})
NUMBERS = frozenset({"regression"})
VALUES = frozenset({"regression", "count"})
COUNTS = frozenset({"count"})
RANKS = frozenset({"ordinal"})
LABELS = frozenset({"multilabel"})
MASKS = frozenset({"segmentation"})
EMBEDDED = frozenset({"retrieval"})
ANOMALY = frozenset({"anomaly"})
WIDE = LABELS | MASKS  # a target for every output of a row

# A decision is best under a loss that finds the likelier class; whoever has the order or the probability has it.
ANY_CLASSIFIER = frozenset({"mode", "order", "probability", "mean"})
CHOICE = ANY_CLASSIFIER | {"overlap"}
ORDER = frozenset({"order", "probability", "mean"})
PROBABILITY = frozenset({"probability", "mean"})
# Huber and its like lie between the two and are the mean on symmetric noise, so both metrics may judge them.
BETWEEN = "between mean and median"
MEAN = frozenset({"mean", BETWEEN})
MEDIAN = frozenset({"median", BETWEEN})
# Every rank is read off the predicted distribution, which a loss has to estimate first.
LAW = frozenset({"probability", "distribution", "mean"})
# Kappa and soft ordinal targets estimate a property of their own, made for a disagreement that grows with the rank.
AGREEMENT = LAW | {"a property of its own"}
# Logits are an embedding too, and are read by the same rule.
EMBEDDING = ANY_CLASSIFIER | {"embedding"}


def rate(
    name: str,
    title: str,
    reads: Reads,
    kinds: frozenset[str],
    rewards: frozenset[str],
    formula: Formula,
    *,
    up: bool = True,
    share: bool = True,
    summary: str | None = None,
) -> Metric:
    """A metric whose differences count as they are: a share, or a score such as R²."""
    text = _first_line(formula) if summary is None else summary
    return Metric(name, title, text, reads, kinds, rewards, up, False, share, formula, kinds <= WIDE)


def error(
    name: str,
    title: str,
    reads: Reads,
    kinds: frozenset[str],
    rewards: frozenset[str],
    formula: Formula,
    *,
    summary: str | None = None,
    cutter: Formula | None = None,
    natural: float = 0.0,
    in_target_unit: bool = False,
) -> Metric:
    """A metric of which less is better and whose differences are relative."""
    text = _first_line(formula) if summary is None else summary
    return Metric(
        name,
        title,
        text,
        reads,
        kinds,
        rewards,
        False,
        True,
        False,
        formula,
        kinds <= WIDE,
        cutter,
        natural,
        in_target_unit,
    )


def top(k: int) -> Metric:
    """Top-k of several classes."""
    summary = f"Share of rows whose class is among the {k} greatest outputs."
    return rate(f"top_{k}", f"Top-{k}", "decision", MANY, ORDER, decisions.top(k), summary=summary)


def recall_at(k: int) -> Metric:
    """Recall@k of embeddings."""
    nearest = "nearest other row is" if k == 1 else f"{k} nearest other rows hold one"
    summary = f"Share of rows whose {nearest} of their class."
    formula = neighbours.recall_at(k)
    return rate(f"recall_at_{k}", f"Recall@{k}", "order", EMBEDDED, EMBEDDING, formula, summary=summary)


def _first_line(formula: Formula) -> str:
    return (formula.__doc__ or "").strip().partition("\n")[0]


def _decisions() -> tuple[Metric, ...]:
    classes, ranked = CLASSES | RANKS, CLASSES | ANOMALY
    return (
        rate("accuracy", "Accuracy", "decision", classes, ANY_CLASSIFIER, decisions.accuracy),
        rate(
            "balanced_accuracy",
            "Balanced accuracy",
            "decision",
            classes,
            ANY_CLASSIFIER,
            decisions.balanced_accuracy,
        ),
        rate("f1", "F1", "decision", CLASSES, CHOICE, decisions.f1),
        rate("precision", "Precision", "decision", CLASSES, CHOICE, decisions.precision),
        rate("recall", "Recall", "decision", CLASSES, CHOICE, decisions.recall),
        rate("tpr", "True positive rate", "decision", TWO, ANY_CLASSIFIER, decisions.recall),
        rate(
            "fpr",
            "False positive rate",
            "decision",
            TWO,
            ANY_CLASSIFIER,
            decisions.false_positive_rate,
            up=False,
        ),
        rate(
            "mcc",
            "Matthews correlation",
            "decision",
            CLASSES,
            ANY_CLASSIFIER,
            decisions.matthews,
            share=False,
        ),
        *map(top, (2, 3, 5)),
        rate("roc_auc", "ROC-AUC", "order", ranked, ORDER, ranking.roc_auc),
        rate("pr_auc", "PR-AUC", "order", ranked, ORDER, ranking.pr_auc),
    )


def _probabilities() -> tuple[Metric, ...]:
    classes = CLASSES | RANKS
    return (
        error("log_loss", "Log-loss", "probability", classes, PROBABILITY, probabilities.log_loss),
        error("brier", "Brier score", "probability", classes, PROBABILITY, probabilities.brier),
        rate(
            "ece",
            "Calibration error",
            "probability",
            classes,
            PROBABILITY,
            probabilities.calibration_error,
            up=False,
        ),
    )


def _ranks() -> tuple[Metric, ...]:
    kappa = ranks.quadratic_weighted_kappa
    return (
        error("rank_error", "Absolute rank error", "decision", RANKS, LAW, ranks.rank_error),
        rate("within_one", "Within one rank", "decision", RANKS, AGREEMENT, ranks.within_one),
        rate("qwk", "Quadratic weighted kappa", "decision", RANKS, AGREEMENT, kappa, share=False),
        error("rank_rmse", "Rank RMSE", "probability", RANKS, LAW, ranks.rank_rmse),
        error("rps", "Ranked probability score", "probability", RANKS, PROBABILITY, ranks.ranked_probability),
    )


def _numbers() -> tuple[Metric, ...]:
    return (
        error("rmse", "RMSE", "value", VALUES, MEAN, distances.rmse, in_target_unit=True),
        error("mae", "MAE", "value", VALUES, MEDIAN, distances.mae, in_target_unit=True),
        error(
            "median_error",
            "Median error",
            "value",
            VALUES,
            MEDIAN,
            distances.median_error,
            in_target_unit=True,
        ),
        rate("r2", "R²", "value", VALUES, MEAN, distances.r2, share=False),
        error("poisson_deviance", "Poisson deviance", "value", COUNTS, MEAN, distances.poisson_deviance),
    )


def _labels() -> tuple[Metric, ...]:
    return (
        rate("micro_f1", "Micro-F1", "decision", LABELS, CHOICE, labels.micro_f1),
        rate("macro_f1", "Macro-F1", "decision", LABELS, CHOICE, labels.macro_f1),
        rate(
            "subset_accuracy", "Subset accuracy", "decision", LABELS, ANY_CLASSIFIER, labels.subset_accuracy
        ),
        rate(
            "hamming_accuracy",
            "Hamming accuracy",
            "decision",
            LABELS,
            ANY_CLASSIFIER,
            labels.hamming_accuracy,
        ),
        rate("label_ranking", "Label ranking AP", "order", LABELS, ORDER, labels.label_ranking),
        rate("map", "Mean AP", "order", LABELS, ORDER, labels.mean_average_precision),
        rate("label_roc_auc", "ROC-AUC by label", "order", LABELS, ORDER, labels.label_roc_auc),
        error(
            "label_log_loss", "Log-loss by label", "probability", LABELS, PROBABILITY, labels.label_log_loss
        ),
        error("label_brier", "Brier by label", "probability", LABELS, PROBABILITY, labels.label_brier),
    )


def _masks() -> tuple[Metric, ...]:
    log_loss, brier = labels.label_log_loss, labels.label_brier
    return (
        rate("dice", "Dice", "decision", MASKS, CHOICE, regions.dice),
        rate("iou", "IoU", "decision", MASKS, CHOICE, regions.iou),
        rate("pixel_accuracy", "Pixel accuracy", "decision", MASKS, ANY_CLASSIFIER, regions.pixel_accuracy),
        rate("pixel_recall", "Pixel recall", "decision", MASKS, CHOICE, regions.pixel_recall),
        rate("pixel_precision", "Pixel precision", "decision", MASKS, CHOICE, regions.pixel_precision),
        error(
            "pixel_log_loss",
            "Log-loss by pixel",
            "probability",
            MASKS,
            PROBABILITY,
            log_loss,
            summary="Mean of -log of the probability given to what happened, over pictures and pixels.",
        ),
        error(
            "pixel_brier",
            "Brier by pixel",
            "probability",
            MASKS,
            PROBABILITY,
            brier,
            summary="Mean squared distance of a pixel's probability from what it is, over pictures and pixels.",
        ),
    )


def _embeddings() -> tuple[Metric, ...]:
    nearest = neighbours.neighbour_accuracy
    return (
        *map(recall_at, (1, 5)),
        rate("map_at_r", "MAP@R", "order", EMBEDDED, EMBEDDING, neighbours.precision_at_r),
        rate("neighbour_accuracy", "Nearest-neighbour accuracy", "order", EMBEDDED, EMBEDDING, nearest),
    )


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        *_decisions(),
        *_probabilities(),
        *_ranks(),
        *_numbers(),
        *_labels(),
        *_masks(),
        *_embeddings(),
    )
}

#: What decides between embeddings that find as many: no metric to show, for it says little by itself.
NEIGHBOUR_GAP = rate(
    "neighbour_gap",
    "Neighbour gap",
    "order",
    EMBEDDED,
    EMBEDDING,
    neighbours.neighbour_gap,
    up=False,
    share=False,
)
