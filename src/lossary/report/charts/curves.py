"""Lines over epochs, learning rates, quantiles: what each shows, and the table beneath it."""

from __future__ import annotations

from collections.abc import Sequence

from lossary.report.charts.figure import Figure
from lossary.report.charts.multiples import Axes, Line, between, capital, panels, plus_minus, table, thinned
from lossary.report.numbers import fixed, rate, short
from lossary.report.sheet import Cell, Column, sheet

MOST_EPOCHS = 6  # columns of a table over epochs
MOST_POINTS = 8  # columns of a table over shares
MOST_RATES = 24  # columns of a table over rates: more than any comparison tries
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def learning_curves(lines: Sequence[Line], *, metric: str) -> Figure:
    """The metric on validation by epoch, at each loss's chosen rate."""
    return Figure(
        "learning",
        "Learning curves",
        f"{capital(metric)} on the validation rows after each epoch, at the loss's chosen rate: the mean over splits "
        "and seeds, with eight of ten trainings inside the band and the other losses in grey. The dot is the median "
        "of the chosen epochs.",
        panels([thinned(line) for line in lines], Axes("epoch", metric, whole=True)),
        table(
            f"{capital(metric)} on validation by epoch",
            lines,
            lambda epoch: f"epoch {epoch:.0f}",
            between,
            MOST_EPOCHS,
        ),
    )


def rate_curves(lines: Sequence[Line], *, metric: str) -> Figure:
    """The metric on validation by learning rate: the height is the best of a loss, the width how much it forgives."""
    return Figure(
        "rates",
        "Learning rates",
        f"{capital(metric)} on the validation rows by learning rate, with one standard deviation over the trainings "
        "as a band. The dot is the median of the chosen rates. A wide plateau is an advantage of its own: the loss "
        "forgives a rate that was not tuned.",
        panels(lines, Axes("learning rate", metric, log_x=True)),
        table(f"{capital(metric)} on validation by learning rate", lines, rate, plus_minus, MOST_RATES),
    )


def residual_curves(lines: Sequence[Line], *, target: str) -> Figure:
    """Quantiles of prediction minus target; x is the share of test rows in per cent, from 0 to 100."""
    rows = []
    for line in lines:
        found = [line.middle[round(q * (len(line.middle) - 1))] for q in _QUANTILES]
        rows.append([Cell(line.name), *(Cell(short(v), v) for v in found)])
    columns = [Column("loss"), *(Column(f"{100 * q:g} %", True) for q in _QUANTILES)]
    return Figure(
        "residuals",
        "Residuals",
        f"Prediction minus {target} on the test rows, from the furthest below to the furthest above: at 50 % half of "
        "the rows have a smaller residual. A curve through zero at 50 % is right in the median; long arms are the rows "
        "that it misses, and the losses differ most in what they give up to shorten them.",
        panels(lines, Axes("share of test rows (%)", f"residual ({target})")),
        sheet("Quantiles of the residuals", columns, rows),
    )


def sized_residuals(lines: Sequence[Line], *, target: str, counts: Sequence[tuple[int, ...]]) -> Figure:
    """Residuals by tenths of the prediction: x is the mean prediction of a tenth; band: the middle 80 % of it."""
    rows = [
        [Cell(line.name), *(Cell(short(v), v) for v in (x, middle, low, high)), Cell(str(count), count)]
        for line, number in zip(lines, counts, strict=True)
        for x, middle, low, high, count in zip(line.x, line.middle, line.low, line.high, number, strict=True)
    ]
    heads = ("prediction", "mean residual", "10 %", "90 %", "predictions")
    return Figure(
        "sizes",
        "Residuals by size",
        f"Prediction minus {target} on the test rows, for ten equal parts of them from the smallest prediction to the "
        "greatest: the mean, with the middle 80 % as a band. On the dashed line a loss is right in the mean; a band "
        "that widens says that large predictions are less sure, a slope that small and large ones are drawn together.",
        panels(lines, Axes(f"prediction ({target})", f"residual ({target})", level=0.0, dots=True)),
        sheet(
            "Residuals by tenths of the prediction", [Column("loss"), *(Column(h, True) for h in heads)], rows
        ),
    )


def detection_curves(lines: Sequence[Line]) -> Figure:
    """The share of anomalies found by the share of false alarms, both in per cent."""
    return Figure(
        "detection",
        "What is found at which price",
        "Of the anomalies among the test rows, the share found where a given share of the others may be called "
        "anomalous (the receiver operating characteristic): the mean over splits and seeds, with eight of ten "
        "trainings inside the band. Cuts are set on the test rows here; those set on validation stand among the "
        "metrics.",
        panels(lines, Axes("false positive rate (%)", "true positive rate (%)")),
        table(
            "True positive rate (%) by false positive rate", lines, lambda x: f"{x:g} %", between, MOST_POINTS
        ),
    )


def precision_curves(lines: Sequence[Line]) -> Figure:
    """The precision by the share of anomalies found, both in per cent."""
    return Figure(
        "precision",
        "Precision by recall",
        "Of the rows called anomalous, the share that are, where a given share of the anomalies is to be found: the "
        "mean over splits and seeds, with eight of ten trainings inside the band.",
        panels(lines, Axes("recall (%)", "precision (%)")),
        table("Precision (%) by recall", lines, lambda x: f"{x:g} %", between, MOST_POINTS),
    )


def listening_curves(lines: Sequence[Line], skipped: Sequence[tuple[str, str]]) -> Figure:
    """Shares of the slope in per cent by tenths of the rows; `skipped` are losses without one, and why."""
    heads = [Column("loss"), *(Column(_TENTHS[at], True) for at in range(10))]
    rows = [[Cell(line.name), *(Cell(fixed(v, 1), v) for v in line.middle)] for line in lines]
    note = " ".join(f"{name} is not shown: {why}." for name, why in skipped)
    return Figure(
        "listening",
        "Which rows each loss listens to",
        "The slope of a row's loss is what the row pushes with while the network learns. Of the slope that is left on "
        "the test rows when training ends, the share of each tenth of the rows, from those that the networks of all "
        "losses answer most clearly to those that they miss by most. On the dashed line every row would count alike; "
        "a curve that rises at the right end listens to the hard rows, and one that falls there has given them up. The "
        "scale is logarithmic.",
        panels(
            lines,
            Axes("rows, from easy to hard (%)", "share of slope (%)", log_y=True, level=10.0, dots=True),
        ),
        sheet("Share of the slope (%) by tenths of the test rows, from easy to hard", heads, rows, note),
    )


_TENTHS = ("easiest", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th", "hardest")
