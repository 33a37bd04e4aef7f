"""Sets that ship inside packages: nothing is downloaded, each is shown with source and licence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pandas as pd

from lossary.core.errors import MissingExtraError


@dataclass(frozen=True)
class Embedded:
    """A set that a package carries: what it is called, whose it is, and what it is asked about."""

    name: str
    title: str
    target: str
    source: str
    licence: str
    package: str
    extra: str
    load: Callable[[Embedded], pd.DataFrame]

    def frame(self) -> pd.DataFrame:
        """The rows, target included. Raises MissingExtraError, with the install line, without the package."""
        return self.load(self)


def _from_scikit_learn(name: str, levels: bool) -> Callable[[Embedded], pd.DataFrame]:
    def load(entry: Embedded) -> pd.DataFrame:
        try:
            datasets = import_module(f"{entry.package}.datasets")
        except ImportError:
            raise MissingExtraError(
                f'the set "{entry.name}" ships with scikit-learn, which is not installed; '
                f"run: pip install 'lossary[{entry.extra}]'"
            ) from None
        bunch: Any = getattr(datasets, f"load_{name}")(as_frame=True)
        frame: pd.DataFrame = bunch.frame.rename(columns={"target": entry.target})
        if levels:
            named = dict(enumerate(str(level) for level in bunch.target_names))
            frame[entry.target] = frame[entry.target].map(named)
        return frame

    return load


_UCI = "CC BY 4.0"
_COPY = "as copied in scikit-learn"

EMBEDDED: dict[str, Embedded] = {
    entry.name: entry
    for entry in (
        Embedded(
            "breast_cancer",
            "Breast cancer Wisconsin (diagnostic): is a cell nucleus malignant?",
            "diagnosis",
            f"Wolberg, Mangasarian, Street and Street 1993, UCI Machine Learning Repository, {_COPY}",
            _UCI,
            "sklearn",
            "lab",
            _from_scikit_learn("breast_cancer", levels=True),
        ),
        Embedded(
            "iris",
            "Iris: which of three species is a flower?",
            "species",
            f"Fisher 1936, UCI Machine Learning Repository, {_COPY}",
            _UCI,
            "sklearn",
            "lab",
            _from_scikit_learn("iris", levels=True),
        ),
        Embedded(
            "wine",
            "Wine: which of three cultivars was a wine made from?",
            "cultivar",
            f"Aeberhard and Forina 1992, UCI Machine Learning Repository, {_COPY}",
            _UCI,
            "sklearn",
            "lab",
            _from_scikit_learn("wine", levels=True),
        ),
        Embedded(
            "digits",
            "Handwritten digits, 8 x 8 pixels: which digit is it?",
            "digit",
            f"Alpaydin and Kaynak 1998, UCI Machine Learning Repository, {_COPY}",
            _UCI,
            "sklearn",
            "lab",
            _from_scikit_learn("digits", levels=False),
        ),
        Embedded(
            "diabetes",
            "Diabetes: how far does the disease progress in a year?",
            "progression",
            f"Efron, Hastie, Johnstone and Tibshirani 2004, {_COPY}",
            "no licence of its own; distributed within scikit-learn (BSD 3-Clause)",
            "sklearn",
            "lab",
            _from_scikit_learn("diabetes", levels=False),
        ),
    )
}
