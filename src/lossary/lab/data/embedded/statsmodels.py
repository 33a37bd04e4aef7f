"""Sets of statsmodels: expenditure that spreads with income, outliers, a mass at zero, counts of visits."""

from __future__ import annotations

from io import BytesIO

import pandas as pd

from lossary.lab.data.embedded.origin import Embedded, Loaded, content


def _csv(entry: Embedded) -> Loaded:
    raw = content(entry, f"datasets/{entry.name}/{entry.name}.csv")
    return Loaded(pd.read_csv(BytesIO(raw)))


def _set(
    name: str, title: str, task: str, target: str, rows: int, inputs: int, source: str, licence: str
) -> Embedded:
    said = f"{source}, as copied in statsmodels"
    return Embedded(name, title, task, target, rows, (inputs,), said, licence, "statsmodels", "data", _csv)


PUBLIC = "public domain, as statsmodels states"

SETS = (
    _set(
        "engel",
        "Engel: what does a household of 1857 spend on food, given its income?",
        "regression",
        "foodexp",
        235,
        1,
        "Engel 1857, Koenker and Bassett 1982",
        PUBLIC,
    ),
    _set(
        "stackloss",
        "Stack loss: how much ammonia escapes on each of 21 days? Known for its outliers.",
        "regression",
        "STACKLOSS",
        21,
        3,
        "Brownlee 1965",
        PUBLIC,
    ),
    _set(
        "fair",
        "Fair: time spent in affairs, zero for two women in three",
        "regression",
        "affairs",
        6366,
        8,
        "Fair 1978",
        "included in statsmodels with the author's permission",
    ),
    _set(
        "randhie",
        "RAND health insurance experiment: how often does a person see a doctor in a year?",
        "count",
        "mdvis",
        20_190,
        9,
        "RAND Corporation, Cameron and Trivedi 2005",
        PUBLIC,
    ),
)
