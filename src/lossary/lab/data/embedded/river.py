"""Two sets of river: anomalies among a space shuttle's sensor readings, and genes with several functions."""

from __future__ import annotations

import gzip
from io import BytesIO

import pandas as pd

from lossary.lab.data.embedded.origin import Embedded, Loaded, content


def _csv(entry: Embedded) -> Loaded:
    raw = gzip.decompress(content(entry, f"datasets/{entry.name}.csv.gz"))
    return Loaded(pd.read_csv(BytesIO(raw)))


SETS = (
    Embedded(
        "shuttle",
        "Statlog (Shuttle): is a sensor reading out of the ordinary?",
        "anomaly",
        "anomaly",
        49_097,
        (9,),
        "NASA, UCI Machine Learning Repository, cast as anomalies by ODDS (Rayana 2016), as copied in river",
        "CC BY 4.0",
        "river",
        "data",
        _csv,
    ),
    Embedded(
        "yeast",
        "Yeast: which of 14 functions does a gene have?",
        "multilabel",
        "Class*",
        2417,
        (103,),
        "Elisseeff and Weston 2001, from MULAN (Tsoumakas and others 2011), as copied in river",
        "no licence of its own; distributed within river (BSD 3-Clause)",
        "river",
        "data",
        _csv,
    ),
)
