"""Texts as numbers: words and pairs of neighbouring words, counted on the training rows or hashed.

A text becomes the numbers of its first words and pairs; what is not in the vocabulary is left out, as an unknown word
says little more than that it is rare. The network then learns one vector for each number and takes their mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

MOST = 5_000  # words and pairs that are told apart, the padding included
LEAST = 2  # training texts a word must be in; one seen once cannot be learned from
LENGTH = 256  # words and pairs of a text that are read

Codes = NDArray[np.int64]


class Words:
    """The words and pairs of some texts, taken apart once.

    Counted: a vocabulary of the words and pairs that most training texts have, by count and then by name. Hashed:
    every word and pair, by a hash that is the same on every machine; two may share a number.
    """

    def __init__(self, texts: Sequence[str], *, hashed: bool = False) -> None:
        parts = CountVectorizer(ngram_range=(1, 2), strip_accents="unicode").build_analyzer()
        every = [parts(text) for text in texts]
        self._names = sorted({part for some in every for part in some})
        at = {name: place for place, name in enumerate(self._names)}
        self._texts = [np.array([at[part] for part in some], dtype=np.int64) for some in every]
        self._hashed = hashed

    @cached_property
    def size(self) -> int:
        """The numbers that any choice of training rows may give, the padding's 0 included."""
        if self._hashed:
            return MOST
        return min(MOST, max(2, 1 + int((self._spread(range(len(self._texts))) >= LEAST).sum())))

    def _spread(self, rows: Sequence[int] | Codes) -> Codes:
        """In how many of these texts each word and pair is."""
        counts = np.zeros(len(self._names), dtype=np.int64)
        for row in rows:
            counts[np.unique(self._texts[row])] += 1
        return counts

    def vocabulary(self, train: Codes) -> Codes:
        """The number of each word and pair, 0 for those that are left out, fitted on these rows."""
        if self._hashed:
            return np.array([1 + crc32(name.encode()) % (MOST - 1) for name in self._names], dtype=np.int64)
        counts = self._spread(train)
        kept = np.lexsort((np.arange(len(counts)), -counts))[: self.size - 1]
        kept = kept[counts[kept] >= LEAST]
        numbers = np.zeros(len(counts), dtype=np.int64)
        numbers[kept] = np.arange(1, len(kept) + 1)
        return numbers

    def coded(self, rows: Codes, vocabulary: Codes) -> Codes:
        """The rows as int64 (rows, LENGTH): 1 to size - 1, and 0 after the end."""
        filled = np.zeros((len(rows), LENGTH), dtype=np.int64)
        for place, row in enumerate(rows):
            numbers = vocabulary[self._texts[row]]
            kept = numbers[numbers > 0][:LENGTH]
            filled[place, : len(kept)] = kept
        return filled

    def facts(self, train: Codes) -> dict[str, object]:
        """The number of each word and pair by name, or what the hash is taken modulo; how many of a text are read."""
        if self._hashed:
            return {"length": LENGTH, "crc32_modulo": MOST - 1}
        numbers = self.vocabulary(train).tolist()
        words = {name: number for name, number in zip(self._names, numbers, strict=True) if number}
        return {"length": LENGTH, "words": words}
