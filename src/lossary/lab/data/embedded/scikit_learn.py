"""The sets of scikit-learn, which every comparison has at hand: five tables, and the digits as pictures."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from lossary.lab.data.embedded.origin import Embedded, Loaded, missing, numbered
from lossary.lab.data.table import FILE

INK = 16  # the darkest of scikit-learn's digits
UCI = "CC BY 4.0"
COPY = "as copied in scikit-learn"
DIGITS = f"Alpaydin and Kaynak 1998, UCI Machine Learning Repository, {COPY}"


def _bunch(entry: Embedded, name: str) -> Any:
    try:
        datasets = import_module(f"{entry.package}.datasets")
    except ImportError:
        raise missing(entry) from None
    return getattr(datasets, f"load_{name}")(as_frame=True)


def _table(name: str, levels: bool) -> Callable[[Embedded], Loaded]:
    def load(entry: Embedded) -> Loaded:
        bunch = _bunch(entry, name)
        frame: pd.DataFrame = bunch.frame.rename(columns={"target": entry.target})
        if levels:
            named = dict(enumerate(str(level) for level in bunch.target_names))
            frame[entry.target] = frame[entry.target].map(named)
        return Loaded(frame)

    return load


def _digits(entry: Embedded) -> Loaded:
    bunch = _bunch(entry, "digits")
    pictures = np.rint(bunch.images[:, None] * (255 / INK)).astype(np.uint8)
    frame = pd.DataFrame({FILE: numbered(entry, len(pictures)), entry.target: bunch.target.to_numpy()})
    return Loaded(frame, pictures)


def _set(
    name: str,
    title: str,
    task: str,
    target: str,
    rows: int,
    inputs: tuple[int, ...],
    source: str,
    licence: str,
    load: Callable[[Embedded], Loaded],
) -> Embedded:
    return Embedded(
        name, title, task, target, rows, inputs, source, licence, "sklearn", "lab", load, data_alone=False
    )


SETS = (
    _set(
        "breast_cancer",
        "Breast cancer Wisconsin (diagnostic): is a cell nucleus malignant?",
        "binary",
        "diagnosis",
        569,
        (30,),
        f"Wolberg, Mangasarian, Street and Street 1993, UCI Machine Learning Repository, {COPY}",
        UCI,
        _table("breast_cancer", levels=True),
    ),
    _set(
        "iris",
        "Iris: which of three species is a flower?",
        "multiclass",
        "species",
        150,
        (4,),
        f"Fisher 1936, UCI Machine Learning Repository, {COPY}",
        UCI,
        _table("iris", levels=True),
    ),
    _set(
        "wine",
        "Wine: which of three cultivars was a wine made from?",
        "multiclass",
        "cultivar",
        178,
        (13,),
        f"Aeberhard and Forina 1992, UCI Machine Learning Repository, {COPY}",
        UCI,
        _table("wine", levels=True),
    ),
    _set(
        "digits",
        "Handwritten digits, 8 x 8 pixels as 64 columns: which digit is it?",
        "multiclass",
        "digit",
        1797,
        (64,),
        DIGITS,
        UCI,
        _table("digits", levels=False),
    ),
    _set(
        "digits_images",
        "Handwritten digits as pictures of 8 x 8: which digit is it?",
        "multiclass",
        "digit",
        1797,
        (1, 8, 8),
        DIGITS,
        UCI,
        _digits,
    ),
    _set(
        "diabetes",
        "Diabetes: how far does the disease progress in a year?",
        "regression",
        "progression",
        442,
        (10,),
        f"Efron, Hastie, Johnstone and Tibshirani 2004, {COPY}",
        "no licence of its own; distributed within scikit-learn (BSD 3-Clause)",
        _table("diabetes", levels=False),
    ),
)
