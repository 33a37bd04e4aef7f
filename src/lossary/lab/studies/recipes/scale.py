"""A loss times a number: what changes in training, under SGD and under Adam."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lossary.lab.studies.bench import Bench
from lossary.lab.studies.outcome import mean_and_band, percent, settle
from lossary.lab.studies.sets import table
from lossary.lab.studies.study import Answer, Found, Line, Picture, Study
from lossary.lab.studies.trainings import Contender, Problem, Trained, trainings

STUDY = Study(
    name="scale",
    title="Does a loss ten times as large learn faster?",
    question="What does multiplying a loss by c from 0.01 to 100 change?",
    text="No figures: texts compare the values of different losses, as if a smaller value meant a better fit.",
    statements=(
        "a loss times 100 trains better than a loss times 0.01 at the same rate (SGD)",
        "a loss times 100 trains better than a loss times 0.01 at the same rate (Adam)",
        "a loss times c at a rate divided by c is another training than the loss itself (SGD)",
    ),
    data="breast_cancer",
    metric="accuracy on the test rows",
    region="1 point of accuracy",
    design="Binary cross-entropy times c, rate 0.01 for every c, one hidden layer of 32 units, 40 epochs, the best one "
    "on validation. Practically equal in the last statement means the very same accuracies on every split.",
    settings={"splits": 20, "epochs": 40, "factors": (0.01, 0.1, 1.0, 10.0, 100.0)},
    quick={"epochs": 4, "splits": 2, "factors": (0.01, 100.0)},
    seconds=20,
)
RATE = 0.01


def recipe(bench: Bench) -> Found:
    """Every factor at one rate under both optimisers; then under SGD with the rate divided by the factor."""
    cancer = table("breast_cancer", positive="malignant")
    factors = bench.list("factors")
    same = {
        says: {c: _trained(bench, cancer, optimizer, c, RATE) for c in factors}
        for says, optimizer in (("SGD", "sgd"), ("Adam", "adamw"))
    }
    divided = {c: _trained(bench, cancer, "sgd", c, RATE / c) for c in factors}
    plain = _trained(bench, cancer, "sgd", 1.0, RATE)
    first, last = factors[0], factors[-1]
    answers = []
    for at, found in enumerate(same.values()):
        sizes = plain.n_test, plain.n_rest
        pair = found[last].test[:, 0], found[first].test[:, 0]
        [settled] = settle({"": pair}, region=0.01, n_test=sizes[0], n_rest=sizes[1]).values()
        measured = (
            f"times {last:g} {percent(settled.score)}, times {first:g} {percent(settled.other)}: the larger is "
            f"{settled.said()}"
        )
        answers.append(Answer(STUDY.statements[at], measured, settled.outcome))
    answers.append(_divided(divided, plain))
    return Found(tuple(answers), pictures=(_picture(same, divided),))


def _trained(bench: Bench, problem: Problem, optimizer: str, factor: float, rate: float) -> Trained:
    loss = "binary_cross_entropy" if factor == 1 else f"{factor!r}*binary_cross_entropy"
    title = f"{optimizer} {factor:g} {rate:g}"
    return trainings(
        bench, title, problem, [Contender("scaled", loss)], metric="accuracy", rates=(rate,),
        splits=bench.whole("splits"), seeds=1, epochs=bench.whole("epochs"), optimizer=optimizer,
    )["scaled"]  # fmt: skip


def _divided(found: Mapping[float, Trained], plain: Trained) -> Answer:
    apart = max(float(np.abs(each.test - plain.test).max()) for each in found.values())
    pairs = {f"{c:g}": (each.test[:, 0], plain.test[:, 0]) for c, each in found.items()}
    settled = settle(pairs, region=0.01, n_test=plain.n_test, n_rest=plain.n_rest)
    measured = f"over all c and splits the accuracies differ by {100 * apart:.2g} points at most"
    worst = max(settled.values(), key=lambda each: abs(each.ahead))
    return Answer(STUDY.statements[2], measured, worst.outcome)


def _picture(same: Mapping[str, Mapping[float, Trained]], divided: Mapping[float, Trained]) -> Picture:
    series = {**same, "SGD, rate divided by c": divided}
    lines = []
    for name, found in series.items():
        bands = np.array([mean_and_band(each.test[:, 0]) for each in found.values()]).T
        middle, low, high = (tuple(part.tolist()) for part in bands)
        lines.append(Line(name, tuple(found), middle, low, high))
    return Picture(
        key="scale",
        title="Accuracy by the factor before the loss",
        reading="A level line means that the factor cancels; under SGD it is the learning rate by another name. Bands "
        "are one standard deviation over splits.",
        x="c, the factor before the loss",
        y="accuracy on test rows",
        lines=tuple(lines),
        log_x=True,
    )
