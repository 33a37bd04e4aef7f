"""Where losses disagree: how often two of them answer differently, and the rows on which they lie furthest apart."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from math import isnan

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lossary.lab.asking.task import Kind
from lossary.lab.behaving import Disagreement, Disputed, Thumbnail
from lossary.lab.figures import figures
from lossary.lab.results.answers import COMPARABLE, NUMBERS, Answers, answers
from lossary.lab.running.store import Outputs
from lossary.lab.training.rows import Rows

Values = NDArray[np.float64]

MOST_ROWS = 12
MOST_COLUMNS = 6
LARGEST = 32  # pixels of a side of a picture
LONGEST = 80  # characters of a value
FILE = "file"  # the column that names the picture of a row


def disagreement(
    losses: Sequence[str], outputs: Callable[[str, int], Outputs], rows: Rows
) -> Disagreement | None:
    """From `outputs(loss, split)`, one split after the other, so that large test parts are not held together.

    None with fewer than two losses that answer everywhere, or where a task's answers have no common scale.
    """
    if len(losses) < 2 or rows.task.kind.value not in COMPARABLE:
        return None
    totals = np.zeros((len(losses), rows.table.rows))
    times = np.zeros(rows.table.rows, dtype=np.int64)
    apart = np.zeros((len(losses), len(losses)))
    sound = np.ones(len(losses), dtype=bool)
    for split, parts in enumerate(rows.splits):
        each = [answers(outputs(loss, split), rows) for loss in losses]
        times[parts.test] += 1
        for at, one in enumerate(each):
            sound[at] &= one is not None
            totals[at, parts.test] += 0.0 if one is None else one.right
        apart += _pairs(each)
    if sound.sum() < 2:
        return None
    columns = _columns(rows)
    means = totals[sound] / np.maximum(times, 1)
    return Disagreement(
        losses=tuple(loss for loss, fit in zip(losses, sound, strict=True) if fit),
        reads="value" if rows.task.kind.value in NUMBERS else "right",
        pairs=tuple(
            tuple(None if isnan(each) else each for each in line)
            for line in (apart / len(rows.splits))[sound][:, sound].tolist()
        ),
        columns=columns,
        rows=tuple(
            _disputed(row, means[:, row], int(times[row]), columns, rows) for row in _furthest(means, times)
        ),
    )


def _pairs(each: Sequence[Answers | None]) -> Values:
    """How far apart every two losses are: (losses, losses)."""
    found = np.zeros((len(each), len(each)))
    for i, one in enumerate(each):
        for j, other in enumerate(each[: i + 1]):
            if one is not None and other is not None:
                found[i, j] = found[j, i] = one.apart(other)
    return found


def _furthest(means: Values, times: NDArray[np.int64]) -> list[int]:
    """Tested rows by the spread of their answers over the losses, most first; equal ones in the order of the data."""
    spread = np.where(times > 0, means.std(0), 0.0)
    order = np.argsort(-np.round(spread, 12), kind="stable")[:MOST_ROWS]
    return [int(row) for row in order if spread[row] > 0]


def _columns(rows: Rows) -> tuple[str, ...]:
    """What is shown of a row: its text or its file, and the first columns the network sees."""
    table = rows.table
    own = [name for name in (table.text, FILE) if name is not None and name in table.frame]
    used = [column.name for column in rows.profile.used if column.name not in own]
    return tuple([*own, *used][:MOST_COLUMNS])


def _disputed(row: int, means: Values, splits: int, columns: Sequence[str], rows: Rows) -> Disputed:
    number = float(rows.answers[row]) if rows.task.kind.numbers else None
    values = tuple(_value(rows.table.frame[name].iloc[row]) for name in columns)
    pictures = rows.table.pictures
    small = None if pictures is None else thumbnail(pictures[row])
    return Disputed(row + 1, _truth(row, rows), number, splits, tuple(means.tolist()), values, small)


def thumbnail(picture: NDArray[np.uint8]) -> Thumbnail:
    """A picture (channels, height, width) with at most 32 pixels a side: means of square blocks, edges left out."""
    channels, height, width = picture.shape
    kept = picture if channels in (1, 3) else picture[:1]
    block = -(-max(height, width) // LARGEST)
    high, wide = max(1, height // block), max(1, width // block)
    cut = kept[:, : high * block, : wide * block] if min(height, width) >= block else kept[:, :1, :1]
    blocks = cut.reshape(len(kept), high, cut.shape[1] // high, wide, cut.shape[2] // wide)
    small = np.rint(blocks.mean((2, 4))).astype(np.uint8).transpose(1, 2, 0)
    return Thumbnail(high, wide, len(kept), b64encode(np.ascontiguousarray(small).tobytes()).decode())


def _truth(row: int, rows: Rows) -> str:
    """The answer of a row in words."""
    found, task = rows.answers[row], rows.task
    if task.kind is Kind.SEGMENTATION:
        return f"{figures(100 * float(found.mean()), 2)} % of the pixels"
    if task.kind is Kind.MULTILABEL:
        return ", ".join(level for level, yes in zip(task.levels, found, strict=True) if yes) or "no label"
    return figures(float(found), 4) if task.kind.numbers else _value(task.levels[int(found)])


def _value(cell: object) -> str:
    if cell is None or cell is pd.NaT or (isinstance(cell, float) and np.isnan(cell)):
        return ""
    if isinstance(cell, pd.Timestamp):
        return str(cell.date()) if cell == cell.normalize() else str(cell)
    if isinstance(cell, int | float | np.integer | np.floating):
        return figures(float(cell), 4)
    text = str(cell)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
