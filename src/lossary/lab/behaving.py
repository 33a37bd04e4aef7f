"""How trained networks behave on the test rows, beyond their scores: what they listen to, where they disagree."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Listening:
    """Which rows a trained loss still listens to: shares of its total slope on the test rows, from easy to hard."""

    share: tuple[
        float, ...
    ] = ()  # of ten equal parts of the rows, easiest first; they add to 1; empty: not measured
    why: str = ""  # why it was not measured


@dataclass(frozen=True)
class Thumbnail:
    """A small picture of a row: grey or red, green and blue."""

    height: int
    width: int
    channels: int  # 1 or 3
    pixels: str  # base64 of the bytes, (height, width, channels)


@dataclass(frozen=True)
class Disputed:
    """One row of the data on whose answer the losses disagree."""

    row: int  # counted from 1, in the order of the data
    truth: str  # its class, or its number in words
    number: float | None  # the truth, where it is a number
    splits: int  # how many had it among their test rows
    answers: tuple[float, ...]  # one a loss, as `Disagreement.reads` says
    values: tuple[str, ...] = ()  # of `Disagreement.columns`
    picture: Thumbnail | None = None  # where the rows are pictures


@dataclass(frozen=True)
class Disagreement:
    """How far the answers of the losses lie apart on the test rows, and the rows on which they lie furthest apart."""

    losses: tuple[
        str, ...
    ]  # labels; an alias trains as another loss does and stands here under that one's name
    reads: str  # "right": the share of a row's answers that were right; "value": their mean, in the target's unit
    pairs: tuple[tuple[float | None, ...], ...]
    """Of two trainings, one of each loss: the share of answers that differ, or the mean distance between them.
    On the diagonal two trainings of one loss with other seeds; None where there is one seed."""
    columns: tuple[str, ...]  # whose values the rows show
    rows: tuple[Disputed, ...]  # furthest apart first


@dataclass(frozen=True)
class SizedResiduals:
    """Prediction minus target on test by tenths of the prediction, smallest first: mean and middle 80 % of each."""

    predicted: tuple[float, ...]  # mean prediction of the tenth
    mean: tuple[float, ...]
    low: tuple[float, ...]  # 10 % quantile
    high: tuple[float, ...]  # 90 % quantile
    count: tuple[int, ...]  # predictions of all splits and seeds


@dataclass(frozen=True)
class Tradeoff:
    """A detector at every cut on test: mean over the trainings, with their 10 and 90 % quantiles."""

    fpr: tuple[float, ...]  # shares of false alarms allowed
    tpr: tuple[float, ...]  # what is found at each
    tpr_low: tuple[float, ...]
    tpr_high: tuple[float, ...]
    recall: tuple[float, ...]  # shares that are to be found
    precision: tuple[float, ...]  # of what is found then
    precision_low: tuple[float, ...]
    precision_high: tuple[float, ...]
