"""What a network sees of the rows: prepared columns, pictures or words, fitted on the training rows of a split."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lossary.lab.asking import prepare
from lossary.lab.asking.profile import Profile
from lossary.lab.asking.task import Kind
from lossary.lab.asking.words import Words
from lossary.lab.data.table import Table

Rows = NDArray[np.int64]
#: Row numbers -> their inputs, one row each.
Seen = Callable[[Rows], NDArray[Any]]


class Inputs(Protocol):
    """The inputs of a table's rows."""

    names: tuple[str, ...]  # of the columns; empty where there are none

    def fitted(self, train: Rows) -> Seen:
        """The preparation fitted on these rows, to be applied to any."""
        ...

    def facts(self, train: Rows) -> Any:
        """The same in numbers and names, of which JSON can be made."""
        ...


class Columns:
    """Columns of a table, prepared as `asking.prepare` says: float32 (rows, inputs)."""

    def __init__(self, table: Table, profile: Profile) -> None:
        self._frame, self._profile = table.frame, profile
        self.names: tuple[str, ...] = ()

    def fitted(self, train: Rows) -> Seen:
        preparation = prepare.fit(self._profile, self._frame.iloc[train])
        self.names = preparation.names
        return lambda rows: preparation.transform(self._frame.iloc[rows])

    def facts(self, train: Rows) -> list[dict[str, str | float]]:
        """How every input is made: see `prepare.facts`."""
        return prepare.facts(self._profile, prepare.fit(self._profile, self._frame.iloc[train]))


class Pictures:
    """Pictures, each channel centred and scaled by the training rows: float32 (rows, channels, height, width).

    With `flat` (rows, channels * height * width): what rebuilds its inputs takes them as a row of numbers.
    """

    names: tuple[str, ...] = ()

    def __init__(self, pictures: NDArray[np.uint8], *, flat: bool = False) -> None:
        self._pictures, self._flat = pictures, flat

    def fitted(self, train: Rows) -> Seen:
        centre, scale = self._scale(train)

        def seen(rows: Rows) -> NDArray[np.float32]:
            made: NDArray[np.float32] = ((self._pictures[rows] - centre) / scale).astype(np.float32)
            return made.reshape(len(rows), -1) if self._flat else made

        return seen

    def facts(self, train: Rows) -> dict[str, Any]:
        """Centre and scale of every channel, and whether the pixels stand in one row."""
        centre, scale = (each.ravel().tolist() for each in self._scale(train))
        return {"centre": centre, "scale": scale, "flat": self._flat}

    def _scale(self, train: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        known = self._pictures[train].astype(np.float64)
        centre = known.mean(axis=(0, 2, 3), keepdims=True)
        scale = known.std(axis=(0, 2, 3), keepdims=True)
        return centre, np.where(scale > 0, scale, 1.0)


class Texts:
    """Texts as the numbers of their words and pairs of words: int64 (rows, length), 0 where a text has ended."""

    names: tuple[str, ...] = ()

    def __init__(self, texts: pd.Series[Any], *, hashed: bool) -> None:
        self._words = Words(texts.fillna("").astype(str).tolist(), hashed=hashed)
        self.vocabulary = self._words.size

    def fitted(self, train: Rows) -> Seen:
        numbers = self._words.vocabulary(train)
        return lambda rows: self._words.coded(rows, numbers)

    def facts(self, train: Rows) -> dict[str, Any]:
        """The number of every word and pair of words, or how a hash gives it; how many of a text are read."""
        return self._words.facts(train)


def inputs_of(table: Table, profile: Profile, *, hashed: bool = False) -> Inputs:
    """How the rows of a table are seen: as pictures where there are any, as text where it is named, else as columns."""
    if table.pictures is not None:
        return Pictures(table.pictures, flat=profile.kind is Kind.ANOMALY)
    if table.text is not None:
        return Texts(table.frame[table.text], hashed=hashed)
    return Columns(table, profile)
