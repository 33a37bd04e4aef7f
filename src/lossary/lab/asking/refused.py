"""A target that cannot be asked about, in one sentence."""

from __future__ import annotations

from lossary.core.errors import DataError, sentence
from lossary.lab.data.nearest import quoted


def refused(target: str, expected: str, got: str, remedy: str) -> DataError:
    """The error to raise."""
    return DataError(sentence(f"target {quoted(target)}", expected=expected, got=got, remedy=remedy))
