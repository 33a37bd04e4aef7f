"""Four sets of ordered judgements by Ben-David, as skordinal carries them."""

from __future__ import annotations

from io import BytesIO

import pandas as pd

from lossary.lab.data.embedded.origin import Embedded, Loaded, content


def _csv(entry: Embedded) -> Loaded:
    # The first line holds the numbers of rows and features, then the levels, which the last column counts from 0.
    raw = content(entry, f"datasets/data/{entry.name}.csv")
    first = raw.split(b"\n", 1)[0].decode().strip().split(",")
    levels = [int(level) for level in first[2:]]
    names = [*(f"in{i}" for i in range(1, int(first[1]) + 1)), entry.target]
    frame = pd.read_csv(BytesIO(raw), skiprows=1, header=None, names=names)
    frame[entry.target] = frame[entry.target].map(dict(enumerate(levels)))
    return Loaded(frame)


def _set(name: str, title: str, target: str, rows: int, inputs: int) -> Embedded:
    return Embedded(
        name,
        title,
        "ordinal",
        target,
        rows,
        (inputs,),
        "Ben-David 1992, donated to the WEKA project, as copied in skordinal",
        "no licence of its own; distributed within skordinal (BSD 3-Clause)",
        "skordinal",
        "data",
        _csv,
    )


SETS = (
    _set(
        "era",
        "Employee rejection or acceptance: how acceptable is a candidate, 1 to 9?",
        "acceptance",
        1000,
        4,
    ),
    _set("esl", "Employee selection: how fit for an industrial job, 1 to 9?", "fitness", 488, 4),
    _set("lev", "Lecturers' evaluation: how is a lecturer rated, 1 to 5?", "rating", 1000, 4),
    _set("swd", "Social workers' decisions: how great is the risk to a child, 1 to 4?", "risk", 1000, 10),
)
