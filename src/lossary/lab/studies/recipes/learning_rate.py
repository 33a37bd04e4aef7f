"""One loss over seven decades of learning rates, under Adam and under SGD."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lossary.lab.studies.bench import Bench
from lossary.lab.studies.outcome import Values, mean_and_band, percent, settle
from lossary.lab.studies.sets import table
from lossary.lab.studies.study import Answer, Found, Line, Outcome, Picture, Study
from lossary.lab.studies.trainings import Contender, Trained, trainings

OPTIMIZERS = {"Adam": "adamw", "SGD": "sgd"}
LOSS = Contender("binary_cross_entropy", "binary_cross_entropy")

STUDY = Study(
    name="learning-rate",
    title="Which learning rate?",
    question="Is there a best learning rate, and does it lie where the texts say?",
    text="Accuracy 0.872 at 0.001, 0.901 at 0.01, 0.827 at 0.1.",
    statements=(
        "0.01 is better than 0.001 and better than 0.1 (Adam)",
        "0.01 is better than 0.001 and better than 0.1 (SGD)",
        "the best rate lies inside 1e-5 … 10 and beats both ends (Adam)",
        "the best rate lies inside 1e-5 … 10 and beats both ends (SGD)",
    ),
    data="breast_cancer",
    metric="accuracy on the test rows",
    region="1 point of accuracy",
    design="Binary cross-entropy, one hidden layer of 32 units, batches of 32, 40 epochs, the best one on validation. "
    "The best rate of the last two statements is the one with the best mean on validation rows; it is judged on test "
    "rows. An ordering of three holds where both of its halves do.",
    settings={
        "splits": 20,
        "seeds": 2,
        "epochs": 40,
        "rates": (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 0.3, 1.0, 3.0, 10.0),
    },
    quick={"epochs": 4, "splits": 2, "rates": (1e-5, 1e-3, 1e-2, 1e-1, 10.0)},
    seconds=25,
)


def recipe(bench: Bench) -> Found:
    """Both optimisers over the same grid."""
    cancer = table("breast_cancer", positive="malignant")
    found = {
        name: trainings(
            bench, f"rates {optimizer}", cancer, [LOSS], metric="accuracy", rates=bench.list("rates"),
            splits=bench.whole("splits"), seeds=bench.whole("seeds"), epochs=bench.whole("epochs"), optimizer=optimizer,
        )[LOSS.name]
        for name, optimizer in OPTIMIZERS.items()
    }  # fmt: skip
    grid = [_beats(at, each, 0.01, (0.001, 0.1)) for at, each in enumerate(found.values())]
    ends = bench.list("rates")[0], bench.list("rates")[-1]
    inside = [_beats(2 + at, each, _best(each), ends) for at, each in enumerate(found.values())]
    return Found((*grid, *inside), pictures=(_picture(found),))


def _best(found: Trained) -> float:
    return found.rates[int(found.valid.mean(axis=(0, 2)).argmax())]


def _beats(at: int, found: Trained, rate: float, others: tuple[float, float]) -> Answer:
    pairs: dict[str, tuple[Values, Values]] = {
        f"{other:g}": (found.at(rate), found.at(other)) for other in others
    }
    settled = settle(pairs, region=0.01, n_test=found.n_test, n_rest=found.n_rest)
    told = "; ".join(f"{each.said()} of {other} ({percent(each.other)})" for other, each in settled.items())
    measured = f"{rate:g} reaches {percent(float(found.at(rate).mean()))}, which is {told}"
    return Answer(STUDY.statements[at], measured, _both([each.outcome for each in settled.values()]))


def _both(halves: list[Outcome]) -> Outcome:
    """Of two orderings together: held if both are, reversed or equal if either is, in this order."""
    for outcome in (Outcome.UNTESTABLE, Outcome.REVERSED, Outcome.EQUAL, Outcome.UNDECIDED):
        if outcome in halves:
            return outcome
    return Outcome.HOLDS


def _picture(found: Mapping[str, Trained]) -> Picture:
    lines = []
    for name, each in found.items():
        bands = np.array([mean_and_band(each.at(rate)) for rate in each.rates]).T
        middle, low, high = (tuple(part.tolist()) for part in bands)
        lines.append(Line(name, each.rates, middle, low, high))
    text = Line("the texts", (0.001, 0.01, 0.1), (0.872, 0.901, 0.827))
    return Picture(
        key="learning-rate",
        title="Accuracy by learning rate",
        reading="Where a line is level the rate does not matter, and where it falls it does; the texts' three points "
        "span two of these six decades. Bands are one standard deviation over splits.",
        x="learning rate",
        y="accuracy on test rows",
        lines=(*lines, text),
        log_x=True,
    )
