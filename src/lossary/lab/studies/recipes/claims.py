"""The claims in words, each confirmed, refuted or given its condition by a run."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossary.lab.figures import figures
from lossary.lab.studies import runs, words
from lossary.lab.studies.bench import Bench
from lossary.lab.studies.outcome import Settled, Values, percent, settle
from lossary.lab.studies.study import Answer, Found, Grid, Outcome, Ruling, Study

STUDY = Study(
    name="claims",
    title="Claims in words",
    question="Which of the sentences that every introduction repeats are true, and when?",
    text="The sentences below.",
    statements=(
        '"MSE is insensitive to outliers" (the same texts\' questions and answers: "MSE is sensitive to outliers")',
        '"cross-entropy suits imbalanced data"',
        '"cross-entropy may suffer from vanishing gradients"',
        '"lower loss means a better model"',
        '"loss is only for measuring accuracy"',
        '"a loss must be differentiable"',
        '"changing the loss does not affect the architecture"',
        '"MAE treats all errors equally and is more robust"',
        '"confidently wrong is punished hard" (at p = 0.01: BCE 4.61, MSE 0.98, MAE 0.99)',
        '"some losses cost more"',
        '"what if the loss is zero?" (then there is nothing left to learn)',
        '"does changing the loss change learning?" (yes)',
    ),
    data="made-up rows, new ones for every replicate, so that replicates are independent",
    metric="mean absolute error, accuracy or balanced accuracy on new rows, as each claim needs",
    region="1 point of a rate; 1 % of an error",
    design="Linear models and one hidden layer of 32 units, Adam, through lossary.lab.train; paired t over replicates. "
    "Claims about values and slopes are computed.",
    settings={"replicates": 10, "epochs": 30, "long": 150},
    quick={"replicates": 2, "epochs": 2, "long": 3},
    seconds=35,
)


def recipe(bench: Bench) -> Found:
    """Trained claims first, then the computed ones, in the order of the statements."""
    count, epochs, long = (bench.whole(name) for name in ("replicates", "epochs", "long"))

    def replicated(title: str, function: Any, length: int) -> tuple[Any, ...]:
        return bench.run(title, function, [(replicate, length) for replicate in range(count)])

    outliers = replicated("outliers", runs.outliers, epochs)
    imbalance = replicated("imbalance", runs.imbalance, epochs)
    lower = replicated("lower loss", runs.lower, long)
    kinks = replicated("differentiable", runs.differentiable, epochs)
    changed = replicated("another loss", runs.changed, epochs)
    said = STUDY.statements
    architecture, heads = words.architecture(said[6])
    answers = (
        _insensitive(said[0], outliers),
        _imbalanced(said[1], imbalance),
        words.vanishing(said[2]),
        _lower(said[3], lower),
        words.only_measuring(said[4]),
        _differentiable(said[5], kinks),
        architecture,
        _robust(said[7], outliers),
        words.confident(said[8]),
        words.cost(said[9]),
        words.zero(said[10]),
        _changed(said[11], changed),
    )
    return Found(answers, (_outlier_grid(outliers), _imbalance_grid(imbalance), heads))


def _column(found: tuple[Any, ...], *keys: str) -> Values:
    values = []
    for each in found:
        for key in keys:
            each = each[key]
        values.append(float(each))
    return np.array(values)


def _ruled(settled: Settled, *, holds: Ruling, equal: Ruling) -> Ruling | Outcome:
    """What a test means for a claim; where it says neither, that."""
    return {Outcome.HOLDS: holds, Outcome.EQUAL: equal}.get(settled.outcome) or settled.outcome


def _error(first: Values, second: Values) -> Settled:
    """Two mean absolute errors; the region is 1 % of the second."""
    [settled] = settle({"": (first, second)}, region=0.01 * float(second.mean()), greater=False).values()
    return settled


def _insensitive(statement: str, found: tuple[Any, ...]) -> Answer:
    clean, dirty = _column(found, "clean", "mse"), _column(found, "targets", "mse")
    settled = _error(clean, dirty)
    share = dirty.mean() / clean.mean()
    ruling = _ruled(settled, holds=Ruling.REFUTED, equal=Ruling.CONFIRMED)
    return Answer(
        statement,
        f"with one target in ten moved by ten deviations its error on clean rows is {share:.1f} times as large"
        + ("; the second sentence is the true one" if ruling is Ruling.REFUTED else ""),
        ruling,
    )


def _robust(statement: str, found: tuple[Any, ...]) -> Answer:
    targets = _column(found, "targets", "mae").mean() / _column(found, "clean", "mae").mean()
    features = _column(found, "features", "mae").mean() / _column(found, "clean", "mae").mean()
    square = _column(found, "features", "mse").mean() / _column(found, "clean", "mse").mean()
    against = _error(_column(found, "targets", "mae"), _column(found, "targets", "mse"))
    return Answer(
        statement,
        f"every error has the same slope, so with wild targets its error grows {targets:.2f} times only; with wild "
        f"features it grows {features:.2f} times (MSE {square:.2f}): a slope that is bounded in the target is not so "
        "in the features",
        _ruled(against, holds=Ruling.CONDITION, equal=Ruling.REFUTED),
    )


def _imbalanced(statement: str, found: tuple[Any, ...]) -> Answer:
    means = {str(name): float(_column(found, name).mean()) for name in found[0]}
    plain, moved = "cross-entropy", "cross-entropy, threshold at the share"
    weighted = "cross-entropy, classes weighted"
    [settled] = settle({"": (_column(found, moved), _column(found, plain))}, region=0.01).values()
    needs = settled.outcome is Outcome.HOLDS
    return Answer(
        statement,
        f"with one positive in 25 its balanced accuracy is {percent(means[plain])} (squared error "
        f"{percent(means['squared error'])}) at the natural threshold, {percent(means[moved])} at a threshold at the "
        f"positives' share and {percent(means[weighted])} with weighted classes"
        + (": it is the decision that needs an adjustment, whatever the loss" if needs else ""),
        _ruled(settled, holds=Ruling.CONDITION, equal=Ruling.CONFIRMED),
    )


def _lower(statement: str, found: tuple[Any, ...]) -> Answer:
    least, best = _column(found, "accuracy at least training loss"), _column(found, "best accuracy")
    unseen = _column(found, "accuracy at least validation loss")
    there, lowest = _column(found, "loss there").mean(), _column(found, "least loss").mean()
    return Answer(
        statement,
        f"the epoch of least training loss has accuracy {percent(float(least.mean()))} on new rows, that of least loss "
        f"on new rows {percent(float(unseen.mean()))}, and the most accurate one ({percent(float(best.mean()))}) a "
        f"loss of {there:.4f} where {lowest:.4f} was reached: it must be the same loss, on rows not learned from, and "
        "even then another epoch may decide better",
        Ruling.CONDITION if there > lowest else Ruling.CONFIRMED,
    )


def _differentiable(statement: str, found: tuple[Any, ...]) -> Answer:
    means = {name: float(_column(found, name).mean()) for name in found[0]}
    pair = _column(found, "hinge"), _column(found, "error rate")
    [settled] = settle({"": pair}, region=0.01).values()
    return Answer(
        statement,
        f"hinge has a kink and reaches {percent(means['hinge'])} (cross-entropy {percent(means['cross-entropy'])}); "
        f"the error rate has slope 0 almost everywhere and stays at {percent(means['error rate'])}: "
        "a kink does no harm, a slope that says nothing does",
        _ruled(settled, holds=Ruling.CONDITION, equal=Ruling.REFUTED),
    )


def _changed(statement: str, found: tuple[Any, ...]) -> Answer:
    decided = float(_column(found, "decided differently").mean())
    mean, median = float(_column(found, "mse").mean()), float(_column(found, "mae").mean())
    return Answer(
        statement,
        f"cross-entropy and squared hinge, from one start and the same batches, decide {percent(decided)} of new rows "
        f"differently; on skewed numbers squared error finds {mean:.2f} (the mean is 1) and absolute error "
        f"{median:.2f} (the median is 0.69): decisions hardly change, what is estimated does",
        Ruling.CONDITION,
    )


def _outlier_grid(found: tuple[Any, ...]) -> Grid:
    names = ("mse", "mae", "huber", "welsch")
    sets = ("clean", "targets", "features")
    rows = tuple(
        (name, *[figures(float(_column(found, data, name).mean()), 3) for data in sets]) for name in names
    )
    columns = ("loss", "clean", "one target in ten wild", "one row in ten with a wild feature")
    return Grid("Mean absolute error on clean rows, by what was learned from", columns, rows)


def _imbalance_grid(found: tuple[Any, ...]) -> Grid:
    rows = tuple((str(name), percent(float(_column(found, name).mean()))) for name in found[0])
    return Grid(
        "Balanced accuracy with one positive in 25", ("trained and decided", "balanced accuracy"), rows
    )
