"""Squared error against cross-entropy for two classes: at rates tuned for each, and at rates that are too high."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lossary.lab.comparison import Comparison
from lossary.lab.studies.bench import Bench
from lossary.lab.studies.outcome import against_reference, mean_and_band, percent, settle
from lossary.lab.studies.sets import clouds, flipped, table
from lossary.lab.studies.study import Answer, Found, Grid, Line, Picture, Study
from lossary.lab.studies.trainings import Contender, Problem, Trained, trainings

BCE, MSE = "binary_cross_entropy", "mse on sigmoid"
CONTENDERS = (Contender(BCE, "binary_cross_entropy"), Contender(MSE, "mse", "sigmoid"))

STUDY = Study(
    name="binary",
    title="Squared error or cross-entropy for two classes?",
    question="Does a sigmoid network learn two classes better under cross-entropy than under squared error?",
    text="MSE: accuracy 0.743, F1 0.808. Binary cross-entropy: accuracy 0.859, F1 0.912.",
    statements=(
        "cross-entropy is better than squared error (breast_cancer, each at its own best rate)",
        "cross-entropy is better than squared error (noisy labels, each at its own best rate)",
        "cross-entropy is better than squared error at rates of 1 and more (breast_cancer, SGD)",
        "cross-entropy is better than squared error at rates of 1 and more (breast_cancer, Adam)",
    ),
    data="breast_cancer; two normal clouds in ten dimensions, two deviations apart, 15 % of the labels turned",
    metric="accuracy on the test rows; F1 beside it",
    region="1 point of accuracy",
    design="One hidden layer of 32 units; a comparison of the laboratory for the first two statements. For the others "
    "both losses at the same rates, the mean over the rates from 1 up, best epoch on validation.",
    settings={
        "splits": 20,
        "seeds": 3,
        "rows": 600,
        "high_splits": 20,
        "epochs": 40,
        "rates": (0.01, 0.1, 1.0, 3.0, 10.0, 30.0),
    },
    quick={"epochs": 4, "splits": 2, "seeds": 1, "rows": 120, "high_splits": 2, "rates": (0.1, 3.0)},
    seconds=45,
)


def recipe(bench: Bench) -> Found:
    """Two comparisons, then both losses over rates."""
    noisy = flipped(clouds(bench.whole("rows"), apart=2.0), 0.15)
    frame = pd.DataFrame(noisy.x, columns=[f"x{i}" for i in range(noisy.x.shape[1])]).assign(
        y=noisy.y.astype(int)
    )
    options = {
        "losses": "binary_cross_entropy, mse",
        "metric": "accuracy",
        "reference": "binary_cross_entropy",
    }
    sizes = {"splits": bench.whole("splits"), "seeds": bench.whole("seeds")}
    clean = bench.compare("breast_cancer", "breast_cancer", None, **options, **sizes)
    noised = bench.compare("noisy", frame, "y", **options, **sizes)
    cancer = table("breast_cancer", positive="malignant")
    sgd, adam = (_high(bench, cancer, optimizer) for optimizer in ("sgd", "adamw"))
    return Found(
        answers=(
            _tuned(0, clean),
            _tuned(1, noised),
            _at_high_rates(2, sgd, bench),
            _at_high_rates(3, adam, bench),
        ),
        grids=(_scores({"breast_cancer": clean, "noisy labels": noised}),),
        pictures=(_picture("sgd", "SGD", sgd), _picture("adam", "Adam", adam)),
    )


def _tuned(at: int, found: Comparison) -> Answer:
    settled = against_reference(found, MSE)
    measured = (
        f"cross-entropy {percent(settled.score)}, squared error {percent(settled.other)}: cross-entropy is "
        f"{settled.said()}"
    )
    return Answer(STUDY.statements[at], measured, settled.outcome)


def _high(bench: Bench, cancer: Problem, optimizer: str) -> Mapping[str, Trained]:
    return trainings(
        bench, f"rates {optimizer}", cancer, CONTENDERS, metric="accuracy", rates=bench.list("rates"),
        splits=bench.whole("high_splits"), seeds=1, epochs=bench.whole("epochs"), optimizer=optimizer,
    )  # fmt: skip


def _at_high_rates(at: int, found: Mapping[str, Trained], bench: Bench) -> Answer:
    high = [place for place, rate in enumerate(bench.list("rates")) if rate >= 1]
    scores = {name: each.test[:, high].mean(axis=(1, 2)) for name, each in found.items()}
    sizes = found[BCE].n_test, found[BCE].n_rest
    [settled] = settle(
        {"": (scores[BCE], scores[MSE])}, region=0.01, n_test=sizes[0], n_rest=sizes[1]
    ).values()
    measured = (
        f"mean over the rates from 1 up: cross-entropy {percent(settled.score)}, squared error "
        f"{percent(settled.other)}: cross-entropy is {settled.said()}"
    )
    return Answer(STUDY.statements[at], measured, settled.outcome)


def _scores(found: Mapping[str, Comparison]) -> Grid:
    rows = []
    for name, each in found.items():
        for label in (BCE, MSE):
            row = each.row(label)
            f1 = next(other.mean for other in row.others if other.metric == "f1")
            rows.append((name, label, row.score.mean, f1, row.rate, row.decades))
    columns = ("data", "loss", "accuracy", "F1", "median rate chosen", "usable rates (decades)")
    return Grid("At tuned rates", columns, tuple(rows))


def _picture(key: str, says: str, found: Mapping[str, Trained]) -> Picture:
    lines = []
    for name, each in found.items():
        bands = [mean_and_band(each.at(rate)) for rate in each.rates]
        middle, low, high = (tuple(part) for part in zip(*bands, strict=True))
        lines.append(Line(name, each.rates, middle, low, high))
    return Picture(
        key=f"binary-{key}",
        title=f"Accuracy by learning rate, {says}",
        reading="Where the lines part, one of the two no longer learns at that rate. On a saturated sigmoid squared "
        "error has almost no slope; everywhere else its slope is at most half of cross-entropy's, so that the steps of "
        "SGD are shorter under it. Bands are one standard deviation over splits.",
        x="learning rate",
        y="accuracy on test rows",
        lines=tuple(lines),
        log_x=True,
    )
