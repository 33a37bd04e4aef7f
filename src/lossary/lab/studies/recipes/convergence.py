"""How many epochs a loss needs: a common target, censoring, three losses on one task, over rates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lossary.lab.studies.bench import Bench
from lossary.lab.studies.outcome import Values, settle
from lossary.lab.studies.sets import table
from lossary.lab.studies.study import Answer, Found, Grid, Line, Picture, Study
from lossary.lab.studies.trainings import Contender, Trained, trainings

NEAR_BEST = 0.95  # of the way from the constant prediction to the best level any loss reached on the split
CASES = {
    "MSE": ("malignant", Contender("MSE", "mse", "sigmoid")),
    "BCE": ("malignant", Contender("BCE", "binary_cross_entropy")),
    "CCE": (None, Contender("CCE", "cross_entropy")),
}

STUDY = Study(
    name="convergence",
    title="Which loss needs the fewest epochs?",
    question="How many epochs do squared error, binary and categorical cross-entropy take to the same level?",
    text="Epochs to converge: MSE 25, BCE 18, CCE 23.",
    statements=(
        "binary cross-entropy needs fewer epochs than squared error (each at its best rate)",
        "binary cross-entropy needs fewer epochs than categorical cross-entropy (each at its best rate)",
        "binary cross-entropy needs fewer epochs than squared error (both at rate 0.001)",
    ),
    data="breast_cancer; one output and a sigmoid for MSE and BCE, two outputs and a softmax for CCE",
    metric="the first epoch from which accuracy on validation stays at or above a target common to all three: 95 % of "
    "the way from the constant prediction to the best level that any loss reached at any rate on that split; a "
    "training that never does counts as all epochs",
    region="2 epochs",
    design="Adam, batches of 32, 60 epochs; the best rate of a loss on a split is the one with the best accuracy on "
    "validation, ties to the smaller. Seeds averaged before the test.",
    settings={"splits": 20, "seeds": 3, "epochs": 60, "rates": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)},
    quick={"splits": 2, "seeds": 1, "epochs": 6, "rates": (1e-3, 1e-2)},
    seconds=20,
)


def recipe(bench: Bench) -> Found:
    """Curves of all three, then epochs to the common target."""
    found = {
        name: trainings(
            bench, f"curves {name}", table("breast_cancer", positive=positive), [contender], metric="accuracy",
            rates=bench.list("rates"), splits=bench.whole("splits"), seeds=bench.whole("seeds"),
            epochs=bench.whole("epochs"),
        )[name]
        for name, (positive, contender) in CASES.items()
    }  # fmt: skip
    targets = _targets(found, table("breast_cancer", positive="malignant").y)
    epochs = {name: _arrivals(each, targets, bench.whole("epochs")) for name, each in found.items()}
    tuned = {name: _at_best(each, epochs[name]) for name, each in found.items()}
    low = found["BCE"].rates.index(0.001)
    pairs = {
        STUDY.statements[0]: (tuned["BCE"], tuned["MSE"]),
        STUDY.statements[1]: (tuned["BCE"], tuned["CCE"]),
        STUDY.statements[2]: (epochs["BCE"][:, low], epochs["MSE"][:, low]),
    }
    sizes = found["BCE"].n_test, found["BCE"].n_rest
    settled = settle(pairs, region=2.0, greater=False, n_test=sizes[0], n_rest=sizes[1])
    answers = tuple(
        Answer(
            name,
            f"{each.score:.1f} against {each.other:.1f} epochs, {each.said(1.0, 'epochs')}",
            each.outcome,
        )
        for name, each in settled.items()
    )
    return Found(answers, (_grid(found, epochs, bench.whole("epochs")),), (_picture(found, epochs),))


def _targets(found: Mapping[str, Trained], y: Values) -> Values:
    """(splits,)"""
    constant = max(float(y.mean()), 1 - float(y.mean()))
    best = np.max([each.valid.mean(axis=2).max(axis=1) for each in found.values()], axis=0)
    targets: Values = constant + NEAR_BEST * (best - constant)
    return targets


def _arrivals(found: Trained, targets: Values, epochs: int) -> Values:
    """First epoch from which the curve stays at the target, (splits, rates, seeds); `epochs` where it never does."""
    return np.array(
        [
            [[_arrival(np.array(curve), target, epochs) for curve in seeds] for seeds in rates]
            for rates, target in zip(found.curves, targets, strict=True)
        ],
        dtype=np.float64,
    )


def _arrival(curve: Values, target: float, epochs: int) -> int:
    below = np.flatnonzero(curve < target - 1e-12)
    first = int(below[-1]) + 2 if len(below) else 1
    return min(first, epochs)


def _at_best(found: Trained, epochs: Values) -> Values:
    best = found.valid.mean(axis=2).argmax(axis=1)
    chosen: Values = epochs[np.arange(len(best)), best]
    return chosen


def _grid(found: Mapping[str, Trained], epochs: Mapping[str, Values], most: int) -> Grid:
    rows = []
    for name in found:
        cells = [
            f"{part.mean():.1f} ({100 * (part < most).mean():.0f} %)"
            for part in np.moveaxis(epochs[name], 1, 0)
        ]
        rows.append((name, *cells))
    columns = ("loss", *(f"{rate:g}" for rate in found["BCE"].rates))
    return Grid(
        "Mean epochs to the target by rate, and the share of trainings that reached it", columns, tuple(rows)
    )


def _picture(found: Mapping[str, Trained], epochs: Mapping[str, Values]) -> Picture:
    lines = [
        Line(name, each.rates, tuple(epochs[name].mean(axis=(0, 2)).tolist())) for name, each in found.items()
    ]
    return Picture(
        key="convergence",
        title="Epochs to a common target by learning rate",
        reading="How far the lines lie apart is what the loss decides, how steep they are what the rate does. A mean "
        "near the number of all epochs means trainings that never arrived.",
        x="learning rate",
        y="epochs",
        lines=tuple(lines),
        log_x=True,
        log_y=True,
    )
