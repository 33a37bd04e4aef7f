"""A comparison as data frames, one for each question that is asked of its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from lossary.core.errors import DataError, sentence
from lossary.lab.comparison import Comparison, Measured, Row

Record = dict[str, Any]


def frame(found: Comparison, what: str = "losses") -> pd.DataFrame:
    """One of "losses", "metrics", "splits", "rates", "epochs" and "rows". Raises DataError for another name."""
    if what not in FRAMES:
        known = ", ".join(FRAMES)
        raise DataError(
            sentence("frame", expected=f"one of {known}", got=repr(what), remedy="choose one of them")
        )
    found_frame = pd.DataFrame(list(FRAMES[what](found)))
    return found_frame.set_index("loss") if what == "losses" else found_frame


def _losses(found: Comparison) -> Iterator[Record]:
    """A row a loss, in the order of the comparison: its score, its advantage, its verdict, its rate."""
    name = found.ruler.name
    for row in found.rows:
        yield {
            "loss": row.candidate.label,
            "judged": row.candidate.judged,
            "estimates": row.candidate.elicits,
            name: row.score.mean,
            f"{name}_low": row.score.low,
            f"{name}_high": row.score.high,
            **_verdict(found, row),
            "validation": row.validation,
            "train_gap": row.train_gap,
            "seed_spread": row.seed_spread,
            "rate": row.rate,
            "usable_low": math.nan if row.usable is None else row.usable[0],
            "usable_high": math.nan if row.usable is None else row.usable[1],
            "decades": row.decades,
            "epochs": row.epochs,
            "diverged": row.diverged,
            "trainings": row.trainings,
            **{other.metric: other.mean for other in row.others},
        }


def _verdict(found: Comparison, row: Row) -> Record:
    label = row.candidate.label
    finding = next((each for each in found.verdicts.findings if each.name == label), None)
    contrast = None if finding is None else finding.contrast
    said = (
        "reference" if row is found.reference else "not judged" if finding is None else finding.verdict.value
    )
    numbers = {
        name: math.nan if contrast is None else getattr(contrast, field) for name, field in _CONTRAST.items()
    }
    return {"verdict": said, **numbers}


_CONTRAST = {
    "advantage": "advantage",
    "advantage_low": "low",
    "advantage_high": "high",
    "adjusted_low": "adjusted_low",
    "adjusted_high": "adjusted_high",
    "p_adjusted": "p_adjusted",
    "p_outside_adjusted": "p_outside_adjusted",
}


def _metrics(found: Comparison) -> Iterator[Record]:
    """A row a metric of a loss or a simple model: mean and interval."""
    for name, each in _measured(found):
        yield {
            "loss": name,
            "metric": each.metric,
            "mean": each.mean,
            "low": each.low,
            "high": each.high,
            "greater_is_better": each.greater_is_better,
        }


def _splits(found: Comparison) -> Iterator[Record]:
    """A row a split of a metric of a loss or a simple model, seeds averaged."""
    for name, each in _measured(found):
        for split, value in enumerate(each.by_split):
            yield {"loss": name, "metric": each.metric, "split": split, "value": value}


def _measured(found: Comparison) -> Iterator[tuple[str, Measured]]:
    for row in found.rows:
        yield from ((row.candidate.label, each) for each in (row.score, *row.others))
    for anchor in found.anchors:
        yield from ((anchor.name, each) for each in (anchor.score, *anchor.others))


def _rates(found: Comparison) -> Iterator[Record]:
    """A row a learning rate of a loss, on validation."""
    for row in found.rows:
        for point in row.rates:
            yield {
                "loss": row.candidate.label,
                "rate": point.rate,
                "score": point.score,
                "spread": point.spread,
                "diverged": point.diverged,
                "trainings": point.trainings,
                "chosen": point.chosen,
            }


def _epochs(found: Comparison) -> Iterator[Record]:
    """A row an epoch of a loss at its chosen rates, on validation."""
    for row in found.rows:
        curve = zip(row.curve.mean, row.curve.low, row.curve.high, strict=True)
        for epoch, (mean, low, high) in enumerate(curve, start=1):
            yield {"loss": row.candidate.label, "epoch": epoch, "score": mean, "low": low, "high": high}


def _rows(found: Comparison) -> Iterator[Record]:
    """A row of the data on which losses lie furthest apart, with the answer of each."""
    apart = found.disagreement
    for each in () if apart is None else apart.rows:
        answers = zip(apart.losses if apart is not None else (), each.answers, strict=True)
        yield {"row": each.row, "truth": each.truth, "splits": each.splits, **dict(answers)}


FRAMES: Mapping[str, Callable[[Comparison], Iterator[Record]]] = {
    "losses": _losses,
    "metrics": _metrics,
    "splits": _splits,
    "rates": _rates,
    "epochs": _epochs,
    "rows": _rows,
}
